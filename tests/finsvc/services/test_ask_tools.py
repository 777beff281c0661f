"""Every tool, from the question to the receipt, against the calculator run directly."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest

from audit.errors import ProofError
from audit.receipt import Receipt
from engine.training.dialogues.catalogue import INTENTS
from finsvc.agents.catalogue import TOOLS
from finsvc.calculators.serialization import result_to_json
from finsvc.domain.verdicts import Verdict
from tests.finsvc.asking import ANALYST, Desk
from tests.finsvc.scripted import ScriptedModel, Step, call, final

SAMPLE = {"book": "sample"}
LAST = "2022-12-28"
LAST_FX = "2026-10-30"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question, how a model would answer it, and what the calculator is given by hand."""

    question: str
    step: Step
    answer: str
    calculator: str
    inputs: Mapping[str, object]
    says: str
    defaults: tuple[str, ...] = ()

    @property
    def tool(self) -> str:
        return self.step.calls[0].name


def stock(ticker: str, quantity: str, label: str) -> dict[str, object]:
    position = {"kind": "stock", "instrument": ticker, "quantity": quantity}
    return {"label": label, "base_currency": "USD", "positions": [position]}


OPTION = {
    "underlying": "SPX",
    "option_type": "put",
    "strike": "4000",
    "expiry": "2023-06-16",
    "as_of": LAST,
}
CASES = [
    Case(
        question="What is the 10-day 99% VaR of the sample book?",
        step=call("value_at_risk", portfolio="sample book", confidence="99%", horizon="10-day"),
        answer="The value at risk of {subject} is {var}.",
        calculator="historical_var",
        inputs={"portfolio": SAMPLE, "as_of": LAST, "confidence": "0.99", "horizon_days": 10},
        says="The value at risk of the sample book is ",
        defaults=(f"as-of date {LAST}", "method historical simulation"),
    ),
    Case(
        question="Monte Carlo VaR of the sample book at 95% over one day",
        step=call(
            "value_at_risk",
            portfolio="sample book",
            confidence="95%",
            horizon="one day",
            method="Monte Carlo",
        ),
        answer="The value at risk of {subject} is {var}.",
        calculator="monte_carlo_var",
        inputs={"portfolio": SAMPLE, "as_of": LAST, "confidence": "0.95", "horizon_days": 1},
        says="The value at risk of the sample book is ",
        defaults=(f"as-of date {LAST}",),
    ),
    Case(
        question="What is the expected shortfall of 10,000 Apple shares?",
        step=call("expected_shortfall", portfolio="10,000 Apple shares"),
        answer="The expected shortfall of {subject} is {es}.",
        calculator="expected_shortfall",
        inputs={
            "portfolio": stock("AAPL", "10000", "10,000 Apple shares"),
            "as_of": LAST,
            "confidence": "0.99",
            "horizon_days": 10,
            "method": "historical",
        },
        says="The expected shortfall of 10,000 Apple shares is ",
        defaults=(
            f"as-of date {LAST}",
            "confidence 99%",
            "horizon 10 trading days",
            "method historical simulation",
        ),
    ),
    Case(
        question="What would the covid crash do to the sample book?",
        step=call("stress_test", portfolio="sample book", scenario="covid crash"),
        answer="The profit or loss of {subject} under {scenario} is {pnl}.",
        calculator="stress_test",
        inputs={
            "portfolio": SAMPLE,
            "as_of": LAST,
            "scenario": {
                "kind": "historical",
                "name": "the 2020 Covid crash",
                "start": "2020-02-19",
                "end": "2020-03-23",
            },
        },
        says="The profit or loss of the sample book under the 2020 Covid crash is ",
        defaults=(f"as-of date {LAST}",),
    ),
    Case(
        question="Show the exposure of the sample book by sector",
        step=call("exposure", portfolio="sample book", by="sector"),
        answer="The exposure of {subject} by {by} is: {exposure}.",
        calculator="exposure",
        inputs={"portfolio": SAMPLE, "as_of": LAST, "by": "sector"},
        says="The exposure of the sample book by sector is: Cash ",
        defaults=(f"as-of date {LAST}",),
    ),
    Case(
        question="What was the P&L of the sample book in June 2022?",
        step=call("profit_and_loss", portfolio="sample book", start="June 2022"),
        answer="The profit and loss of {subject} from {start} to {end} is {pnl}.",
        calculator="profit_and_loss",
        inputs={"portfolio": SAMPLE, "start": "2022-05-31", "end": "2022-06-30"},
        says="The profit and loss of the sample book from 2022-05-31 to 2022-06-30 is ",
    ),
    Case(
        question="Price a 4000 put on the S&P 500 expiring June 2023",
        step=call(
            "option_price",
            underlying="S&P 500",
            option_type="put",
            strike="4000",
            expiry="June 2023",
        ),
        answer="The price of {subject} is {price}.",
        calculator="option_price",
        inputs=OPTION,
        says="The price of the 2023-06-16 4000 put on S&P 500 is ",
        defaults=(f"as-of date {LAST}",),
    ),
    Case(
        question="What is the delta of a 4000 put on SPX expiring June 2023?",
        step=call(
            "option_greek",
            greek="delta",
            underlying="SPX",
            option_type="put",
            strike="4000",
            expiry="June 2023",
        ),
        answer="The {greek} of {subject} is {delta}.",
        calculator="option_price",
        inputs=OPTION,
        says="The delta of the 2023-06-16 4000 put on S&P 500 is -0.",
        defaults=(f"as-of date {LAST}",),
    ),
    Case(
        question="Where did Apple close on 2022-06-30?",
        step=call("price", instrument="Apple", as_of="2022-06-30"),
        answer="{subject} closed at {close} on {as_of}.",
        calculator="close",
        inputs={"instrument": "AAPL", "as_of": "2022-06-30"},
        says="Apple closed at 135.91 USD on 2022-06-30.",
    ),
    Case(
        question="How much did KO change from 2022-06-30 to 2022-09-30?",
        step=call("price_change", instrument="KO", start="2022-06-30", end="2022-09-30"),
        answer="{subject} changed by {change} from {start} to {end}.",
        calculator="price_change",
        inputs={"instrument": "KO", "start": "2022-06-30", "end": "2022-09-30"},
        says="Coca-Cola changed by -",
    ),
    Case(
        question="What is the volatility of MSFT?",
        step=call("volatility", instrument="MSFT"),
        answer="The volatility of {subject} is {volatility}.",
        calculator="volatility",
        inputs={"instrument": "MSFT", "as_of": LAST, "window_days": 250},
        says="The volatility of Microsoft is ",
        defaults=(f"as-of date {LAST}", "window 250 trading days"),
    ),
    Case(
        question="What is the correlation of Apple and Microsoft over 60 days?",
        step=call("correlation", first="Apple", second="Microsoft", window="60 days"),
        answer="The correlation of {subject} is {correlation}.",
        calculator="correlation",
        inputs={"first": "AAPL", "second": "MSFT", "as_of": LAST, "window_days": 60},
        says="The correlation of Apple and Microsoft is 0.",
        defaults=(f"as-of date {LAST}",),
    ),
    Case(
        question="What is the beta of XOM?",
        step=call("beta", instrument="XOM"),
        answer="The beta of {subject} to {benchmark} is {beta}.",
        calculator="beta",
        inputs={"instrument": "XOM", "benchmark": "SPX", "as_of": LAST, "window_days": 250},
        says="The beta of Exxon Mobil to S&P 500 is 0.",
        defaults=("benchmark S&P 500", f"as-of date {LAST}", "window 250 trading days"),
    ),
    Case(
        question="What is the maximum drawdown of AMD in 2022?",
        step=call("drawdown", instrument="AMD", start="2022"),
        answer="The maximum drawdown of {subject} is {drawdown}.",
        calculator="drawdown",
        inputs={"instrument": "AMD", "start": "2021-12-31", "end": LAST},
        says="The maximum drawdown of Advanced Micro Devices is ",
    ),
    Case(
        question="What is 5m EUR in USD?",
        step=call("convert_currency", amount="5m", from_="EUR", to="USD"),
        answer="{amount} is {converted}.",
        calculator="fx_convert",
        inputs={
            "amount": "5000000",
            "from_currency": "EUR",
            "to_currency": "USD",
            "as_of": LAST_FX,
        },
        says="5,000,000.00 EUR is ",
        defaults=(f"as-of date {LAST_FX}",),
    ),
    Case(
        question="What is the EUR/USD rate?",
        step=call("fx_rate", pair="EUR/USD"),
        answer="The exchange rate of {subject} is {rate}.",
        calculator="fx_rate",
        inputs={"base": "EUR", "quote": "USD", "as_of": LAST_FX},
        says="The exchange rate of EUR/USD is 1.",
        defaults=(f"as-of date {LAST_FX}",),
    ),
    Case(
        question="Which positions of the sample book exceed 5%?",
        step=call("large_exposures", portfolio="sample book", threshold="5%"),
        answer="The large exposures of {subject} are: {exposures}.",
        calculator="large_exposures",
        inputs={"portfolio": SAMPLE, "as_of": LAST, "threshold": "0.05"},
        says="The large exposures of the sample book are: ",
        defaults=(f"as-of date {LAST}",),
    ),
    Case(
        question="What does the sample book hold?",
        step=call("positions", portfolio="sample book"),
        answer="{subject} holds: {positions}.",
        calculator="positions",
        inputs={"portfolio": SAMPLE, "as_of": LAST},
        says="the sample book holds: AAPL (8,000 shares) ",
        defaults=(f"as-of date {LAST}",),
    ),
    Case(
        question="Is the sample book within its sterling limit?",
        step=call("limit_check", portfolio="sample book", limit="sterling"),
        answer="The limit check of {subject} shows {status}: {limits}.",
        calculator="limit_check",
        inputs={
            "portfolio": SAMPLE,
            "as_of": LAST,
            "limits": [
                {
                    "name": "sterling",
                    "metric": "currency_exposure",
                    "scope": "GBP",
                    "threshold": "1500000",
                    "unit": "USD",
                }
            ],
        },
        says="The limit check of the sample book shows no breach: sterling (GBP, no breach) ",
        defaults=(f"as-of date {LAST}",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.tool}-{case.calculator}")
def test_question_is_answered_as_the_calculator_says(case: Case, desk: Desk) -> None:
    model = ScriptedModel(case.step, final(case.answer))
    decision = desk.ask(case.question, model)
    assert decision.findings == ()
    assert decision.verdict is Verdict.VERIFIED
    direct = desk.calculate(case.calculator, case.inputs, ANALYST)
    (tool_call,) = decision.tool_calls
    assert tool_call.result is not None
    derived = result_to_json(tool_call.result)
    for name in ("fields", "inputs_digest", "data_snapshot", "parameters", "as_of", "method"):
        assert derived[name] == direct[name]
    assert decision.claims
    fields = direct["fields"]
    assert isinstance(fields, dict)
    for claim in decision.claims:
        assert claim.value == Decimal(fields[claim.source.field]["value"])
        assert claim.second is not None
        assert abs(claim.second.difference) <= claim.second.tolerance
        assert claim.text in decision.answer
    assert decision.answer.startswith(case.says)
    assert tool_call.defaults == case.defaults
    for default in case.defaults:
        assert default in decision.answer.split("Defaults, not given in the question: ")[1]


@pytest.mark.parametrize("case", CASES[:1], ids=lambda case: case.tool)
def test_receipt_of_an_answer_verifies_against_the_logs_key(case: Case, desk: Desk) -> None:
    decision = desk.ask(case.question, ScriptedModel(case.step, final(case.answer)))
    receipt = Receipt.from_json(dict(decision.receipt))  # type: ignore[arg-type]
    entry = desk.audit.entry(decision.decision_id)
    assert entry is not None
    checkpoint = receipt.verify([desk.audit.log.verifier], entry=entry.envelope)
    assert checkpoint.size == 1
    with pytest.raises(ProofError):
        receipt.verify([desk.audit.log.verifier], entry=entry.envelope + b" ")


def test_every_tool_is_covered_by_a_case() -> None:
    assert {case.tool for case in CASES} == set(TOOLS)


def test_answers_are_the_sentences_that_the_model_was_trained_on() -> None:
    for case in CASES:
        trained = INTENTS[case.tool].final.replace("<sensitivity>", "<delta>")
        assert case.answer == re.sub(r"<(\w+)>", r"{\1}", trained)


def test_two_calls_are_answered_in_one_sentence_each(desk: Desk) -> None:
    model = ScriptedModel(
        call("fx_rate", pair="EUR/USD"),
        call("price", instrument="Apple"),
        final("The exchange rate of {c1.subject} is {c1.rate}. {c2.subject} closed at {c2.close}."),
    )
    decision = desk.ask("EUR/USD and where is Apple?", model)
    assert decision.verdict is Verdict.VERIFIED
    assert [claim.source.call for claim in decision.claims] == ["c1", "c2"]
    assert [(step.event, step.tool) for step in desk.progress] == [
        ("tool", "fx_rate"),
        ("tool", "price"),
        ("validate", ""),
    ]
