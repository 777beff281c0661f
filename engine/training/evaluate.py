"""Decodes with a released model and counts what is right: `python -m engine.training.evaluate`.

Two kinds of sets: unseen instances of the generator, where a dialogue must be exact word for word,
and questions written by hand, where calls and outcome must be right. Greedy, on the CPU, through
the engine and the service's grammars. Results of tools are invented by the generator.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from engine.engine import Engine
from engine.training.decoding import Call, Decoder
from engine.training.dialogues import results
from engine.training.dialogues.types import INSTRUCTIONS, Dialogue, Row
from engine.training.dialogues.views import canonical_views
from engine.training.exactness import shares
from engine.training.handwritten import (
    QUESTIONS_FOLDER,
    Question,
    are_calls_right,
    load_questions,
    outcome_of,
)
from engine.training.heldout import held_out_rows

_LOG = logging.getLogger(__name__)
_FOLDER = Path(__file__).parents[1] / "embedded"
_PROGRESS_EVERY = 20
_DIALOGUES_A_ROW = 10
_RESULT_SEED = 11
# Whoever reads these misses will sooner or later mend them.
_SEALED = "sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A question that went wrong; `at` is what was first wrong: calls, outcome or answer."""

    question: str
    at: str
    expected: object
    got: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One dialogue's verdict; `groups` are the rows of the table it counts in."""

    groups: tuple[str, ...]
    miss: Miss | None
    num_tokens: int


def _plain(calls: Iterable[Call]) -> list[object]:
    return [{"name": call.name, "arguments": dict(call.arguments)} for call in calls]


def judge_instance(decoder: Decoder, source: Row, dialogue: Dialogue) -> Judged:
    """Decodes a generated dialogue; it ends at the first wrong call."""
    gold = [Call(name=step.tool, arguments=step.arguments) for step in dialogue.steps]

    def respond(calls: tuple[Call, ...]) -> str | None:
        num = len(calls)
        is_right = list(calls) == gold[:num]
        return dialogue.steps[num - 1].result if is_right else None

    found = decoder.decode(
        dialogue.user, source.tools, instructions=source.instructions, respond=respond
    )
    miss = None
    if list(found.calls) != gold:
        miss = Miss(
            question=dialogue.user,
            at="calls",
            expected=_plain(gold) or dialogue.final,
            got=_plain(found.calls) or found.final,
        )
    elif found.final != dialogue.final:
        miss = Miss(question=dialogue.user, at="answer", expected=dialogue.final, got=found.final)
    groups = (f"kind {dialogue.kind.value}", *(f"intent {name}" for name in dialogue.intents))
    return Judged(groups=groups, miss=miss, num_tokens=found.num_tokens)


class _Results:
    """Invented results of canonical tools, and the sentences that answer with them."""

    def __init__(self, question: Question) -> None:
        self._views = canonical_views(question.agent)
        self._random = Random(f"{_RESULT_SEED}:{question.message}")  # noqa: S311  # no secret
        self.sentences: list[str] = []

    def respond(self, calls: tuple[Call, ...]) -> str | None:
        call = calls[-1]
        if call.name not in self._views:
            return None
        view = self._views[call.name]
        text, sentence = results.result(view, len(calls), dict(call.arguments), self._random)
        self.sentences.append(sentence)
        return text


def judge_question(decoder: Decoder, question: Question) -> Judged:
    """Decodes a hand-written question."""
    made = _Results(question)
    tools = tuple(view.spec for view in canonical_views(question.agent).values())
    found = decoder.decode(question.message, tools, instructions=INSTRUCTIONS, respond=made.respond)
    expected = [asdict(call) for call in question.calls] or question.outcome.value
    got: object = _plain(found.calls) or found.final
    miss = None
    if not are_calls_right(question, found.calls):
        miss = Miss(question=question.message, at="calls", expected=expected, got=got)
    elif outcome_of(found) is not question.outcome:
        miss = Miss(question=question.message, at="outcome", expected=expected, got=found.final)
    elif found.calls and found.final != " ".join(made.sentences):
        miss = Miss(
            question=question.message, at="answer", expected=made.sentences, got=found.final
        )
    return Judged(groups=_question_groups(question), miss=miss, num_tokens=found.num_tokens)


def _question_groups(question: Question) -> tuple[str, ...]:
    kind = "several_calls" if len(question.calls) > 1 else "one_call"
    names = [f"intent {call.name}" for call in question.calls]
    return (f"kind {kind}" if question.calls else f"kind {question.outcome.value}", *names)


