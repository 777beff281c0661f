"""Calibrates abstention on questions whose right calls are known: those the model is judged by.

The rule that is calibrated is the one the service applies: the greedy answer counts as confident
when all samples make the same calls, and then by its least margin. Results of tools are invented,
as in the model's evaluation; no answer to a question depends on them but the words around them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import islice
from random import Random

from engine.training.decoding import Call, Transcript
from engine.training.dialogues import results
from engine.training.dialogues.types import Agent
from engine.training.dialogues.views import canonical_views
from engine.training.handwritten import (
    QUESTIONS_FOLDER,
    ExpectedCall,
    Outcome,
    Question,
    are_calls_right,
    load_questions,
    normal,
    outcome_of,
)
from engine.training.heldout import held_out_rows
from finsvc.adapters.engine import EngineModel
from finsvc.agents.catalogue import INSTRUCTIONS, AgentName, tools_of
from finsvc.agents.loop import Limits
from finsvc.agents.model import SAMPLE_TEMPERATURE
from finsvc.domain.turns import ModelTurn
from finsvc.services.ensemble import sample_seed
from finsvc.validator.abstention import DISAGREEMENT, Calibration, Terms, Trial, calibrate

_RESULT_SEED = 11
_DIALOGUES_A_ROW = 10
# Generated questions on which the thresholds' grid was laid; not used again.
_PILOT = 300
# Questions in flight: their steps are shared, so eight cost little more than one.
_CONCURRENT = 8

Signature = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
OnProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which questions are put.

    Of each hand-written file at most ``handwritten``, and of unseen generated ones the first
    ``generated`` to calibrate and the next ``held_out`` to check.
    """

    handwritten: int = 100
    generated: int = 300
    held_out: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    """A dialogue as it went; ``margin`` is the least of its turns."""

    transcript: Transcript
    margin: float

    @property
    def signature(self) -> Signature:
        """The calls without regard to order and to what does not change a span's meaning."""
        return tuple(
            sorted(
                (call.name, tuple((name, normal(value)) for name, value in call.arguments))
                for call in self.transcript.calls
            )
        )


def run_calibration(
    model: EngineModel, *, terms: Terms, plan: Plan, made_on: date, on_progress: OnProgress
) -> Calibration:
    """Put the questions to a model and choose the threshold.

    Raises:
        StateError: No threshold can be certified.
    """
    generated = list(islice(_generated(), _PILOT, _PILOT + plan.generated + plan.held_out))
    sets = {
        "handwritten_dev": _handwritten("dev", plan.handwritten),
        "generated": generated[: plan.generated],
    }
    held_out = {
        "handwritten_sealed": _handwritten("sealed", plan.handwritten),
        "generated_held_out": generated[plan.generated :],
    }
    found = {
        name: _trials(model, name, questions, terms, on_progress)
        for name, questions in {**sets, **held_out}.items()
    }
    return calibrate(
        {name: found[name] for name in sets},
        {name: found[name] for name in held_out},
        weights=str(model.identity.manifest["weights_digest"]),
        made_on=made_on,
        terms=terms,
    )


def _handwritten(name: str, limit: int) -> list[Question]:
    questions = load_questions(QUESTIONS_FOLDER / f"{name}.jsonl")[:limit]
    # Questions of one agent share their tool list, which then stays in the prefix cache.
    return sorted(questions, key=lambda question: question.agent)


def _generated() -> Iterator[Question]:
    """Yield unseen instances of the generator on the service's own tool lists."""
    agents = {tuple(view.spec.name for view in canonical_views(a).values()): a for a in Agent}
    num_rows = _DIALOGUES_A_ROW
    seen = 0
    while True:
        rows = held_out_rows(num_rows, canonical=True)
        for source in rows[seen:]:
            agent = agents[tuple(tool.name for tool in source.tools)]
            for dialogue in source.dialogues[:_DIALOGUES_A_ROW]:
                calls = tuple(
                    ExpectedCall(
                        name=step.tool, arguments={key: (value,) for key, value in step.arguments}
                    )
                    for step in dialogue.steps
                )
                asks = Outcome.ASK if dialogue.final.rstrip().endswith("?") else Outcome.DECLINE
                yield Question(
                    text=dialogue.user,
                    agent=agent,
                    book=None,
                    as_of=None,
                    calls=calls,
                    outcome=Outcome.ANSWER if calls else asks,
                )
        seen, num_rows = len(rows), 2 * num_rows


def _trials(
    model: EngineModel,
    name: str,
    questions: Sequence[Question],
    terms: Terms,
    on_progress: OnProgress,
) -> list[Trial]:
    trials: list[Trial] = []
    with ThreadPoolExecutor(_CONCURRENT) as pool:
        found: Iterable[Trial | None] = pool.map(
            lambda question: _trial(model, question, terms), questions
        )
        for number, trial in enumerate(found, start=1):
            trials += [] if trial is None else [trial]
            if number % _DIALOGUES_A_ROW == 0:
                on_progress(f"{name}: {number} of {len(questions)} questions")
    return trials


def _trial(model: EngineModel, question: Question, terms: Terms) -> Trial | None:
    """Score the answer to a question; None where the model asks back, declines or fails."""
    greedy = _play(model, question, None)
    if outcome_of(greedy.transcript) is not Outcome.ANSWER:
        return None
    samples = (
        _play(model, question, sample_seed(question.message, number))
        for number in range(terms.num_samples)
    )
    agrees = all(sample.signature == greedy.signature for sample in samples)
    return Trial(
        score=greedy.margin if agrees else DISAGREEMENT,
        is_right=are_calls_right(question, greedy.transcript.calls),
    )


def _play(model: EngineModel, question: Question, seed: int | None) -> _Played:
    """Let the model answer a question, as the service does, on invented results."""
    dialogue = model.open(
        instructions=INSTRUCTIONS,
        tools=tools_of(AgentName(question.agent.value)),
        user_message=question.message,
        tenant="calibration",
        seed=seed,
    )
    views = canonical_views(question.agent)
    chance = Random(f"{_RESULT_SEED}:{question.message}")  # noqa: S311 # no secret
    calls: list[Call] = []
    margins: list[float] = []
    while True:
        turn = dialogue.next_turn(attempt=0, may_call=True)
        margins.append(DISAGREEMENT if turn.trace.margin is None else turn.trace.margin)
        call = _first_call(turn)
        if call is None or call.name not in views or len(calls) == Limits().max_calls:
            transcript = Transcript(calls=tuple(calls), final=turn.final, num_tokens=0)
            return _Played(transcript=transcript, margin=min(margins))
        calls.append(call)
        text, _ = results.result(views[call.name], len(calls), dict(call.arguments), chance)
        payload: Mapping[str, str] = json.loads(text)
        dialogue.add_result(tool=call.name, arguments=turn.calls[0].arguments, payload=payload)


def _first_call(turn: ModelTurn) -> Call | None:
    if not turn.calls:
        return None
    document = json.loads(turn.calls[0].arguments)
    return Call(
        name=turn.calls[0].name,
        arguments=tuple((name, str(value)) for name, value in document.items()),
    )


def default_terms() -> Terms:
    """The service's promise: at most 2 % wrong with 95 % confidence, by four samples."""
    return Terms(alpha=0.02, delta=0.05, num_samples=4, temperature=SAMPLE_TEMPERATURE)
