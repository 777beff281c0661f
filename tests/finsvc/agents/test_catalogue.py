from engine.training.dialogues import types
from engine.training.dialogues.catalogue import INTENTS, SHARED_INTENTS
from finsvc.agents.catalogue import INSTRUCTIONS, TOOLS, AgentName, tools_of

SHARED = {"price", "fx_rate", "convert_currency", "positions"}


def names(agent: AgentName) -> set[str]:
    return {tool.name for tool in tools_of(agent)}


def test_auto_offers_all_and_each_agent_its_own_and_the_shared_ones() -> None:
    assert names(AgentName.AUTO) == set(TOOLS)
    assert len(TOOLS) == 18
    for agent in (AgentName.RISK, AgentName.MARKET, AgentName.COMPLIANCE):
        own = {tool.name for tool in TOOLS.values() if tool.agent is agent}
        assert names(agent) == own | SHARED


def test_schema_states_order_and_required_arguments() -> None:
    schema = TOOLS["option_greek"].parameters
    assert list(schema["properties"]) == [  # type: ignore[call-overload]
        "greek",
        "underlying",
        "option_type",
        "strike",
        "expiry",
        "as_of",
    ]
    assert schema["required"] == ["greek", "underlying", "option_type", "strike", "expiry"]
    assert schema["additionalProperties"] is False


def test_model_is_trained_on_exactly_these_tools() -> None:
    assert list(INTENTS) == list(TOOLS)
    for name, tool in TOOLS.items():
        trained = INTENTS[name]
        assert trained.description == tool.description
        assert trained.agent.value == tool.agent.value
        assert {item.name: item.required for item in trained.arguments} == tool.arguments
        assert [item.name for item in trained.arguments] == list(tool.arguments)
    assert set(SHARED_INTENTS) == SHARED
    assert types.INSTRUCTIONS == INSTRUCTIONS
