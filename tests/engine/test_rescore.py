"""Rescoring gives the bits of decoding, and names the first token that is not what is drawn."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import torch

from engine.engine import Engine
from engine.errors import EngineError, RequestError
from engine.recorded import RecordedGeneration, Rescored
from engine.rescore import LANES, Rescorer
from engine.types import GenerationRequest, Sampling
from tests.engine.factories import SMALL_SHAPE, random_checkpoint

LETTERS = "start: /[a-d]+/"
STOP = 257


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    threads = torch.get_num_threads()
    folder = random_checkpoint(tmp_path_factory.mktemp("model"), SMALL_SHAPE, seed=3)
    yield Engine.load(folder, num_threads=1)
    torch.set_num_threads(threads)


def request_of(prompt: Sequence[int], *, count: int = 6, **sampling: float) -> GenerationRequest:
    return GenerationRequest(
        prompt_ids=tuple(prompt),
        max_new_tokens=count,
        stop_ids=frozenset({STOP}),
        sampling=Sampling(**sampling),  # type: ignore[arg-type]
    )


def made(
    engine: Engine, request: GenerationRequest, grammar: str = ""
) -> tuple[RecordedGeneration, str]:
    """A generation and its digest, as a log holds them."""
    generation = engine.generate(request, grammar=grammar)
    recorded = RecordedGeneration(request=request, grammar=grammar, token_ids=generation.token_ids)
    return recorded, generation.logit_digest


def rescored(outcome: Rescored | EngineError) -> Rescored:
    assert isinstance(outcome, Rescored), outcome
    return outcome


def conversations(engine: Engine) -> list[tuple[RecordedGeneration, str]]:
    """Turns that share beginnings, repeat each other, and are longer than a step."""
    found = []
    for start in range(LANES + 3):
        prompt = [7, 8, 9] * 20 + [start + 10] * (1 + 60 * (start % 3))
        first = made(engine, request_of(prompt, temperature=float(start % 2), seed=start))
        follow = [*prompt, *first[0].token_ids, 50, 51]
        found += [first, made(engine, request_of(follow, temperature=0.7, seed=1))]
    found.append(made(engine, request_of(list(range(2, 90)) * 7)))
    found.append(made(engine, request_of([5], count=1)))
    found.append(made(engine, request_of([40, 41], count=9, temperature=1.0), LETTERS))
    return [*found, *found[:2]]


def test_rescore_conversations_have_the_bits_of_decoding(engine: Engine) -> None:
    recorded = conversations(engine)
    rescorer = Rescorer(engine)
    # The second time every sequence is held already.
    for _ in range(2):
        outcomes = rescorer.rescore([generation for generation, _ in recorded])
        assert [rescored(outcome).logit_digest for outcome in outcomes] == [
            digest for _, digest in recorded
        ]
        assert all(rescored(one).difference is None for one in outcomes)
        assert all(rescored(one).is_ended for one in outcomes)


def test_rescore_alone_equals_rescore_beside_others(engine: Engine) -> None:
    recorded = [generation for generation, _ in conversations(engine)]
    together = Rescorer(engine).rescore(recorded)
    alone = [Rescorer(engine).rescore([generation])[0] for generation in recorded]
    assert together == alone


def test_rescore_nothing_is_nothing(engine: Engine) -> None:
    assert Rescorer(engine).rescore([]) == []


@pytest.mark.parametrize("index", [0, 3, 5])
def test_rescore_changed_token_names_place_and_both_candidates(engine: Engine, index: int) -> None:
    generation, digest = made(engine, request_of([4, 5, 6]))
    tokens = list(generation.token_ids)
    assert len(tokens) == 6
    other = (tokens[index] + 1) % 64 + 2
    tokens[index] = other
    (outcome,) = Rescorer(engine).rescore([replace(generation, token_ids=tuple(tokens))])
    difference = rescored(outcome).difference
    assert difference is not None
    assert difference.index == index
    assert difference.recorded.token_id == other
    assert difference.derived.token_id == generation.token_ids[index]
    # Greedy: what is drawn is the likelier of the two.
    assert difference.recorded.logprob < difference.derived.logprob <= 0
    assert difference.is_allowed
    # The last token has no logits after it; every other one changes those that follow.
    assert (rescored(outcome).logit_digest == digest) is (index == 5)


def test_rescore_token_that_the_grammar_forbids_says_so(engine: Engine) -> None:
    generation, _ = made(engine, request_of([40, 41], temperature=1.0), LETTERS)
    forbidden = engine.tokenizer.encode("z")[0]
    changed = replace(generation, token_ids=(forbidden, *generation.token_ids[1:]))
    (outcome,) = Rescorer(engine).rescore([changed])
    difference = rescored(outcome).difference
    assert difference is not None
    assert difference.index == 0
    assert not difference.is_allowed
    assert math.isfinite(difference.recorded.logprob)


def test_rescore_other_seed_differs(engine: Engine) -> None:
    generation, digest = made(engine, request_of([4, 5], count=12, temperature=1.0, seed=1))
    sampling = replace(generation.request.sampling, seed=2)
    changed = replace(generation, request=replace(generation.request, sampling=sampling))
    outcome = rescored(Rescorer(engine).rescore([changed])[0])
    assert outcome.difference is not None
    # The seed moves no logit.
    assert outcome.logit_digest == digest


def test_rescore_shortened_record_has_not_ended(engine: Engine) -> None:
    generation, _ = made(engine, request_of([4, 5, 6]))
    shortened = replace(generation, token_ids=generation.token_ids[:-1])
    outcome = rescored(Rescorer(engine).rescore([shortened])[0])
    assert outcome.difference is None
    assert not outcome.is_ended


@pytest.mark.parametrize(
    "change",
    [
        {"token_ids": ()},
        {"token_ids": (2,) * 7},
        {"token_ids": (10**6,)},
        {"token_ids": (-1,)},
        {"request": request_of([10**6])},
        {"grammar": "("},
    ],
)
def test_rescore_impossible_record_is_an_error_in_its_place(
    engine: Engine, change: dict[str, object]
) -> None:
    generation, digest = made(engine, request_of([4, 5, 6]))
    changed = replace(generation, **change)  # type: ignore[arg-type]
    first, second = Rescorer(engine).rescore([changed, generation])
    assert isinstance(first, EngineError)
    assert rescored(second).logit_digest == digest


def test_rescore_mask_that_cannot_go_on_is_an_error(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def bitmask(self) -> None:
            raise RequestError("mask", expected="bits", actual="none")

        def accept(self, token_id: int) -> None:
            raise AssertionError(token_id)

    generation, _ = made(engine, request_of([4, 5, 6]))
    monkeypatch.setattr(engine.grammars, "mask", lambda _: Broken())
    (outcome,) = Rescorer(engine).rescore([replace(generation, grammar=LETTERS)])
    assert isinstance(outcome, RequestError)
