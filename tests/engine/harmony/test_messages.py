import pytest

from engine.errors import EngineError
from engine.harmony.errors import HarmonyError, HarmonyMessageError, HarmonyNameError
from engine.harmony.messages import Channel, ControlToken, Message, Role, ToolSpec


def test_control_token_never_equals_text_that_spells_it() -> None:
    assert all(token != token.value for token in ControlToken)
    assert not any(isinstance(token, str) for token in ControlToken)


@pytest.mark.parametrize("name", ["", "a b", "a\n", "f.g", "<|end|>", "x" * 65, "\u00e9"])
def test_tool_name_that_is_not_one_word_is_refused(name: str) -> None:
    with pytest.raises(HarmonyNameError, match="1 to 64 characters"):
        ToolSpec(name=name, description="")
    with pytest.raises(HarmonyNameError, match="tool_name"):
        Message.tool_call(name, "{}")
    with pytest.raises(HarmonyNameError, match="tool_name"):
        Message.tool_result(name, "{}")


@pytest.mark.parametrize(
    ("role", "channel", "tool_name"),
    [
        (Role.SYSTEM, None, None),
        (Role.DEVELOPER, None, None),
        (Role.USER, Channel.FINAL, None),
        (Role.USER, None, "f"),
        (Role.ASSISTANT, None, None),
        (Role.ASSISTANT, Channel.ANALYSIS, "f"),
        (Role.ASSISTANT, Channel.FINAL, "f"),
        (Role.TOOL, Channel.COMMENTARY, None),
        (Role.TOOL, Channel.FINAL, "f"),
    ],
)
def test_message_that_contradicts_its_role_is_refused(
    role: Role, channel: Channel | None, tool_name: str | None
) -> None:
    with pytest.raises(HarmonyMessageError, match=f"{role.value} message") as caught:
        Message(role=role, content="x", channel=channel, tool_name=tool_name)
    assert isinstance(caught.value, HarmonyError)
    assert isinstance(caught.value, EngineError)
    assert caught.value.code == "harmony_message"


def test_message_of_a_call_is_a_call() -> None:
    assert Message.tool_call("f", "{}").is_call
    others = (Message.tool_result("f", "{}"), Message.final("x"), Message.user("x"))
    assert not any(message.is_call for message in others)
