"""`/v1/responses` on raw models and agents: forms, events, what is kept and for whom."""

import json
import time
from typing import Any

import openai
import pytest

from finsvc.domain.errors import InputError, RefusedError, UnavailableError
from finsvc.services.conversation import ChatToolCall, FinishReason
from finsvc.services.responses import CHAIN_MAX
from tests.finsvc.api.fakes import ANSWER, World, token_choice
from tests.finsvc.api.test_chat import QUESTION, sdk

TOOL: dict[str, Any] = {
    "type": "function",
    "name": "price",
    "parameters": {"type": "object", "properties": {}},
    "strict": True,
}
FORM = {"type": "json_schema", "name": "risk", "schema": {"type": "object"}, "strict": True}


def request(**fields: object) -> dict[str, object]:
    return {"model": "embedded", "input": "hi", **fields}


def post(world: World, **fields: object) -> dict[str, Any]:
    answer = world.client().post("/v1/responses", json=request(**fields))
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def events(world: World, **fields: object) -> list[dict[str, Any]]:
    text = world.client().post("/v1/responses", json=request(stream=True, **fields)).text
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("event: ")]
    found = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
    names = [name.removeprefix("event: ") for name, _ in blocks]
    assert names == [item["type"] for item in found]
    assert [item["sequence_number"] for item in found] == list(range(len(found)))
    return found


def test_response_of_a_raw_model_has_text_usage_and_proof(world: World) -> None:
    response = sdk(world).responses.create(
        model="embedded", input="hi", instructions="be brief", temperature=0, max_output_tokens=9
    )
    assert (response.output_text, response.status) == ("Hello, world", "completed")
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens == 2
    assert response.usage.input_tokens_details.cached_tokens == 1
    assert response.model_extra["finsvc"]["verdict"] == "unverified"  # type: ignore[index]
    (command,) = world.raw.commands
    assert [message.role.value for message in command.messages] == ["developer", "user"]
    assert command.options.max_tokens == 9
    assert [item.record_id for item in world.services.log.items] == [
        f"intent_{response.id}",
        response.id,
    ]


def test_response_streams_the_same_as_it_answers(world: World) -> None:
    world.raw.reasoning = "thinking"
    world.raw.calls = (ChatToolCall(id="", name="price", arguments='{"a":1}'),)
    world.raw.finish_reason = FinishReason.TOOL_CALLS
    whole = post(world, tools=[TOOL])
    streamed = events(world, tools=[TOOL])
    assert [item["type"] for item in whole["output"]] == ["reasoning", "message", "function_call"]
    final = streamed[-1]["response"]
    assert streamed[-1]["type"] == "response.completed"
    for left, right in zip(whole["output"], final["output"], strict=True):
        assert {**left, "id": 0, "call_id": 0} == {**right, "id": 0, "call_id": 0}
    done = [item["item"] for item in streamed if item["type"] == "response.output_item.done"]
    assert done == final["output"]


def test_response_stream_has_every_event_in_order(world: World) -> None:
    assert [item["type"].removeprefix("response.") for item in events(world)] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_response_stream_is_read_by_the_clients_helper(world: World) -> None:
    world.raw.pieces, world.raw.finish_reason = (), FinishReason.TOOL_CALLS
    world.raw.calls = (ChatToolCall(id="", name="price", arguments='{"a":1}'),)
    with sdk(world).responses.stream(
        model="embedded",
        input="hi",
        tools=[TOOL],  # type: ignore[list-item]
    ) as stream:
        response = stream.get_final_response()
    (call,) = response.output
    assert call.type == "function_call"
    assert (call.name, call.arguments, call.status) == ("price", '{"a":1}', "completed")


def test_response_cut_by_its_bound_is_incomplete(world: World) -> None:
    world.raw.finish_reason = FinishReason.LENGTH
    response = post(world)
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
    assert events(world)[-1]["type"] == "response.incomplete"


def test_response_without_a_word_still_has_a_message(world: World) -> None:
    world.raw.pieces = ()
    assert post(world)["output"][0]["content"][0]["text"] == ""


def test_response_logprobs_stand_with_the_text(world: World) -> None:
    world.raw.logprobs = (token_choice("Hello", -0.5),)
    response = post(world, include=["message.output_text.logprobs"], top_logprobs=1)
    (item,) = response["output"][0]["content"][0]["logprobs"]
    assert (item["token"], item["top_logprobs"][0]["logprob"]) == ("Hello", -0.5)


