"""Questions to every calculator's own tool, through the whole way of a question.

The words of the model are played by the test as harmony tokens (`tests.finsvc.harmony_engine`); the
tool list, prompt, grammar, parser, policies, calculators, second methods, validator and log are the
service's.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from finsvc.adapters.engine import EngineModel
from finsvc.agents.catalogue import AgentName, AgentTool, tools_of
from finsvc.agents.direct.tools import all_tools_of, direct_tools, offered_tools
from finsvc.agents.executor import ToolExecutor
from finsvc.agents.loop import Question
from finsvc.calculators.registry import CALCULATORS
from finsvc.calculators.serialization import result_to_json
from finsvc.domain.identifiers import CallId
from finsvc.domain.policy import Principal
from finsvc.domain.turns import RequestedCall
from finsvc.domain.verdicts import Reason, Verdict
from finsvc.services.decision import Decision
from finsvc.services.reliability import Reliability
from tests.finsvc.asking import Desk
from tests.finsvc.harmony_engine import PlayedEngine, answer_text, call_text

RECORDED = Path(__file__).parents[2] / "golden" / "recorded_results.json"
UNLIMITED = Reliability(limit_usd=10**30)


def ordered(name: str, arguments: Mapping[str, str]) -> dict[str, str]:
    """Arguments in the order in which the tool declares them, as the grammar wants them."""
    declared = direct_tools()[name].arguments
    assert set(arguments) <= set(declared), set(arguments) - set(declared)
    return {key: arguments[key] for key in declared if key in arguments}


def ask(
    desk: Desk,
    question: str,
    name: str,
    arguments: Mapping[str, str],
    *,
    documents: Mapping[str, object] | None = None,
    agent: AgentName = AgentName.AUTO,
    answer: str = "{c1.result}.",
) -> Decision:
    turns = [call_text(name, **ordered(name, arguments)), answer_text(answer)]
    model = EngineModel(PlayedEngine(lambda _: turns), name="played")
    desk.reliability = UNLIMITED

    def tools_for(asked: Question) -> Sequence[AgentTool]:
        if documents:
            return direct_tools()[name], *tools_of(asked.agent)
        return offered_tools(asked.agent, asked.message)

    desk.tools_for = tools_for
    return desk.ask(question, model, agent=agent, documents=documents)


def cases() -> dict[str, dict[str, object]]:
    """The first recorded input of every calculator."""
    found: dict[str, dict[str, object]] = {}
    for base in json.loads(RECORDED.read_text(encoding="utf-8"))["bases"]:
        found.setdefault(base["calculator"], base["inputs"])
    return found


CASES = cases()
# What the trained tools run, by their resolvers; the direct tools are named as what they run.
TRAINED = {
    "value_at_risk": ("historical_var", "parametric_var", "monte_carlo_var"),
    "option_greek": ("option_price",),
    "price": ("close",),
    "convert_currency": ("fx_convert",),
}


def reach(agent: AgentName) -> set[str]:
    """Calculators that an agent's tools run."""
    tools = [tool.name for tool in all_tools_of(agent)]
    return {name for tool in tools for name in TRAINED.get(tool, (tool,))}


