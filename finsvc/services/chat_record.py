"""A completion request as the log keeps it; floats and the 64-bit seed as text, in one spelling."""

from collections.abc import Sequence

from finsvc.services.conversation import ChatMessage, ChatOptions, ChatTool, ChatToolCall


def call_record(call: ChatToolCall) -> dict[str, str]:
    """JSON form of a call."""
    return {"id": call.id, "name": call.name, "arguments": call.arguments}


def request_record(
    messages: Sequence[ChatMessage], tools: Sequence[ChatTool], options: ChatOptions
) -> dict[str, object]:
    """JSON form of a conversation and of how it is to be continued."""
    return {
        "messages": [_message(message) for message in messages],
        "tools": [tool.name for tool in tools],
        "options": {
            "temperature": repr(options.temperature),
            "top_p": repr(options.top_p),
            "seed": str(options.seed),
            "max_tokens": options.max_tokens,
            "stop": list(options.stop),
            "effort": options.effort.value,
            "choices": options.choices,
        },
    }


def _message(message: ChatMessage) -> dict[str, object]:
    return {
        "role": message.role.value,
        "content": message.content,
        "tool_calls": [call_record(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
        "reasoning": message.reasoning,
    }
