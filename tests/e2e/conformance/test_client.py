"""Both APIs through the official client, and every document against OpenAI's description.

The model is the embedded one: what it says is of no interest here, the form of it is.
"""

import json
from typing import Any, Literal

import httpx
import openai
import pytest
from pydantic import BaseModel, ConfigDict

from tests.e2e.conformance.openai_shapes import faults
from tests.e2e.conformance.server import Running

pytestmark = pytest.mark.e2e

MODEL = "embedded"
QUESTION = "What is the 10-day 99% VaR of the sample book?"
USER: list[Any] = [{"role": "user", "content": QUESTION}]
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"side": {"type": "string", "enum": ["buy", "sell"]}},
    "required": ["side"],
    "additionalProperties": False,
}
CHAT_TOOL: Any = {
    "type": "function",
    "function": {"name": "trade", "description": "Trades.", "parameters": SCHEMA, "strict": True},
}
TOOL: Any = {"type": "function", "name": "trade", "parameters": SCHEMA, "strict": True}
# Neither reasons nor writes a preamble forever.
BRIEF: Any = {"reasoning_effort": "none", "max_completion_tokens": 120, "temperature": 0}
SHORT: Any = {"reasoning": {"effort": "none"}, "max_output_tokens": 120, "temperature": 0}

# OpenAI's prose and clients want these null until the end; its schemas do not allow null.
EXPECTED_CHUNK_FAULTS = {
    f"choices/{number}/finish_reason: null is not {what}"
    for number in (0, 1)
    for what in ('of type "string"', 'one of "stop", "length" or 3 other candidates')
} | {'usage: null is not of type "object"'}


class Side(BaseModel):
    model_config = ConfigDict(extra="forbid")
    side: Literal["buy", "sell"]


def raw(server: Running, path: str, **body: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {server.key}"}
    return httpx.post(f"{server.url}{path}", json=body, headers=headers, timeout=120)


def stream_events(answer: httpx.Response) -> list[dict[str, Any]]:
    lines = [line for line in answer.text.split("\n") if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_chat_document_is_of_openais_shape(server: Running) -> None:
    answer = raw(server, "/v1/chat/completions", model=MODEL, messages=USER, n=2, **BRIEF)
    assert answer.status_code == 200, answer.text
    assert faults("CreateChatCompletionResponse", answer.json()) == []
    assert answer.headers["x-request-id"]


def test_chat_logprobs_are_of_openais_shape_and_stream_whole(server: Running) -> None:
    body = {"model": MODEL, "messages": USER, "logprobs": True, "top_logprobs": 2, **BRIEF}
    whole = raw(server, "/v1/chat/completions", **body).json()
    assert faults("CreateChatCompletionResponse", whole) == []
    chunks = stream_events(raw(server, "/v1/chat/completions", stream=True, **body))
    shown = [c for i in chunks for c in i["choices"] if "logprobs" in c]
    streamed = [c["logprobs"]["content"] for c in shown]
    # Each with its text and not all at the end.
    assert all(c["delta"]["content"] for c in shown)
    assert [item for part in streamed for item in part] == (
        whole["choices"][0]["logprobs"] or {"content": []}
    )["content"]


def test_chat_chunks_are_of_openais_shape(server: Running) -> None:
    answer = raw(
        server,
        "/v1/chat/completions",
        model=MODEL,
        messages=USER,
        stream=True,
        stream_options={"include_usage": True},
        tools=[CHAT_TOOL],
        **BRIEF,
    )
    chunks = stream_events(answer)
    found = {fault for c in chunks for fault in faults("CreateChatCompletionStreamResponse", c)}
    assert found <= EXPECTED_CHUNK_FAULTS
    assert answer.text.endswith("data: [DONE]\n\n")
    assert chunks[-1]["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "function": {"name": "trade"}},
        {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "trade"}}],
            },
        },
    ],
    ids=["required", "named", "allowed"],
)
def test_chat_tool_that_must_be_called_is_called(server: Running, choice: Any) -> None:
    completion = server.client().chat.completions.create(
        model=MODEL, messages=USER, tools=[CHAT_TOOL], tool_choice=choice, **BRIEF
    )
    only = completion.choices[0]
    assert only.finish_reason in ("tool_calls", "length")
    for call in only.message.tool_calls or ():
        assert call.type == "function"
        Side.model_validate_json(call.function.arguments)


