"""`/v1/chat/completions` on raw models: entitlement, records, OpenAI's forms."""

import openai
import pytest

from finsvc.domain.errors import ContextLengthError, UnavailableError
from finsvc.services.conversation import ChatToolCall, ConstraintError, FinishReason
from finsvc.services.ports import RecordKind
from tests.finsvc.api.fakes import World, token_choice
from tests.finsvc.api.test_chat import sdk, sse

MESSAGES: list[dict[str, str]] = [{"role": "user", "content": "hi"}]
TOOL = {
    "type": "function",
    "function": {"name": "price", "parameters": {"type": "object", "properties": {}}},
}


def named(name: str) -> dict[str, object]:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *names: str) -> dict[str, object]:
    tools = [named(name) for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def json_schema(**fields: object) -> dict[str, object]:
    schema = {"name": "risk", "schema": {"type": "object"}, "strict": True}
    return {"type": "json_schema", "json_schema": {**schema, **fields}}


def request(**fields: object) -> dict[str, object]:
    return {"model": "embedded", "messages": MESSAGES, **fields}


def test_completion_returns_text_marked_unverified(world: World) -> None:
    completion = sdk(world).chat.completions.create(
        model="embedded",
        messages=[{"role": "user", "content": "hi"}],
        temperature=0,
        top_p=0.9,
        seed=7,
        stop=["END"],
        max_completion_tokens=12,
        reasoning_effort="medium",
    )
    choice = completion.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("Hello, world", "stop")
    assert completion.model_extra["finsvc"]["verdict"] == "unverified"  # type: ignore[index]
    assert completion.usage is not None
    assert completion.usage.completion_tokens_details is not None
    assert completion.usage.completion_tokens_details.reasoning_tokens == 2
    options = world.raw.commands[0].options
    assert (options.temperature, options.top_p, options.seed) == (0, 0.9, 7)
    assert (options.stop, options.max_tokens, options.effort.value) == (("END",), 12, "medium")


def test_completion_is_logged_before_its_first_text_and_before_its_end(world: World) -> None:
    text = world.client().post("/v1/chat/completions", json=request(stream=True)).text
    assert world.events == [
        "append completion_intent",
        "text Hello",
        "text , ",
        "text world",
        "append completion",
    ]
    intent, closing = world.services.log.items
    assert intent.body["prompt_ids"] == [1, 2, 3]
    assert closing.body["intent"] == intent.record_id
    assert closing.body["choices"][0]["content"] == "Hello, world"  # type: ignore[index]
    assert text.endswith("data: [DONE]\n\n")
    assert sse(text)[0]["id"] == closing.record_id


def test_completion_stream_is_read_by_the_official_client(world: World) -> None:
    stream = sdk(world).chat.completions.create(
        model="embedded",
        messages=[{"role": "user", "content": "hi"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello, world"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 6


def test_completion_without_entitlement_is_refused_and_logged(world: World) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        sdk(world, "analyst").chat.completions.create(
            model="embedded", messages=[{"role": "user", "content": "hi"}]
        )
    (record,) = world.services.log.items
    assert record.kind is RecordKind.COMPLETION_INTENT
    assert record.body["policy"][0]["decision"] == "deny"  # type: ignore[index]


def test_completion_tool_calls_come_back_in_openai_form(world: World) -> None:
    world.raw.pieces = ()
    world.raw.calls = (ChatToolCall(id="", name="price", arguments='{"a":1}'),)
    world.raw.finish_reason = FinishReason.TOOL_CALLS
    plain = world.client().post("/v1/chat/completions", json=request(tools=[TOOL])).json()
    message = plain["choices"][0]["message"]
    assert (message["content"], plain["choices"][0]["finish_reason"]) == (None, "tool_calls")
    assert message["tool_calls"][0]["function"] == {"name": "price", "arguments": '{"a":1}'}
    assert message["tool_calls"][0]["id"].startswith("call_")
    text = world.client().post("/v1/chat/completions", json=request(tools=[TOOL], stream=True)).text
    deltas = [item["choices"][0]["delta"] for item in sse(text)]
    (call,) = next(delta["tool_calls"] for delta in deltas if "tool_calls" in delta)
    assert (call["index"], call["type"]) == (0, "function")


def test_completion_history_with_tool_calls_reaches_the_model(world: World) -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "price?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "price", "arguments": "{}"},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "12"},
    ]
    answer = world.client().post(
        "/v1/chat/completions", json=request(messages=messages, tools=[TOOL])
    )
    assert answer.status_code == 200
    roles = [message.role.value for message in world.raw.commands[0].messages]
    assert roles == ["system", "user", "assistant", "tool"]


def test_completion_tool_choice_none_hides_the_tools(world: World) -> None:
    body = request(tools=[TOOL], tool_choice="none")
    assert world.client().post("/v1/chat/completions", json=body).status_code == 200
    assert world.raw.commands[0].tools == ()


def test_completion_logprobs_are_reported(world: World) -> None:
    world.raw.logprobs = (token_choice("Hello", -0.5),)
    body = request(logprobs=True, top_logprobs=1)
    document = world.client().post("/v1/chat/completions", json=body).json()
    (item,) = document["choices"][0]["logprobs"]["content"]
    assert (item["token"], item["logprob"], item["bytes"]) == ("Hello", -0.5, list(b"Hello"))
    assert item["top_logprobs"][0]["token"] == "Hello"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 9}, "n"),
        ({"n": 0}, "n"),
        ({"n": -1}, "n"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "custom"}, "tools": [TOOL]}, "tool_choice"),
        ({"tool_choice": named("cost"), "tools": [TOOL]}, "tool_choice"),
        ({"tool_choice": {"type": "function"}, "tools": [TOOL]}, "tool_choice"),
        ({"tool_choice": allowed("any", "price"), "tools": [TOOL]}, "tool_choice.mode"),
        ({"tool_choice": allowed("auto"), "tools": [TOOL]}, "tool_choice.tools"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": {"type": "grammar"}}, "response_format.type"),
        ({"response_format": json_schema(name="")}, "response_format.json_schema.name"),
        ({"response_format": json_schema(schema=1)}, "response_format.json_schema.schema"),
        ({"response_format": json_schema(description=1)}, "response_format.json_schema.desc"),
        ({"response_format": json_schema(extra=1)}, "response_format.json_schema.extra"),
        ({"reasoning_effort": "max"}, "reasoning_effort"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"finsvc": {"book": "sample"}}, "finsvc"),
        ({"stop": [""]}, "stop"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"seed": -1}, "seed"),
        ({"frequency_penalty": 1}, "frequency_penalty"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "user", "content": "x", "name": "n"}]}, "messages.0.name"),
    ],
)
def test_completion_field_that_cannot_be_honoured_is_refused_by_name(
    world: World, fields: dict[str, object], param: str
) -> None:
    answer = world.client().post("/v1/chat/completions", json=request(**fields))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith(param)
    assert world.services.log.items == []


