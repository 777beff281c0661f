import json

import pytest

from finsvc.agents.catalogue import TOOLS, AgentName, tools_of
from finsvc.agents.direct.attachments import (
    DOCUMENT_CHARACTERS_MAX,
    DOCUMENTS_MAX,
    check_documents,
)
from finsvc.agents.direct.schema import Kind, slots
from finsvc.agents.direct.tools import (
    OFFERED_MAX,
    agent_of,
    all_tools_of,
    direct_tools,
    find_tool,
    offered_tools,
)
from finsvc.calculators.registry import CALCULATORS
from finsvc.domain.errors import InputError


def test_every_calculator_has_a_tool_and_trained_ones_stay_as_they_were() -> None:
    names = {tool.name for tool in all_tools_of(AgentName.AUTO)}
    assert CALCULATORS.keys() <= names | {"historical_var"}
    assert TOOLS.keys() <= names
    assert not direct_tools().keys() & TOOLS.keys()
    assert all(not tool.hints for tool in TOOLS.values())


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("down-and-out barrier call", "barrier_option"),
        ("knock-out with two barriers", "double_barrier_option"),
        ("CDS upfront at 120 bp", "credit_default_swap"),
        ("FRTB capital of our sensitivities", "frtb_sa"),
        ("SA-CCR exposure at default", "sa_ccr"),
        ("initial margin of this CRIF by SIMM", "simm"),
        ("liquidity coverage ratio", "lcr"),
        ("net stable funding ratio", "nsfr"),
        ("dirty price of a gilt", "bond_price"),
        ("Kupiec test of 4 exceptions", "coverage_test"),
        ("efficient frontier of AAPL and KO", "efficient_frontier"),
        ("rebalance to 60% AAPL", "rebalancing_proposal"),
        ("IRB risk-weighted assets", "irb_rwa"),
        ("GARCH filtered VaR", "filtered_var"),
        ("reverse stress that loses 1m", "reverse_stress"),
        ("bootstrap a curve from deposits and swaps", "discount_curve"),
        ("Brinson attribution", "brinson_attribution"),
        ("FRA against 3 months", "forward_rate_agreement"),
    ],
)
def test_question_is_offered_the_calculator_it_means(question: str, name: str) -> None:
    offered = [tool.name for tool in offered_tools(AgentName.AUTO, question)]
    assert name in offered[len(TOOLS) : len(TOOLS) + 5]


def test_offer_is_bounded_and_the_same_every_time() -> None:
    question = "price rate volatility spot value capital option portfolio exposure"
    first = offered_tools(AgentName.AUTO, question)
    assert first == offered_tools(AgentName.AUTO, question)
    assert len(first) == len(TOOLS) + OFFERED_MAX
    assert offered_tools(AgentName.AUTO, "hello") == tools_of(AgentName.AUTO)


@pytest.mark.parametrize("agent", list(AgentName))
def test_agent_is_offered_its_own_specialities_alone(agent: AgentName) -> None:
    for tool in offered_tools(agent, "capital ratio barrier option year fraction frontier swap"):
        if tool.name in direct_tools():
            assert agent in (AgentName.AUTO, agent_of(tool.name))


def test_schema_of_a_tool_takes_texts_and_says_what_they_are() -> None:
    tool = find_tool("barrier_option")
    properties = json.loads(json.dumps(tool.parameters))["properties"]
    assert {item["type"] for item in properties.values()} == {"string"}
    assert properties["barrier_kind"]["description"] == "down_in | up_in | down_out | up_out"
    assert "as_of" not in tool.parameters["required"]  # type: ignore[operator]
    assert find_tool("price") is TOOLS["price"]


def test_objects_that_are_required_are_offered_by_their_leaves() -> None:
    found = {slot.name: slot for slot in slots(CALCULATORS["credit_default_swap"].input_schema)}
    assert found["curve"].kind is Kind.DOCUMENT
    assert not found["curve"].is_required
    assert found["curve_zero_rate"].path == ("curve", "zero_rate")
    assert found["curve_zero_rate"].kind is Kind.NUMBER


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ({f"d{n}": {} for n in range(DOCUMENTS_MAX + 1)}, "documents: expected at most 8"),
        ({"two words": {}}, "documents.two words: expected a name"),
        ({"1st": {}}, "documents.1st: expected a name"),
        ({"a": float("nan")}, "documents.a: expected JSON"),
        ({"a": object()}, "documents.a: expected JSON"),
        ({"a": "x" * DOCUMENT_CHARACTERS_MAX}, "documents.a: expected at most"),
    ],
)
def test_document_that_cannot_be_attached_is_named(
    documents: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check_documents(documents)


def test_documents_that_may_be_attached_are_returned() -> None:
    assert check_documents({"desk-1": {"trades": []}}) == {"desk-1": {"trades": []}}