def test_chat_helper_parses_structured_answers(server: Running) -> None:
    completion = server.client().chat.completions.parse(
        model=MODEL, messages=USER, response_format=Side, **BRIEF
    )
    assert completion.choices[0].message.parsed is not None
    assert completion.choices[0].message.parsed.side in ("buy", "sell")


def test_chat_stream_helper_reads_structured_answers(server: Running) -> None:
    with server.client().chat.completions.stream(
        model=MODEL, messages=USER, response_format=Side, **BRIEF
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert "content.delta" in kinds
    assert final.choices[0].message.parsed is not None


def test_chat_of_an_agent_is_of_openais_shape(server: Running) -> None:
    answer = raw(server, "/v1/chat/completions", model="finsvc/risk", messages=USER)
    assert faults("CreateChatCompletionResponse", answer.json()) == []
    assert answer.json()["finsvc"]["verdict"].startswith("verified")


def test_response_document_is_of_openais_shape(server: Running) -> None:
    answer = raw(server, "/v1/responses", model=MODEL, input=QUESTION, tools=[TOOL], **SHORT)
    assert answer.status_code == 200, answer.text
    assert faults("Response", answer.json()) == []


def test_response_events_are_of_openais_shape(server: Running) -> None:
    answer = raw(
        server, "/v1/responses", model=MODEL, input=QUESTION, tools=[TOOL], stream=True, **SHORT
    )
    found = stream_events(answer)
    # Null before the end, as OpenAI sends it and Open Responses wants it; its schema forbids null.
    assert [item["response"].pop("usage") for item in found[:2]] == [None, None]
    assert [fault for item in found for fault in faults("ResponseStreamEvent", item)] == []
    assert found[0]["type"] == "response.created"


def test_response_helpers_parse_structured_answers(server: Running) -> None:
    client = server.client()
    parsed = client.responses.parse(model=MODEL, input=QUESTION, text_format=Side, **SHORT)
    assert parsed.output_parsed is not None
    with client.responses.stream(model=MODEL, input=QUESTION, text_format=Side, **SHORT) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    assert final.output_parsed == parsed.output_parsed
    assert {"response.output_text.delta", "response.completed"} <= kinds


def test_response_is_kept_continued_and_deleted(server: Running) -> None:
    client = server.client()
    first = client.responses.create(model=MODEL, input=QUESTION, **SHORT)
    assert client.responses.retrieve(first.id).output_text == first.output_text
    second = client.responses.create(
        model=MODEL, input="And at 95%?", previous_response_id=first.id, **SHORT
    )
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.input_tokens > first.usage.input_tokens
    listed = raw_get(server, f"/v1/responses/{second.id}/input_items")
    assert faults("ResponseItemList", listed) == []
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model=MODEL, input="x", previous_response_id=first.id, **SHORT)


def raw_get(server: Running, path: str) -> object:
    headers = {"authorization": f"Bearer {server.key}"}
    return httpx.get(f"{server.url}{path}", headers=headers, timeout=60).json()


def test_response_of_an_agent_is_of_openais_shape(server: Running) -> None:
    answer = raw(server, "/v1/responses", model="finsvc/risk", input=QUESTION)
    assert faults("Response", answer.json()) == []
    assert answer.json()["finsvc"]["verdict"].startswith("verified")


def test_models_and_errors_are_of_openais_shape(server: Running) -> None:
    assert faults("ListModelsResponse", raw_get(server, "/v1/models")) == []
    error = raw(server, "/v1/responses", model=MODEL, input=QUESTION, seed=3)
    assert faults("ErrorResponse", error.json()) == []
    assert error.json()["error"]["param"] == "seed"
