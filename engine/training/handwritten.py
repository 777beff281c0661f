"""Questions written by hand, what they should lead to, and how a decoded dialogue is judged.

A file holds one JSON object a line: `question`, `agent` (auto, risk, market or compliance) and
either `calls`, a list of `{"name": …, "arguments": {…}}`, or `outcome`, "ask" or "decline";
`book` and `as_of` are what the caller fixed. An argument may be a list of equally good spans, the
first one preferred.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.training.decoding import Call, Transcript
from engine.training.dialogues.types import Agent

QUESTIONS_FOLDER = Path(__file__).with_name("questions")
_ARTICLE = re.compile(r"^(?:the|a|an|my|our|this|that)\s+")
_TRAILING = " .,;:?!'\""
# Tools whose arguments may change places.
_SYMMETRIC = {"correlation": ("first", "second")}


class Outcome(StrEnum):
    """How a dialogue ends."""

    ANSWER = "answer"
    ASK = "ask"
    DECLINE = "decline"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCall:
    """A call that a question should lead to; each argument with its accepted spans."""

    name: str
    arguments: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as put to an agent and what it should lead to."""

    text: str
    agent: Agent
    book: str | None
    as_of: str | None
    calls: tuple[ExpectedCall, ...]
    outcome: Outcome

    @property
    def message(self) -> str:
        """The user message, with what the caller fixed on lines of its own, as in the service."""
        lines = [self.text]
        lines += [f"Book: {self.book}"] if self.book is not None else []
        lines += [f"As of: {self.as_of}"] if self.as_of is not None else []
        return "\n".join(lines)


def load_questions(path: Path) -> list[Question]:
    """Reads a file of questions.

    Raises:
        ValueError: A line is no JSON object of the form above; names file and line.
    """
    questions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            questions.append(_question(json.loads(line)))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}:{number}: expected a question, got {error!r}") from error
    return questions


def _question(record: Mapping[str, object]) -> Question:
    unknown = set(record) - {"question", "agent", "book", "as_of", "calls", "outcome"}
    if unknown:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    calls = record.get("calls", [])
    assert isinstance(calls, list)
    if bool(calls) == ("outcome" in record):
        raise ValueError("expected either calls or outcome")
    return Question(
        text=str(record["question"]),
        agent=Agent(str(record["agent"])),
        book=_optional(record.get("book")),
        as_of=_optional(record.get("as_of")),
        calls=tuple(_expected(call) for call in calls),
        outcome=Outcome(str(record.get("outcome", Outcome.ANSWER))),
    )


def _optional(value: object) -> str | None:
    return None if value is None else str(value)


def _expected(call: Mapping[str, object]) -> ExpectedCall:
    arguments = call["arguments"]
    assert isinstance(arguments, dict)
    spans = {
        name: tuple(map(str, value)) if isinstance(value, list) else (str(value),)
        for name, value in arguments.items()
    }
    return ExpectedCall(name=str(call["name"]), arguments=spans)


def normal(span: str) -> str:
    """A span without case, leading article and trailing punctuation."""
    return _ARTICLE.sub("", span.casefold().strip()).rstrip(_TRAILING)


def is_same_call(expected: ExpectedCall, call: Call) -> bool:
    """Whether tool and arguments are right; wording counts as `normal` leaves it."""
    if call.name != expected.name:
        return False
    given = {name: normal(value) for name, value in call.arguments}
    if _matches(expected.arguments, given):
        return True
    first, second = _SYMMETRIC.get(call.name, ("", ""))
    if first not in given or second not in given:
        return False
    return _matches(expected.arguments, {**given, first: given[second], second: given[first]})


def _matches(expected: Mapping[str, Sequence[str]], given: Mapping[str, str]) -> bool:
    return expected.keys() == given.keys() and all(
        given[name] in map(normal, spans) for name, spans in expected.items()
    )


def outcome_of(transcript: Transcript) -> Outcome:
    """How a dialogue ended, told apart as the service does."""
    if transcript.final is None or not transcript.final.strip():
        return Outcome.UNUSABLE
    if transcript.calls:
        return Outcome.ANSWER
    return Outcome.ASK if transcript.final.rstrip().endswith("?") else Outcome.DECLINE


def are_calls_right(question: Question, calls: Sequence[Call]) -> bool:
    """Whether exactly the expected calls were made, in whatever order."""
    left = list(calls)
    for expected in question.calls:
        found = next((call for call in left if is_same_call(expected, call)), None)
        if found is None:
            return False
        left.remove(found)
    return not left
