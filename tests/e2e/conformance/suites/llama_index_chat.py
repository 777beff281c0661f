"""LlamaIndex's OpenAI-like client against a running service; run by the conformance environment."""

import asyncio
import os

import pytest
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel, Field

QUESTION = "What is the 10-day 99% VaR of the sample book?"


class Trade(BaseModel):
    """A trade."""

    side: str = Field(pattern="^(buy|sell)$")


def client(model: str = "embedded", **changes: object) -> OpenAILike:
    settings: dict[str, object] = {
        "model": model,
        "api_base": f"{os.environ['CONFORMANCE_URL']}/v1",
        "api_key": os.environ["CONFORMANCE_KEY"],
        "is_chat_model": True,
        "is_function_calling_model": True,
        "context_window": 4096,
        "temperature": 0,
        "max_tokens": 64,
        "max_retries": 0,
        "timeout": 120,
        **changes,
    }
    return OpenAILike(**settings)


def messages() -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=QUESTION)]


def tool() -> FunctionTool:
    def trade(side: str) -> str:
        """Trade a position."""
        return side

    return FunctionTool.from_defaults(fn=trade, fn_schema=Trade)


def test_chat_answers_with_usage() -> None:
    answer = client().chat(messages())
    assert answer.message.content
    assert answer.raw.usage.total_tokens > 0


def test_complete_goes_through_chat() -> None:
    assert client().complete(QUESTION).text


def test_stream_says_what_chat_says() -> None:
    pieces = list(client().stream_chat(messages()))
    assert len(pieces) > 1
    assert pieces[-1].message.content == client().chat(messages()).message.content


def test_async_chat_says_what_chat_says() -> None:
    answer = asyncio.run(client().achat(messages()))
    assert answer.message.content == client().chat(messages()).message.content


@pytest.mark.parametrize("is_streamed", [False, True])
def test_required_tool_is_called_with_arguments_of_its_schema(is_streamed: bool) -> None:
    model = client()
    if is_streamed:
        *_, answer = model.stream_chat_with_tools([tool()], QUESTION, tool_required=True)
    else:
        answer = model.chat_with_tools([tool()], QUESTION, tool_required=True)
    (call,) = model.get_tool_calls_from_response(answer)
    assert call.tool_name == "trade"
    assert call.tool_kwargs["side"] in ("buy", "sell")


def test_structured_answer_is_of_its_class() -> None:
    program = client().as_structured_llm(Trade)
    assert program.chat(messages()).raw.side in ("buy", "sell")


def test_agent_answers_with_its_proof() -> None:
    # An agent takes no bound.
    answer = client("finsvc/risk", max_tokens=None).chat(messages())
    assert "value at risk" in str(answer.message.content)
    assert answer.raw.finsvc["verdict"].startswith("verified")
