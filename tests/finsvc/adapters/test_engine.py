import json

import pytest

from engine.errors import (
    DeadlineError,
    EngineError,
    EngineStoppedError,
    NonFiniteLogitsError,
    QueueFullError,
)
from engine.job import Terms
from engine.types import Generation, GenerationRequest, Sampling
from finsvc.adapters.engine import EngineModel, unavailable
from finsvc.agents.catalogue import INSTRUCTIONS, TOOLS, AgentName, tools_of
from finsvc.agents.requests import is_well_formed
from finsvc.domain.errors import BusyError, TimedOutError, UnavailableError

QUESTION = "Where did Apple close?"
TOOLS_OFFERED = (TOOLS["price"], TOOLS["fx_rate"])


def test_turn_of_noise_is_a_wellformed_call_or_a_text_without_numbers(noise: EngineModel) -> None:
    dialogue = noise.open(
        instructions=INSTRUCTIONS, tools=TOOLS_OFFERED, user_message=QUESTION, tenant="t"
    )
    turn = dialogue.next_turn(attempt=0, may_call=True)
    for call in turn.calls:
        assert is_well_formed(call, TOOLS_OFFERED)
        for span in json.loads(call.arguments).values():
            assert span in QUESTION
    if turn.final is not None:
        assert not any(character.isdigit() for character in turn.final)
    assert turn.calls or turn.final is not None or turn.trace.finish_reason == "length"


def test_trace_holds_all_that_samples_the_turn_again(noise: EngineModel) -> None:
    dialogue = noise.open(
        instructions=INSTRUCTIONS, tools=TOOLS_OFFERED, user_message=QUESTION, tenant="t"
    )
    trace = dialogue.next_turn(attempt=1, may_call=True).trace
    assert (trace.temperature, trace.seed) == (0.7, 1)
    request = GenerationRequest(
        prompt_ids=trace.prompt_ids,
        max_new_tokens=trace.max_new_tokens,
        stop_ids=frozenset(trace.stop_ids),
        sampling=Sampling(temperature=trace.temperature, top_p=trace.top_p, seed=trace.seed),
    )
    again = noise.sample(request, trace.grammar, terms=Terms(tenant="t"))
    assert again.token_ids == trace.token_ids
    assert again.logit_digest == trace.logit_digest
    assert again.cached_tokens > 0


def test_result_of_a_call_joins_prompt_and_grammar(noise: EngineModel) -> None:
    dialogue = noise.open(
        instructions=INSTRUCTIONS, tools=TOOLS_OFFERED, user_message=QUESTION, tenant="t"
    )
    before = dialogue.next_turn(attempt=0, may_call=True).trace
    arguments = '{"instrument":"Apple"}'
    payload = {"[[c1.subject]]": "Apple", "[[c1.close|USD|2]]": "125.67"}
    dialogue.add_result(tool="price", arguments=arguments, payload=payload)
    after = dialogue.next_turn(attempt=0, may_call=True).trace
    text = noise.engine.tokenizer.decode(list(after.prompt_ids))
    assert after.prompt_ids[: len(before.prompt_ids)] == before.prompt_ids
    assert arguments in text
    assert '{"[[c1.subject]]":"Apple","[[c1.close|USD|2]]":"125.67"}' in text
    assert "close" in after.grammar
    assert "subject" in after.grammar
    assert "subject" not in before.grammar


def test_identity_is_the_engines_fingerprint(noise: EngineModel) -> None:
    identity = noise.identity
    assert identity.name == "noise"
    assert identity.fingerprint == noise.engine.fingerprint.digest
    assert identity.manifest["weights_digest"] == noise.engine.fingerprint.weights_digest
    assert noise.engine.tokenizer.special_id("<|call|>") in noise.stop_ids


def test_auto_agent_offers_every_tool_in_the_prompt(noise: EngineModel) -> None:
    dialogue = noise.open(
        instructions=INSTRUCTIONS, tools=tools_of(AgentName.AUTO), user_message=QUESTION, tenant="t"
    )
    prompt_ids = dialogue.next_turn(attempt=0, may_call=True).trace.prompt_ids
    text = noise.engine.tokenizer.decode(list(prompt_ids))
    assert all(f"type {name} = " in text for name in TOOLS)


def test_turn_that_may_not_call_is_a_text(noise: EngineModel) -> None:
    dialogue = noise.open(
        instructions=INSTRUCTIONS, tools=TOOLS_OFFERED, user_message=QUESTION, tenant="t"
    )
    turn = dialogue.next_turn(attempt=0, may_call=False)
    assert turn.calls == ()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (QueueFullError(waiting_max=4, retry_after_s=7.5), BusyError),
        (DeadlineError(2.0), TimedOutError),
        (EngineStoppedError("was stopped or killed"), UnavailableError),
        (NonFiniteLogitsError(3), UnavailableError),
    ],
)
def test_engine_that_gives_no_answer_is_unavailable_to_callers(
    error: EngineError, expected: type[UnavailableError]
) -> None:
    told = unavailable(error)
    assert type(told) is expected
    if isinstance(told, BusyError):
        assert told.retry_after_s == 7.5


class Stopped:
    """An engine that is being started again."""

    def __init__(self, model: EngineModel) -> None:
        self.info, self.fingerprint = model.engine.info, model.engine.fingerprint
        self.tokenizer = model.engine.tokenizer
        self.is_ready = False

    def generate(self, *_: object, **__: object) -> Generation:
        raise EngineStoppedError("is starting again")


def test_turn_on_an_engine_that_is_away_is_unavailable(noise: EngineModel) -> None:
    model = EngineModel(Stopped(noise), name="noise")
    dialogue = model.open(
        instructions=INSTRUCTIONS, tools=TOOLS_OFFERED, user_message=QUESTION, tenant="t"
    )
    with pytest.raises(UnavailableError):
        dialogue.next_turn(attempt=0, may_call=True)