def test_response_format_and_choice_reach_the_model(world: World) -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [TOOL]}
    post(
        world, tools=[TOOL], tool_choice=choice, text={"format": FORM}, reasoning={"effort": "none"}
    )
    (command,) = world.raw.commands
    assert command.answer is not None
    assert (command.answer.name, command.answer.field) == ("risk", "text.format.schema")
    assert (command.tool_use.value, command.callable_names) == ("required", {"price"})
    assert command.options.effort.value == "none"


def test_response_goes_on_from_a_kept_one(world: World) -> None:
    world.raw.reasoning = "thinking"
    world.raw.calls = (ChatToolCall(id="", name="price", arguments="{}"),)
    client = sdk(world)
    first = client.responses.create(
        model="embedded",
        input="price?",
        instructions="once",
        tools=[TOOL],  # type: ignore[list-item]
    )
    call = first.output[-1]
    assert call.type == "function_call"
    client.responses.create(
        model="embedded",
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "12"}],
    )
    user, assistant, tool = world.raw.commands[1].messages
    assert (user.content, assistant.content, tool.content) == ("price?", "Hello, world", "12")
    assert (assistant.reasoning, assistant.tool_calls[0].id) == ("thinking", call.call_id)


def test_response_items_given_back_by_hand_are_the_same_conversation(world: World) -> None:
    world.raw.reasoning = "thinking"
    first = post(world, input="a")
    post(world, input=[{"role": "user", "content": "a"}, *first["output"], message("b")])
    roles = [item.role.value for item in world.raw.commands[1].messages]
    assert roles == ["user", "assistant", "user"]
    assert world.raw.commands[1].messages[1].reasoning == "thinking"


def message(text: str) -> dict[str, object]:
    return {"role": "user", "content": [{"type": "input_text", "text": text}]}


def test_response_is_read_listed_and_deleted_by_its_owner_alone(world: World) -> None:
    client = sdk(world)
    made = client.responses.create(model="embedded", input="hi", metadata={"desk": "rates"})
    assert client.responses.retrieve(made.id) == made
    (item,) = client.responses.input_items.list(made.id).data
    assert item.content[0].text == "hi"  # type: ignore[union-attr]
    for who in ("analyst", "approver"):
        with pytest.raises(openai.NotFoundError):
            sdk(world, who).responses.retrieve(made.id)
        with pytest.raises(openai.NotFoundError):
            sdk(world, who).responses.delete(made.id)
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_response_not_to_be_kept_is_not(world: World) -> None:
    made = post(world, store=False)
    assert made["store"] is False
    assert world.stored is not None
    assert world.stored.items == {}


def test_response_without_a_database_is_not_kept_and_says_so(world: World) -> None:
    world.stored = None
    assert post(world)["store"] is False
    answer = world.client().post("/v1/responses", json=request(store=True))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "store")


def test_response_that_continues_nothing_known_is_404(world: World) -> None:
    answer = world.client().post("/v1/responses", json=request(previous_response_id="resp_x"))
    assert answer.status_code == 404
    assert answer.json()["error"]["param"] == "previous_response_id"


def test_response_chain_without_end_is_refused(world: World) -> None:
    made = post(world)
    assert world.stored is not None
    item = world.stored.items[made["id"]]
    loop = type(item)(
        response_id=item.response_id,
        owner=item.owner,
        created_at=item.created_at,
        previous_id=item.response_id,
        document=item.document,
        input_items=item.input_items,
    )
    world.stored.put(loop)
    answer = world.client().post("/v1/responses", json=request(previous_response_id=made["id"]))
    assert (answer.status_code, str(CHAIN_MAX) in answer.text) == (400, True)


def test_response_cancelled_while_it_is_made_ends_as_cancelled(world: World) -> None:
    sample, client = world.raw.run, world.client()
    stranger = {"authorization": f"Bearer {world.keys['analyst']}"}
    answers = []

    def run(prompt: Any, on_text: Any, is_cancelled: Any) -> Any:
        turn = sample(prompt, on_text, is_cancelled)
        running = world.services.log.items[-1].record_id.removeprefix("intent_")
        for headers in (stranger, None):
            answer = client.post(f"/v1/responses/{running}/cancel", headers=headers)
            answers.append((answer.status_code, is_cancelled()))
        return turn

    world.raw.run = run  # type: ignore[method-assign]
    final = client.post("/v1/responses", json=request()).json()
    assert answers == [(404, False), (200, True)]
    assert final["status"] == "cancelled"
    assert client.get(f"/v1/responses/{final['id']}").json()["status"] == "cancelled"
    late = client.post(f"/v1/responses/{final['id']}/cancel")
    assert (late.status_code, "cancelled" in late.text) == (400, True)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True, "stream": True}, "background"),
        ({"background": True, "store": False}, "background"),
        ({"background": True, "model": "finsvc/risk"}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
        ({"max_tool_calls": 2}, "max_tool_calls"),
        ({"moderation": {}}, "moderation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"prompt_cache_retention": "24h"}, "prompt_cache_retention"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"truncation": "auto"}, "truncation"),
        ({"include": ["reasoning.encrypted_content"]}, "include"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"text": {"format": {"type": "regex"}}}, "text.format.type"),
        ({"reasoning": {"effort": "max"}}, "reasoning.effort"),
        ({"reasoning": {"summary": "auto"}}, "reasoning.summary"),
        ({"tools": [{"type": "web_search"}]}, "tools.0"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"finsvc": {"book": "x"}}, "finsvc"),
        ({"stream_options": {"include_obfuscation": False}}, "stream_options"),
        ({"seed": 1}, "seed"),
        ({"input": []}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input.0"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": -1}, "temperature"),
    ],
)
def test_response_field_that_cannot_be_honoured_is_refused_by_name(
    world: World, fields: dict[str, object], param: str
) -> None:
    answer = world.client().post("/v1/responses", json=request(**fields))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith(param)
    assert world.services.log.items == []


