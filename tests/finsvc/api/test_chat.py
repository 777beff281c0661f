"""`/v1/chat/completions` on agents, through the official client and by hand."""

import json
from typing import Any

import openai
import pytest

from finsvc.domain.errors import InputError, RefusedError
from tests.finsvc.api.fakes import ANSWER, World

QUESTION = "What is the 10-day 99% VaR of the sample book?"


def sdk(world: World, who: str = "local") -> openai.OpenAI:
    return openai.OpenAI(
        api_key=world.keys[who],
        base_url="http://testserver/v1",
        http_client=world.client(None),
        max_retries=0,
    )


def request(**fields: object) -> dict[str, object]:
    return {
        "model": "finsvc/risk",
        "messages": [{"role": "user", "content": QUESTION}],
        **fields,
    }


def sse(text: str) -> list[dict[str, Any]]:
    lines = [line for line in text.split("\n\n") if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_agent_completion_plain_has_answer_and_proof(world: World) -> None:
    completion = sdk(world).chat.completions.create(
        model="finsvc/risk", messages=[{"role": "user", "content": QUESTION}]
    )
    assert completion.choices[0].message.content == ANSWER
    assert completion.choices[0].finish_reason == "stop"
    assert completion.system_fingerprint == "f" * 64
    assert completion.usage is not None
    assert completion.usage.total_tokens == 120
    proof = completion.model_extra["finsvc"]  # type: ignore[index]
    assert proof["verdict"] == "verified_rounded"
    assert proof["claims"][0]["source"] == {"call": "c1", "field": "var"}
    assert proof["receipt"]["tree_size"] == 1
    assert proof["tool_calls"][0]["name"] == "value_at_risk"
    assert set(proof["timing_ms"]) == {"total", "model", "audit", "other"}
    assert proof["held"] is False
    assert proof["reasons"] == []


def test_agent_completion_extra_body_reaches_the_command(world: World) -> None:
    sdk(world).chat.completions.create(
        model="finsvc/auto",
        messages=[{"role": "user", "content": [{"type": "text", "text": QUESTION}]}],
        extra_body={"finsvc": {"book": "sample", "as_of": "2022-06-30"}},
        extra_headers={"x-request-id": "req-7"},
    )
    (command,) = world.services.ask.commands
    assert command.question == QUESTION
    assert (command.book, str(command.as_of)) == ("sample", "2022-06-30")
    assert command.principal.id == "local"
    assert command.request_id == "req-7"


def test_agent_stream_shows_progress_then_answer(world: World) -> None:
    stream = sdk(world).chat.completions.create(
        model="finsvc/risk",
        messages=[{"role": "user", "content": QUESTION}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert len({chunk.id for chunk in chunks}) == 1
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(text or "" for text in texts) == ANSWER
    extras = [(chunk.model_extra or {}).get("finsvc") for chunk in chunks]
    steps = [extra["progress"]["event"] for extra in extras if extra and "progress" in extra]
    assert steps == ["tool", "validate"]
    finals = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert [chunk.choices[0].finish_reason for chunk in finals] == ["stop"]
    assert extras[chunks.index(finals[0])]["receipt"]["index"] == 0  # type: ignore[index]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 20
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_agent_stream_ends_with_done_and_sends_no_answer_before_the_receipt(world: World) -> None:
    text = world.client().post("/v1/chat/completions", json=request(stream=True)).text
    assert text.endswith("data: [DONE]\n\n")
    events = sse(text)
    assert all("usage" not in item for item in events)
    answer_at = next(i for i, item in enumerate(events) if "VALUE" in str(item).upper() and i > 2)
    assert all("progress" in item.get("finsvc", {}) for item in events[1:answer_at])


def test_agent_stream_failing_midway_sends_an_error_event(world: World) -> None:
    world.services.ask.late_failure = InputError(field="book", expected="a", actual="b")
    stream = sdk(world).chat.completions.create(
        model="finsvc/risk", messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    with pytest.raises(openai.APIError, match="book: expected a, got b"):
        list(stream)


def test_agent_stream_refused_early_is_an_http_error(world: World) -> None:
    world.services.ask.early_failure = RefusedError(action="ask", reasons=["no-such-book"])
    with pytest.raises(openai.PermissionDeniedError) as caught:
        sdk(world).chat.completions.create(
            model="finsvc/risk", messages=[{"role": "user", "content": QUESTION}], stream=True
        )
    assert caught.value.code == "policy_denied"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 0.5),
        ("top_p", 0.9),
        ("seed", 1),
        ("stop", ["x"]),
        ("n", 2),
        ("max_tokens", 10),
        ("max_completion_tokens", 10),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("tool_choice", "required"),
        ("response_format", {"type": "json_object"}),
        ("reasoning_effort", "high"),
        ("presence_penalty", 0.5),
        ("frequency_penalty", 0.5),
        ("logit_bias", {"1": 5}),
        ("store", True),
        ("audio", {"voice": "x"}),
        ("stream_options", {"include_usage": True}),
    ],
)
def test_agent_completion_parameter_without_effect_is_refused_by_name(
    world: World, field: str, value: object
) -> None:
    answer = world.client().post("/v1/chat/completions", json=request(**{field: value}))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == (field, "unsupported_parameter")
    assert error["type"] == "invalid_request_error"
    assert world.services.ask.commands == []


def test_agent_completion_neutral_parameters_pass(world: World) -> None:
    neutral = request(
        temperature=0,
        top_p=1,
        n=1,
        presence_penalty=0,
        frequency_penalty=0,
        logprobs=False,
        tools=[],
        tool_choice="auto",
        response_format={"type": "text"},
        parallel_tool_calls=True,
        store=False,
        user="u",
        metadata={"desk": "rates"},
        safety_identifier="s",
        prompt_cache_key="k",
    )
    assert world.client().post("/v1/chat/completions", json=neutral).status_code == 200


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (
            [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b"},
                {"role": "user", "content": "c"},
            ],
            "messages",
        ),
        ([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}], "messages"),
        ([{"role": "assistant", "content": "a"}], "messages.0.role"),
        ([], "messages"),
        ([{"role": "robot", "content": "a"}], "messages.0.role"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "messages.0.content.0.type"),
    ],
)
def test_agent_completion_other_than_one_question_names_the_messages(
    world: World, messages: list[object], param: str
) -> None:
    answer = world.client().post("/v1/chat/completions", json=request(messages=messages))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_completion_unknown_model_is_404_naming_the_models(world: World) -> None:
    with pytest.raises(openai.NotFoundError, match="finsvc/market"):
        sdk(world).chat.completions.create(
            model="gpt-9", messages=[{"role": "user", "content": "x"}]
        )


def test_completion_unknown_field_is_refused_by_name(world: World) -> None:
    answer = world.client().post("/v1/chat/completions", json=request(top_k=5))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "top_k")


def test_completion_bad_date_names_the_field(world: World) -> None:
    body = request(finsvc={"as_of": "yesterday"})
    answer = world.client().post("/v1/chat/completions", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "finsvc.as_of")


def test_models_lists_agents_and_raw_models(world: World) -> None:
    client = sdk(world)
    names = [model.id for model in client.models.list()]
    assert names == ["finsvc/auto", "finsvc/risk", "finsvc/compliance", "finsvc/market", "embedded"]
    assert client.models.retrieve("finsvc/risk").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("finsvc/none")
