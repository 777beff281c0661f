"""Messages read back as what was written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import (
    ContextLengthError,
    DeadlineError,
    EngineError,
    EngineStoppedError,
    NonFiniteLogitsError,
    QueueFullError,
    RequestError,
    TokenMaskError,
)
from engine.grammar import GrammarError
from engine.job import Priority, Terms, TokenEvent
from engine.serving import wire
from engine.types import FinishReason, GenerationRequest, Sampling, TokenLogprob, TokenLogprobs

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ERRORS = (
    RequestError("top_p", expected="above 0", actual="0"),
    ContextLengthError(context_length=10, prompt_tokens=9, max_new_tokens=2),
    TokenMaskError(position=3, expected="one", actual="none"),
    GrammarError("lark", expected="valid", actual="not"),
    NonFiniteLogitsError(7),
    QueueFullError(waiting_max=4, retry_after_s=1.5),
    DeadlineError(2.5),
    EngineStoppedError("is shutting down"),
)


def over_the_wire(value: object) -> object:
    return json.loads(json.dumps(value))


@given(
    ids=st.lists(st.integers(0, 2**31), min_size=1).map(tuple),
    stops=st.frozensets(st.integers(0, 2**31)),
    temperature=FLOATS,
    seed=st.integers(0, 2**64 - 1),
)
def test_request_reads_back_as_itself(
    ids: tuple[int, ...], stops: frozenset[int], temperature: float, seed: int
) -> None:
    made = GenerationRequest(
        prompt_ids=ids,
        max_new_tokens=7,
        stop_ids=stops,
        sampling=Sampling(temperature=temperature, top_p=0.1, seed=seed),
        top_logprobs=2,
    )
    assert wire.read_request(over_the_wire(wire.request_document(made))) == made


@pytest.mark.parametrize("timeout_s", [None, 0.1])
def test_terms_read_back_as_themselves(timeout_s: float | None) -> None:
    made = Terms(tenant="ä", priority=Priority.BACKGROUND, timeout_s=timeout_s)
    assert wire.read_terms(over_the_wire(wire.terms_document(made))) == made


@given(logprob=FLOATS, finish=st.sampled_from([None, *FinishReason]))
def test_token_reads_back_as_itself(logprob: float, finish: FinishReason | None) -> None:
    choice = TokenLogprob(token_id=3, logprob=logprob)
    made = TokenEvent(
        job_id=9,
        token_id=3,
        digest="00",
        cached_tokens=4,
        finish=finish,
        logprobs=TokenLogprobs(sampled=choice, top=(choice,)),
    )
    assert wire.read_token(over_the_wire(wire.token_item(9, made))) == made


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error.code))
def test_error_reads_back_as_itself(error: EngineError) -> None:
    code, fields = wire.error_fields(error)
    found = wire.read_error(code, over_the_wire(fields))
    assert type(found) is type(error)
    assert str(found) == str(error)
    assert wire.error_fields(found) == (code, fields)


def test_error_of_another_kind_keeps_its_sentence() -> None:
    found = wire.read_error(*wire.error_fields(wire.WireError("lost")))
    assert type(found) is EngineError
    assert str(found) == "wire: lost"


@pytest.mark.parametrize(
    "document",
    [7, {}, {"prompt_ids": "x"}, {"prompt_ids": [1], "max_new_tokens": "x", "stop_ids": []}],
)
def test_request_with_other_fields_is_refused(document: object) -> None:
    with pytest.raises(wire.WireError):
        wire.read_request(document)


def test_request_with_sampling_that_is_no_number_is_refused() -> None:
    made = GenerationRequest(prompt_ids=(1,), max_new_tokens=1, stop_ids=frozenset())
    document = {**wire.request_document(made), "sampling": {"temperature": "hot"}}
    with pytest.raises(wire.WireError):
        wire.read_request(document)


def test_other_items_are_refused() -> None:
    with pytest.raises(wire.WireError):
        wire.read_token([1, 2])
    with pytest.raises(wire.WireError):
        wire.read_terms({"tenant": "t", "priority": 99})
    with pytest.raises(wire.WireError):
        wire.read_error("queue_full", {})