def test_response_without_entitlement_is_refused(world: World) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        sdk(world, "analyst").responses.create(model="embedded", input="hi")


def test_response_of_an_unknown_model_is_404(world: World) -> None:
    with pytest.raises(openai.NotFoundError):
        sdk(world).responses.create(model="gpt-9", input="hi")


def test_response_failing_midway_tells_and_is_closed_on_record(world: World) -> None:
    world.raw.failure = UnavailableError("the model failed")
    error, failed = events(world)[-2:]
    assert (error["type"], error["code"], error["message"]) == (
        "error",
        "unavailable",
        "the model failed",
    )
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"]["code"] == "server_error"
    assert "error" in world.services.log.items[-1].body


def test_agent_response_has_answer_and_proof_in_both_forms(world: World) -> None:
    response = sdk(world).responses.create(
        model="finsvc/risk", input=QUESTION, extra_body={"finsvc": {"book": "sample"}}
    )
    assert response.output_text == ANSWER
    assert response.model_extra["finsvc"]["verdict"] == "verified_rounded"  # type: ignore[index]
    assert world.services.ask.commands[0].book == "sample"
    streamed = events(world, model="finsvc/risk", input=[message(QUESTION)])
    assert streamed[-1]["response"]["output"][0]["content"][0]["text"] == ANSWER
    assert world.services.ask.commands[1].question == QUESTION


def test_agent_response_refused_early_is_an_http_error(world: World) -> None:
    world.services.ask.early_failure = RefusedError(action="ask", reasons=["no-such-book"])
    body = request(model="finsvc/risk", input=QUESTION, stream=True)
    assert world.client().post("/v1/responses", json=body).status_code == 403


def test_agent_response_failing_after_a_sign_of_life_tells(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finsvc.api.sse.KEEP_ALIVE_S", 0.02)
    ask = world.services.ask
    ask.late_failure = InputError(field="book", expected="a", actual="b")
    called = type(ask).__call__

    def slow(self: Any, command: Any, on_progress: Any) -> Any:
        time.sleep(0.2)
        return called(self, command, on_progress)

    monkeypatch.setattr(type(ask), "__call__", slow)
    body = request(model="finsvc/risk", input=QUESTION, stream=True)
    text = world.client().post("/v1/responses", json=body).text
    assert "book: expected a, got b" in text


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"instructions": "x"}, "instructions"),
        ({"tools": [TOOL]}, "tools"),
        ({"temperature": 0.5}, "temperature"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"text": {"format": FORM}}, "text.format"),
        ({"input": [message("a"), message("b")]}, "input"),
        ({"input": [{"role": "system", "content": "a"}]}, "input"),
    ],
)
def test_agent_response_field_without_effect_is_refused_by_name(
    world: World, fields: dict[str, object], param: str
) -> None:
    body = {**request(model="finsvc/risk"), **fields}
    answer = world.client().post("/v1/responses", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert world.services.ask.commands == []


def test_response_logprobs_stream_with_their_text(world: World) -> None:
    world.raw.logprobs = (token_choice("Hello", -0.5),)
    world.raw.num_early = 1
    found = events(world, include=["message.output_text.logprobs"])
    deltas = [item["logprobs"] for item in found if item["type"].endswith("output_text.delta")]
    assert [[token["token"] for token in part] for part in deltas] == [["Hello"], [], []]
    (done,) = [item for item in found if item["type"].endswith("output_text.done")]
    assert [token["token"] for token in done["logprobs"]] == ["Hello"]
