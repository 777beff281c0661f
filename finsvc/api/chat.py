"""``/v1/chat/completions`` and ``/v1/models``: agents and raw models behind OpenAI's surface."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from finsvc.agents.catalogue import AgentName
from finsvc.api.agent_completion import (
    AGENT_PREFIX,
    CompletionHead,
    agent_of,
    ask,
    completion_document,
    completion_events,
)
from finsvc.api.chat_rules import agent_question, raw_messages, raw_options, raw_tools
from finsvc.api.constraints import answer_format
from finsvc.api.context import ApiContext, Caller, CallerOf, Context
from finsvc.api.raw_completion import complete, complete_events
from finsvc.api.schemas import AgentOptions, ChatBody
from finsvc.api.sse import stream_response
from finsvc.domain.errors import UnknownNameError
from finsvc.services.chat import ChatCommand
from finsvc.services.decision import AskCommand

router = APIRouter(prefix="/v1")

_OWNER = "finsvc"


@router.post("/chat/completions", response_model=None)
async def create_completion(body: ChatBody, context: Context, by: CallerOf) -> Response:
    """Answer with an agent or complete with a raw model."""
    agent = agent_of(body.model)
    if agent is not None:
        return await _agent_completion(agent, body, context, by)
    if body.model not in context.services.models:
        raise unknown_model(body.model, context)
    return await _raw_completion(body, context, by)


@router.get("/models")
async def list_models(context: Context, by: CallerOf) -> dict[str, object]:
    """All models, agents first."""
    return {"object": "list", "data": [_model(name, context) for name in context.services.models]}


@router.get("/models/{name:path}")
async def get_model(name: str, context: Context, by: CallerOf) -> dict[str, object]:
    """One model."""
    if name not in context.services.models:
        raise unknown_model(name, context)
    return _model(name, context)


async def _agent_completion(
    agent: AgentName, body: ChatBody, context: ApiContext, by: Caller
) -> Response:
    options = body.finsvc or AgentOptions()
    command = AskCommand(
        question=agent_question(body),
        agent=agent,
        book=options.book,
        as_of=options.as_of,
        principal=by.principal,
        request_id=by.request_id,
    )
    head = _head(body, context)
    if body.stream:
        return stream_response(await begun(completion_events(context, command, head)))
    decision = await ask(context, command)
    return JSONResponse(completion_document(head, decision))


async def _raw_completion(body: ChatBody, context: ApiContext, by: Caller) -> Response:
    options, tools = raw_options(body), raw_tools(body)
    command = ChatCommand(
        model=body.model,
        messages=raw_messages(body),
        tools=tools.tools,
        options=options,
        principal=by.principal,
        request_id=by.request_id,
        tool_use=tools.use,
        callable_names=tools.names,
        answer=answer_format(body.response_format, field="response_format"),
    )
    head = _head(body, context)
    if body.stream:
        return stream_response(await begun(complete_events(context, command, head)))
    return JSONResponse(await complete(context, command, head))


async def begun(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Wait for the first event, so that what fails before it is an HTTP error and no stream."""
    first = await anext(events)

    async def all_events() -> AsyncIterator[bytes]:
        yield first
        async for item in events:
            yield item

    return all_events()


def _head(body: ChatBody, context: ApiContext) -> CompletionHead:
    options = body.stream_options
    clock = context.services.clock
    return CompletionHead(
        completion_id=clock.new_id("chatcmpl"),
        created=int(clock.now().timestamp()),
        model=body.model,
        fingerprint=context.services.chat.identity.fingerprint,
        include_usage=options is not None and options.include_usage,
    )


def _model(name: str, context: ApiContext) -> dict[str, object]:
    return {
        "id": name,
        "object": "model",
        # Models have no date of their own; OpenAI's shape wants a number.
        "created": 0,
        "owned_by": _OWNER,
        "finsvc": {
            "kind": "agent" if name.startswith(AGENT_PREFIX) else "raw",
            "fingerprint": context.services.chat.identity.fingerprint,
        },
    }


def unknown_model(name: str, context: ApiContext) -> UnknownNameError:
    """What a caller is told who names a model that is not served."""
    known = context.services.models
    return UnknownNameError(field="model", kind="model", actual=name, known=known)