SPOKEN: list[tuple[str, str, dict[str, str]]] = [
    (
        "Price of a down-and-out barrier call with spot 100, strike 105, barrier 90, volatility "
        "20%, rate 5%, 6 months to expiry, on 2022-06-30?",
        "barrier_option",
        {
            "as_of": "2022-06-30",
            "spot": "100",
            "rate": "5%",
            "volatility": "20%",
            "years": "6 months",
            "option_type": "call",
            "strike": "105",
            "barrier_kind": "down-and-out",
            "barrier": "90",
        },
    ),
    (
        "Which exceptions does the Kupiec coverage test allow: 4 exceptions in 250 observations "
        "at 99%, 2022-12-28?",
        "coverage_test",
        {"observations": "250", "exceptions": "4", "confidence": "99%", "as_of": "2022-12-28"},
    ),
    (
        "Efficient frontier of AAPL, KO and PG on 2022-12-28 with 5 points",
        "efficient_frontier",
        {"instruments": "AAPL, KO and PG", "as_of": "2022-12-28", "num_points": "5"},
    ),
    (
        "Risk parity weights of AAPL, KO and PG on 2022-12-28",
        "risk_parity",
        {"instruments": "AAPL, KO and PG", "as_of": "2022-12-28"},
    ),
    (
        "Liquidity coverage ratio under Basel rules in EUR on 2027-03-31: assets level1 500, "
        "level2a 100; outflows retail_stable 4000, operational 1000",
        "lcr",
        {
            "as_of": "2027-03-31",
            "jurisdiction": "Basel",
            "currency": "EUR",
            "assets": "level1 500, level2a 100",
            "outflows": "retail_stable 4000, operational 1000",
        },
    ),
    (
        "Basel leverage ratio in EUR on 2027-03-31 with tier1 of 60m and on balance exposures of "
        "900m",
        "leverage_ratio",
        {
            "as_of": "2027-03-31",
            "jurisdiction": "Basel",
            "currency": "EUR",
            "tier1": "60m",
            "on_balance": "900m",
        },
    ),
    (
        "FRTB capital under Basel rules in EUR on 2027-03-31 of residual positions exotic "
        "1000000, other 500000",
        "frtb_sa",
        {
            "as_of": "2027-03-31",
            "jurisdiction": "Basel",
            "currency": "EUR",
            "residual_positions": "exotic 1000000, other 500000",
        },
    ),
    (
        "CDS on 2022-06-20, notional EUR 10m, maturity 2027-06-20, spread 120 bp, recovery rate "
        "40%, curve zero rate 2%: settlement amount?",
        "credit_default_swap",
        {
            "as_of": "2022-06-20",
            "currency": "EUR",
            "notional": "10m",
            "maturity": "2027-06-20",
            "spread": "120 bp",
            "recovery_rate": "40%",
            "curve_zero_rate": "2%",
        },
    ),
    (
        "Year fraction from 2022-01-15 to 2022-07-15 on Actual/360",
        "year_fraction",
        {"start": "2022-01-15", "end": "2022-07-15", "convention": "Actual/360"},
    ),
    (
        "GARCH filtered VaR of the sample book at 99% on 2022-12-28",
        "filtered_var",
        {"portfolio": "sample book", "as_of": "2022-12-28", "confidence": "99%"},
    ),
    (
        "Which move loses 100,000 USD on the sample book in a reverse stress on 2022-12-28?",
        "reverse_stress",
        {"portfolio": "sample book", "as_of": "2022-12-28", "loss": "100,000"},
    ),
    (
        "European option: a call with spot 42, strike 40, rate 10%, volatility 20%, 6 months, on "
        "2022-06-30: price and Greeks?",
        "european_option",
        {
            "as_of": "2022-06-30",
            "spot": "42",
            "rate": "10%",
            "volatility": "20%",
            "years": "6 months",
            "option_type": "call",
            "strike": "40",
        },
    ),
    (
        "Interest rate swap on 2022-06-30: pay fixed, notional 5m, fixed rate 2.5%, from "
        "2022-06-30 to 2027-06-30, discount curve zero rate 2%",
        "interest_rate_swap",
        {
            "as_of": "2022-06-30",
            "side": "pay fixed",
            "notional": "5m",
            "fixed_rate": "2.5%",
            "start": "2022-06-30",
            "maturity": "2027-06-30",
            "discount_curve_zero_rate": "2%",
        },
    ),
]


SPOKEN += [
    (
        "Performance of 10,000 Apple shares from 2022-01-03 to 2022-12-28 against the S&P 500",
        "portfolio_performance",
        {
            "portfolio": "10,000 Apple shares",
            "start": "2022-01-03",
            "end": "2022-12-28",
            "benchmark": "S&P 500",
        },
    ),
    (
        "European option: a call with spot 42 USD, strike 40, rate 10%, volatility 20%, 6 months",
        "european_option",
        {
            "spot": "42 USD",
            "rate": "10%",
            "volatility": "20%",
            "years": "6 months",
            "option_type": "call",
            "strike": "40",
        },
    ),
]


@pytest.mark.parametrize(
    ("question", "name", "arguments"),
    SPOKEN,
    ids=[f"{at}-{name}" for at, (_, name, _) in enumerate(SPOKEN)],
)
def test_question_in_words_is_answered_by_the_calculators_own_tool(
    question: str, name: str, arguments: dict[str, str], desk: Desk
) -> None:
    decision = ask(desk, question, name, arguments)
    assert [str(item.detail) for item in decision.findings] == []
    assert decision.verdict is Verdict.VERIFIED
    (made,) = decision.tool_calls
    assert made.calculator == name
    assert all(claim.second is not None for claim in decision.claims)
    assert made.policy is not None
    assert made.policy.is_allowed
    summary = CALCULATORS[name].summary.rstrip(".")
    assert decision.answer.startswith(summary)
    record = desk.record(decision.decision_id).body
    assert record["calls"][0]["inputs"] == made.inputs  # type: ignore[index]