def test_completion_longer_than_the_context_has_openai_code(world: World) -> None:
    world.raw.pieces = ()
    world.raw.failure = ContextLengthError(field="messages", limit=10, prompt=11, answer=1)
    with pytest.raises(openai.BadRequestError) as caught:
        sdk(world).chat.completions.create(
            model="embedded", messages=[{"role": "user", "content": "hi"}], stream=True
        )
    assert caught.value.code == "context_length_exceeded"
    assert world.services.log.items == []


def test_completion_failing_midway_closes_the_record_and_tells(world: World) -> None:
    world.raw.failure = UnavailableError("the model failed")
    text = world.client().post("/v1/chat/completions", json=request(stream=True)).text
    assert sse(text)[-1]["error"]["code"] == "unavailable"
    assert "[DONE]" not in text
    assert world.services.log.items[-1].body["error"] == {
        "code": "unavailable",
        "message": "the model failed",
    }


def test_completion_that_cannot_be_closed_on_record_does_not_end_well(world: World) -> None:
    class LogFailedError(Exception):
        code = "audit_log_failed"

    appended = world.services.log.append

    def fail_second(kind: RecordKind, record_id: str, body: object) -> object:
        if kind is RecordKind.COMPLETION:
            raise LogFailedError("disk")
        return appended(kind, record_id, body)  # type: ignore[arg-type]

    world.services.log.append = fail_second  # type: ignore[method-assign,assignment]
    text = world.client().post("/v1/chat/completions", json=request(stream=True)).text
    assert sse(text)[-1]["error"]["code"] == "unavailable"
    assert 'finish_reason":"stop' not in text