def report(judged: Sequence[Judged], *, elapsed_s: float) -> dict[str, object]:
    """Counts of a set, overall, without judging the answer's words, and by group."""
    misses = [item.miss for item in judged if item.miss is not None]
    return {
        "all": shares(("all", item.miss is None) for item in judged)["all"],
        "calls_and_outcome": shares(
            ("all", item.miss is None or item.miss.at == "answer") for item in judged
        )["all"],
        "groups": shares((group, item.miss is None) for item in judged for group in item.groups),
        "tokens_per_s": round(sum(item.num_tokens for item in judged) / elapsed_s, 1),
        "seconds_per_question": round(elapsed_s / max(1, len(judged)), 2),
        "misses": [asdict(miss) for miss in misses],
    }


class _Progress:
    """Collects verdicts of a set and says how it stands."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started_s = time.monotonic()
        self._judged: list[Judged] = []

    def add(self, judged: Judged) -> None:
        self._judged.append(judged)
        if len(self._judged) % _PROGRESS_EVERY == 0:
            right = sum(item.miss is None for item in self._judged)
            seconds = time.monotonic() - self._started_s
            _LOG.info("%s: %d of %d right, %.0f s", self._name, right, len(self._judged), seconds)

    def report(self) -> dict[str, object]:
        return report(self._judged, elapsed_s=time.monotonic() - self._started_s)


def evaluate_instances(decoder: Decoder, *, canonical: bool, limit: int) -> dict[str, object]:
    """Decodes unseen instances of the generator on canonical or varied tool lists."""
    progress = _Progress("canonical" if canonical else "varied")
    num_rows = -(-limit // _DIALOGUES_A_ROW)
    pairs = [
        (source, dialogue)
        for source in held_out_rows(num_rows, canonical=canonical)
        for dialogue in source.dialogues[:_DIALOGUES_A_ROW]
    ]
    for source, dialogue in pairs[:limit]:
        progress.add(judge_instance(decoder, source, dialogue))
    return progress.report()


def evaluate_questions(decoder: Decoder, path: Path, *, limit: int) -> dict[str, object]:
    """Decodes the questions of a file; misses of sealed ones are counted and not told."""
    progress = _Progress(path.stem)
    # Questions of one agent share the tool list, which then stays in the prefix cache.
    for question in sorted(load_questions(path)[:limit], key=lambda item: item.agent):
        progress.add(judge_question(decoder, question))
    found = progress.report()
    return {**found, "misses": []} if path.stem == _SEALED else found


def _table(reports: dict[str, dict[str, object]]) -> str:
    lines = []
    for name, found in reports.items():
        groups = {"all": found["all"], "calls and outcome": found["calls_and_outcome"]}
        assert isinstance(found["groups"], dict)
        for group, share in {**groups, **found["groups"]}.items():
            assert isinstance(share, dict)
            lines.append(f"{name:<10} {group:<26} {share['n']:>5} {share['exact_pct']:>7.2f} %")
        lines.append(
            f"{name:<10} {found['seconds_per_question']} s a question, "
            f"{found['tokens_per_s']} tokens/s"
        )
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=_FOLDER)
    parser.add_argument("--questions", type=Path, nargs="*", default=None)
    parser.add_argument("--limit", type=int, default=100, help="dialogues of each set at most")
    parser.add_argument("--no-grammar", action="store_true")
    parser.add_argument("--no-instances", action="store_true", help="hand-written questions only")
    parser.add_argument("--out", type=Path, help="JSON report, default FOLDER/decoding.json")
    return parser.parse_args()


def main() -> None:
    """Prints a table and the misses, and writes both as JSON."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    engine = Engine.load(options.folder)
    decoder = Decoder(engine, use_grammar=not options.no_grammar)
    reports: dict[str, dict[str, object]] = {}
    paths = [QUESTIONS_FOLDER / "dev.jsonl"] if options.questions is None else options.questions
    for path in paths:
        reports[path.stem] = evaluate_questions(decoder, path, limit=options.limit)
    if not options.no_instances:
        for name, canonical in (("canonical", True), ("varied", False)):
            reports[name] = evaluate_instances(decoder, canonical=canonical, limit=options.limit)
    for found in reports.values():
        assert isinstance(found["misses"], list)
        for miss in found["misses"]:
            _LOG.info("%s", json.dumps(miss, ensure_ascii=False))
    _LOG.info("%s", _table(reports))
    record = {
        "weights_digest": engine.info.weights_digest,
        "grammar": not options.no_grammar,
        "sets": reports,
    }
    out = options.out or options.folder / "decoding.json"
    out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