@pytest.mark.parametrize("name", sorted(direct_tools().keys() & CASES.keys()))
def test_attached_document_reaches_every_calculator(name: str, desk: Desk) -> None:
    entry = CALCULATORS[name]
    inputs = CASES[name]
    tool = direct_tools()[name]
    arguments = {key: "book1" for key in tool.arguments if key in inputs}
    decision = ask(desk, "Please evaluate book1", name, arguments, documents={"book1": inputs})
    record = desk.record(decision.decision_id).body
    (made,) = record["calls"]  # type: ignore[misc]
    assert made["error"] is None, made["error"]
    expected = entry.run(entry.parse(inputs), desk.data.market)
    assert made["result"] == result_to_json(expected)
    assert made["policy"]["decision"] == "allow"
    expected_reasons = [Reason.PROPOSAL.value] if entry.needs_human else []
    assert [item["reason"] for item in record["reasons"]] == expected_reasons, record["reasons"]
    verdict = Verdict.NEEDS_HUMAN if entry.needs_human else Verdict.VERIFIED
    assert record["verdict"] == verdict.value
    assert all(claim["second"] is not None for claim in record["claims"])


@pytest.mark.parametrize("name", sorted(CALCULATORS))
def test_every_calculator_is_reached_by_an_agent_and_found_by_its_own_words(name: str) -> None:
    agents = [agent for agent in AgentName if name in reach(agent)]
    assert AgentName.AUTO in agents
    assert len(agents) >= 2
    if name in direct_tools():
        offered = offered_tools(agents[-1], CALCULATORS[name].summary)
        assert name in {tool.name for tool in offered}


CURVE = {"zero_rate": "0.02"}
CDS = {
    "as_of": "2022-06-20",
    "notional": "EUR 10m",
    "maturity": "2027-06-20",
    "spread": "120 bp",
    "recovery_rate": "40%",
}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "credit_default_swap",
            {**CDS, "currency": "USD", "curve_zero_rate": "2%"},
            "notional: expected an amount in USD, got EUR",
        ),
        (
            "coverage_test",
            {"observations": "250", "exceptions": "4", "confidence": "99 EUR"},
            "confidence: expected a number without currency, got EUR",
        ),
        (
            "coverage_test",
            {"observations": "curve", "exceptions": "4"},
            "observations: expected a document with a member observations, got curve",
        ),
        (
            "credit_default_swap",
            {**CDS, "curve": "list", "curve_zero_rate": "2%"},
            "curve: expected one way of giving it, got two",
        ),
    ],
)
def test_call_that_contradicts_itself_says_how(
    name: str, arguments: dict[str, str], message: str, desk: Desk
) -> None:
    question = ", ".join(arguments.values())
    documents = {"curve": CURVE, "list": ["zero"]}
    decision = ask(
        desk, question, name, arguments, documents=documents, answer="Not computed: {c1.error}."
    )
    assert decision.verdict is Verdict.ABSTAINED
    (made,) = decision.tool_calls
    assert made.error is not None
    assert made.error.message == message


def test_leaf_beside_a_document_leaves_the_document_as_it_is(desk: Desk) -> None:
    arguments = {**CDS, "curve": "curve", "curve_spot_days": "1"}
    question = f"CDS {', '.join(arguments.values())} spot days"
    documents = {"curve": dict(CURVE)}
    decision = ask(desk, question, "credit_default_swap", arguments, documents=documents)
    (made,) = decision.tool_calls
    assert made.inputs["curve"]["spot_days"] == 1  # type: ignore[index]
    assert documents == {"curve": CURVE}


def test_document_that_no_call_used_needs_a_human(desk: Desk) -> None:
    arguments = {"observations": "250", "exceptions": "4", "as_of": "2022-12-28"}
    question = "Coverage test of 4 exceptions in 250 observations, 2022-12-28, on desk"
    decision = ask(desk, question, "coverage_test", arguments, documents={"desk": {}})
    assert decision.verdict is Verdict.NEEDS_HUMAN
    assert [item.detail for item in decision.findings] == ["document desk"]


def test_figures_that_change_places_need_a_human(desk: Desk) -> None:
    question, name, arguments = SPOKEN[0]
    swapped = {**arguments, "spot": arguments["strike"], "strike": arguments["spot"]}
    decision = ask(desk, question, name, swapped)
    assert decision.verdict is Verdict.NEEDS_HUMAN
    assert {item.detail for item in decision.findings} == {"c1.spot", "c1.strike"}


def test_tool_without_permission_is_refused(desk: Desk) -> None:
    nobody = Principal(id="zoe", roles=frozenset({"auditor"}))
    question, name, arguments = SPOKEN[0]
    executor = ToolExecutor(
        nobody, market=desk.data.market, books=desk.data.books, gate=desk.policy
    )
    asked = Question(text=question, agent=AgentName.AUTO, book=None, as_of=None)
    request = RequestedCall(name=name, arguments=json.dumps(ordered(name, arguments)))
    made = executor.execute(CallId("c1"), request, asked)
    assert made.result is None
    assert made.error is not None
    assert made.error.code == "policy_denied"