@pytest.mark.parametrize(
    ("choice", "use", "names"),
    [
        ("auto", "auto", None),
        ("required", "required", None),
        (named("price"), "required", {"price"}),
        (allowed("auto", "price"), "auto", {"price"}),
        (allowed("required", "price"), "required", {"price"}),
    ],
)
def test_completion_tool_choice_reaches_the_model(
    world: World, choice: object, use: str, names: set[str] | None
) -> None:
    body = request(tools=[TOOL], tool_choice=choice, parallel_tool_calls=False)
    assert world.client().post("/v1/chat/completions", json=body).status_code == 200
    (command,) = world.raw.commands
    assert (command.tool_use.value, command.callable_names) == (use, names)
    assert command.tools[0].field == "tools.0.function.parameters"


@pytest.mark.parametrize(
    ("form", "name"),
    [({"type": "text"}, None), ({"type": "json_object"}, "json"), (json_schema(), "risk")],
)
def test_completion_response_format_reaches_the_model(
    world: World, form: object, name: str | None
) -> None:
    body = request(response_format=form)
    assert world.client().post("/v1/chat/completions", json=body).status_code == 200
    answer = world.raw.commands[0].answer
    assert (None if answer is None else answer.name) == name


def test_completion_of_several_choices_has_them_all_in_both_forms(world: World) -> None:
    plain = world.client().post("/v1/chat/completions", json=request(n=2)).json()
    assert [choice["index"] for choice in plain["choices"]] == [0, 1]
    assert plain["usage"]["completion_tokens"] == 6
    text = world.client().post("/v1/chat/completions", json=request(n=2, stream=True)).text
    ends = [c for item in sse(text) for c in item["choices"] if c["finish_reason"]]
    assert [(c["index"], c["finish_reason"]) for c in ends] == [(0, "stop"), (1, "stop")]


def test_completion_reasoning_is_never_content(world: World) -> None:
    world.raw.reasoning = "secret thoughts"
    text = world.client().post("/v1/chat/completions", json=request(stream=True)).text
    plain = world.client().post("/v1/chat/completions", json=request()).text
    assert "secret" not in text + plain


def test_completion_logprobs_stream_before_the_end(world: World) -> None:
    world.raw.logprobs = (token_choice("Hello", -0.5),)
    body = request(logprobs=True, stream=True)
    text = world.client().post("/v1/chat/completions", json=body).text
    found = [c["logprobs"] for item in sse(text) for c in item["choices"] if "logprobs" in c]
    assert [item["token"] for item in found[0]["content"]] == ["Hello"]
    assert len(found) == 1


def test_completion_that_breaks_its_schema_is_an_error_that_is_not_retried(world: World) -> None:
    world.raw.failure = ConstraintError("answer: expected JSON that fits the schema, got another")
    answer = world.client().post("/v1/chat/completions", json=request())
    assert (answer.status_code, answer.headers["x-should-retry"]) == (500, "false")
    assert answer.json()["error"]["code"] == "constraint_failed"


def test_completion_logprobs_stream_with_their_text_and_each_once(world: World) -> None:
    world.raw.logprobs = (token_choice("Hello", -0.5), token_choice(" never shown", -1.0))
    world.raw.num_early = 1
    text = (
        world.client().post("/v1/chat/completions", json=request(logprobs=True, stream=True)).text
    )
    choices = [choice for item in sse(text) for choice in item["choices"]]
    found = [
        (choice["delta"]["content"], [token["token"] for token in choice["logprobs"]["content"]])
        for choice in choices
        if choice.get("logprobs")
    ]
    assert found == [("Hello", ["Hello"]), ("", [" never shown"])]


def test_completion_nucleus_of_nothing_is_the_most_likely_token(world: World) -> None:
    answer = world.client().post("/v1/chat/completions", json=request(top_p=0))
    assert answer.status_code == 200
    assert 0 < world.raw.commands[0].options.top_p < 1e-300
