"""Plain completions: what is on record when."""

from pathlib import Path

import pytest

from finsvc.domain.errors import RefusedError, UnavailableError, UnknownNameError
from finsvc.domain.policy import Principal
from finsvc.domain.verdicts import Verdict
from finsvc.services.chat import ChatCommand
from finsvc.services.conversation import (
    ChatMessage,
    ChatOptions,
    ChatRole,
    ChatToolCall,
    FinishReason,
    TextPiece,
)
from finsvc.services.ports import RecordKind
from tests.finsvc.api.fakes import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def ignore(index: int, piece: TextPiece) -> None:
    pass


def command(
    *,
    model: str = "embedded",
    roles: frozenset[str] = frozenset({"model:raw"}),
    choices: int = 1,
    seed: int = 2**63,
) -> ChatCommand:
    return ChatCommand(
        model=model,
        messages=(ChatMessage(role=ChatRole.USER, content="hi"),),
        tools=(),
        options=ChatOptions(temperature=0.5, seed=seed, choices=choices),
        principal=Principal(id="p", roles=roles),
        request_id="req_1",
    )


def test_begin_puts_the_request_on_record_before_anything_is_sampled(world: World) -> None:
    intent = world.services.chat.begin(command())
    assert world.events == ["append completion_intent"]
    (record,) = world.services.log.items
    assert record.record_id == f"intent_{intent.completion_id}"
    request = record.body["request"]
    assert request["messages"][0]["content"] == "hi"  # type: ignore[index]
    # Floats and 64-bit numbers are text: the record has one spelling everywhere.
    options = request["options"]  # type: ignore[index]
    assert (options["temperature"], options["seed"]) == ("0.5", str(2**63))


def test_complete_returns_text_and_closes_the_record(world: World) -> None:
    chat = world.services.chat
    pieces: list[str] = []
    result = chat.complete(
        chat.begin(command()), lambda _, piece: pieces.append(piece.text), lambda: False
    )
    assert pieces == ["Hello", ", ", "world"]
    assert result.verdict is Verdict.UNVERIFIED
    closing = world.services.log.items[-1]
    assert (closing.kind, closing.record_id) == (RecordKind.COMPLETION, result.completion_id)
    assert closing.body["turns"][0]["token_ids"] == [4, 5, 9]  # type: ignore[index]
    assert result.receipt["index"] == closing.index


def test_complete_gives_every_call_an_id_of_its_own(world: World) -> None:
    call = ChatToolCall(id="", name="price", arguments="{}")
    world.raw.calls, world.raw.finish_reason = (call, call), FinishReason.TOOL_CALLS
    chat = world.services.chat
    result = chat.complete(chat.begin(command()), ignore, lambda: False)
    ids = [item.id for item in result.turns[0].calls]
    assert len(set(ids)) == 2
    assert all(item.startswith("call_") for item in ids)


def test_complete_of_a_failing_model_records_the_failure(world: World) -> None:
    world.raw.failure = UnavailableError("broken")
    chat = world.services.chat
    intent = chat.begin(command())
    with pytest.raises(UnavailableError):
        chat.complete(intent, ignore, lambda: False)
    assert world.services.log.items[-1].body["error"]["code"] == "unavailable"  # type: ignore[index]


def test_begin_without_entitlement_is_refused_on_record(world: World) -> None:
    with pytest.raises(RefusedError):
        world.services.chat.begin(command(roles=frozenset({"analyst"})))
    (record,) = world.services.log.items
    assert record.body["prompt_ids"] == []
    assert world.raw.commands == []


def test_begin_of_another_model_is_refused(world: World) -> None:
    with pytest.raises(UnknownNameError, match="embedded"):
        world.services.chat.begin(command(model="gpt-oss-20b"))


def test_complete_of_several_choices_draws_each_with_its_own_seed(world: World) -> None:
    chat = world.services.chat
    seen: list[int] = []
    intent = chat.begin(command(choices=3, seed=2**64 - 2))
    result = chat.complete(intent, lambda index, _: seen.append(index), lambda: False)
    assert len(result.turns) == 3
    assert world.raw.seeds == [2**64 - 2, 2**64 - 1, 0]
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2}
    closing = world.services.log.items[-1]
    assert len(closing.body["turns"]) == len(closing.body["choices"]) == 3  # type: ignore[arg-type]
