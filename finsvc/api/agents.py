"""``/v1/agents/{agent}/runs``: a question to an agent, with everything that proves the answer."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from finsvc.agents.catalogue import TOOLS, AgentName
from finsvc.agents.direct.tools import all_tools_of
from finsvc.api.agent_completion import ask, run_events
from finsvc.api.chat import begun
from finsvc.api.context import CallerOf, Context
from finsvc.api.schemas import RunBody
from finsvc.api.sse import stream_response
from finsvc.domain.errors import UnknownNameError
from finsvc.services.decision import AskCommand, decision_to_json

router = APIRouter(prefix="/v1/agents")


@router.get("")
async def list_agents(by: CallerOf) -> dict[str, object]:
    """All agents with their tools; the embedded model knows those that it was trained on."""
    data = [
        {
            "id": agent.value,
            "tools": [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                    "trained": tool.name in TOOLS,
                }
                for tool in all_tools_of(agent)
            ],
        }
        for agent in AgentName
    ]
    return {"object": "list", "data": data}


@router.post("/{agent}/runs", response_model=None)
async def create_run(agent: str, body: RunBody, context: Context, by: CallerOf) -> Response:
    """Put a question to an agent."""
    if agent not in list(AgentName):
        known = [name.value for name in AgentName]
        raise UnknownNameError(field="agent", kind="agent", actual=agent, known=known)
    command = AskCommand(
        question=body.question,
        agent=AgentName(agent),
        book=body.book,
        as_of=body.as_of,
        principal=by.principal,
        request_id=by.request_id,
        documents=body.documents,
    )
    if body.stream:
        return stream_response(await begun(run_events(context, command)))
    return JSONResponse(decision_to_json(await ask(context, command)))
