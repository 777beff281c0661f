"""``/v1/responses``: agents and raw models behind OpenAI's other surface, kept where asked."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from finsvc.api.agent_completion import agent_of
from finsvc.api.chat import begun, unknown_model
from finsvc.api.context import ApiContext, Caller, CallerOf, Context, RunningResponse
from finsvc.api.error_map import NotFoundError
from finsvc.api.response_rules import (
    agent_question,
    input_items,
    response_format,
    response_messages,
    response_options,
    response_tools,
)
from finsvc.api.response_run import ResponseRun, respond, respond_later, response_events
from finsvc.api.response_schemas import MessageItem, ResponseBody
from finsvc.api.schemas import AgentOptions
from finsvc.api.sse import stream_response
from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.services.chat import ChatCommand
from finsvc.services.decision import AskCommand

router = APIRouter(prefix="/v1/responses")


@router.post("", response_model=None)
async def create_response(body: ResponseBody, context: Context, by: CallerOf) -> Response:
    """Answer with an agent or a raw model."""
    # What it continues is read from the database.
    command = await run_in_threadpool(_command, body, context, by)
    run = ResponseRun(
        context=context,
        command=command,
        head=_head(body, context),
        input_items=tuple(_stored_items(body, context)),
        is_kept=context.responses.is_kept(body.store),
    )
    if body.background:
        if not run.is_kept:
            raise UnsupportedError(
                field="background", expected="false where nothing is kept", actual="True"
            )
        return JSONResponse(await respond_later(run))
    if body.stream:
        return stream_response(await begun(response_events(run)))
    return JSONResponse(await respond(run))


@router.post("/compact", include_in_schema=False)
@router.post("/input_tokens", include_in_schema=False)
async def refuse_path(request: Request, by: CallerOf) -> None:
    """Paths of OpenAI's that are not offered, which would be taken for identifiers.

    Raises:
        NotFoundError: Always.
    """
    raise NotFoundError(f"expected a known path, got {request.url.path}")


@router.get("/{response_id}")
def get_response(response_id: str, context: Context, by: CallerOf) -> Response:
    """A response that is being made or is kept."""
    running = _running(response_id, context, by)
    if running is not None:
        return JSONResponse(running[1])
    return JSONResponse(dict(context.responses.get(response_id, by.principal).document))


@router.delete("/{response_id}")
def delete_response(response_id: str, context: Context, by: CallerOf) -> dict[str, object]:
    """Forget a kept response."""
    context.responses.delete(response_id, by.principal)
    return {"id": response_id, "object": "response", "deleted": True}


@router.get("/{response_id}/input_items")
def list_input_items(response_id: str, context: Context, by: CallerOf) -> dict[str, object]:
    """The items that a kept response answers, the newest first."""
    items = [*context.responses.get(response_id, by.principal).input_items][::-1]
    return {
        "object": "list",
        "data": items,
        "first_id": items[0]["id"],
        "last_id": items[-1]["id"],
        "has_more": False,
    }


@router.post("/{response_id}/cancel")
def cancel_response(response_id: str, context: Context, by: CallerOf) -> Mapping[str, object]:
    """End a response that is being made; what it has said so far is its output."""
    running = _running(response_id, context, by)
    if running is not None:
        running[0].cancel()
        return {**running[1], "status": "cancelled"}
    stored = context.responses.get(response_id, by.principal)
    raise InputError(
        field="response_id",
        expected="a response that is being made",
        actual=f"one that is {stored.document['status']}",
    )


def _running(
    response_id: str, context: ApiContext, by: Caller
) -> tuple[RunningResponse, dict[str, object]] | None:
    """A response of the caller's that is being made, and what there is of it."""
    run = context.running.get(response_id)
    if run is None or run.principal.id != by.principal.id or run.writer is None:
        return None
    return run, dict(run.writer.document)


def _command(body: ResponseBody, context: ApiContext, by: Caller) -> ChatCommand | AskCommand:
    agent = agent_of(body.model)
    if agent is not None:
        options = body.finsvc or AgentOptions()
        return AskCommand(
            question=agent_question(body),
            agent=agent,
            book=options.book,
            as_of=options.as_of,
            principal=by.principal,
            request_id=by.request_id,
        )
    if body.model not in context.services.models:
        raise unknown_model(body.model, context)
    sampling, tools = response_options(body), response_tools(body)
    history = context.responses.history(body.previous_response_id, by.principal)
    return ChatCommand(
        model=body.model,
        messages=response_messages(body, history),
        tools=tools.tools,
        options=sampling,
        principal=by.principal,
        request_id=by.request_id,
        tool_use=tools.use,
        callable_names=tools.names,
        answer=response_format(body),
    )


def _stored_items(body: ResponseBody, context: ApiContext) -> list[dict[str, object]]:
    """The request's items as they are kept and listed, each with an identifier."""
    stored = []
    for item in input_items(body):
        document = item.model_dump(exclude_none=True)
        if isinstance(item, MessageItem) and isinstance(item.content, str):
            kind = "output_text" if item.role == "assistant" else "input_text"
            document["content"] = [{"type": kind, "text": item.content}]
        identifier = item.id or context.services.clock.new_id("msg")
        stored.append({**document, "id": identifier, "status": "completed"})
    return stored


def _head(body: ResponseBody, context: ApiContext) -> dict[str, object]:
    """What the document of a response says from the begin: the request's settings."""
    reasoning, text = body.reasoning, body.text
    tools = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": bool(tool.strict),
        }
        for tool in body.tools or ()
    ]
    return {
        "object": "response",
        "created_at": int(context.services.clock.now().timestamp()),
        "background": body.background is True,
        "completed_at": None,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": None,
        "metadata": body.metadata or {},
        "model": body.model,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "presence_penalty": 0.0,
        "previous_response_id": body.previous_response_id,
        "prompt_cache_key": body.prompt_cache_key,
        "reasoning": {"effort": None if reasoning is None else reasoning.effort, "summary": None},
        "safety_identifier": body.safety_identifier,
        "service_tier": "default",
        "store": context.responses.is_kept(body.store),
        "temperature": 1.0 if body.temperature is None else body.temperature,
        "text": {"format": (text.format if text is not None else None) or {"type": "text"}},
        "tool_choice": "auto" if body.tool_choice is None else body.tool_choice,
        "tools": tools,
        "top_logprobs": body.top_logprobs or 0,
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "truncation": "disabled",
        "system_fingerprint": context.services.chat.identity.fingerprint,
    }
