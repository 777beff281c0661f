from collections.abc import Mapping
from dataclasses import replace

import pytest

from finsvc.domain.results import CalculatorResult, Quantity
from finsvc.domain.verdicts import Reason, Verdict
from finsvc.validator.entities import NameIndex
from finsvc.validator.free_text.check import TextCheck, TextReport
from finsvc.validator.free_text.evidence import Evidence, gather
from finsvc.validator.validate import Confirmation, FieldCheck
from tests.finsvc.factories import quantity, result

INDEX = NameIndex(["sample"])


def evidence(
    fields: Mapping[str, Quantity] | None = None,
    *,
    name: str = "c1",
    headline: str = "var",
    labels: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    inputs: Mapping[str, object] | None = None,
    method: str = "historical",
) -> Evidence:
    given = {"var": quantity("48211.53")} if fields is None else fields
    found: CalculatorResult = replace(
        result(given, headline=headline),
        labels={"subject": "the sample book"} if labels is None else labels,
        parameters={"confidence": "0.99", "horizon_days": "10", "window_days": "750"}
        if parameters is None
        else parameters,
        method=method,
    )
    return gather(name, found, inputs=inputs or {}, labels={}, index=INDEX)


def confirmation(item: Evidence) -> Confirmation:
    checks = {
        name: FieldCheck(value=q.value, difference=q.value, tolerance=q.value, is_within=True)
        for name, q in item.result.fields.items()
    }
    return Confirmation(method="second", checks=checks, failure=None)


def check(text: str, *items: Evidence) -> TextReport:
    known = items or (evidence(),)
    confirmations = {item.id: confirmation(item) for item in known}
    return TextCheck(known, index=INDEX, confirmations=confirmations)(text)


def reasons(report: TextReport) -> set[Reason]:
    return {finding.reason for finding in report.findings} | {
        reason for claim in report.claims for reason in claim.reasons
    }


def exposure() -> Evidence:
    fields = {
        "exposure.USD": quantity("500"),
        "exposure.EUR": quantity("-700"),
        "exposure.GBP": quantity("100"),
        "exposure_total": quantity("-100"),
    }
    names = {name: name.split(".")[1] for name in fields if "." in name}
    return evidence(fields, headline="exposure", labels={"subject": "the sample book", **names})


def close(name: str, value: str, *, call: str) -> Evidence:
    return evidence(
        {"close": quantity(value, decimals=2)},
        name=call,
        headline="close",
        labels={"subject": name},
        parameters={},
    )


PNL = {"pnl": quantity("-1500")}
CHANGE = {"change": quantity("-8.14", "%", 2), "start_close": quantity("5", decimals=2)}


@pytest.mark.parametrize(
    "text",
    [
        "The 10-day 99% historical VaR of the sample book is 48,212 USD as of 2022-12-28.",
        "Over ten trading days the value at risk at 99% is USD 48,212.",
        "48,211.53 USD is the VaR at a confidence of ninety-nine percent.",
        "VaR: $48.2 thousand over a window of 750 days",
        "It is 48,212 USD.",
        "The VaR is about 48,000 USD.",
        "The sample book could lose 48,212 USD.",
        "The figures are for 28 December 2022.",
    ],
)
def test_claim_that_agrees_in_any_wording_passes(text: str) -> None:
    report = check(text)
    assert report.verdict in (Verdict.VERIFIED, Verdict.VERIFIED_ROUNDED), report


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The VaR is 48,213 USD.", Reason.VALUE_WRONG),
        ("The VaR is -48,212 USD.", Reason.SIGN_WRONG),
        ("The VaR is 48,212 million USD.", Reason.SCALE_WRONG),
        ("The VaR is 48,212 EUR.", Reason.UNIT_MISMATCH),
        ("The VaR is 48,212.", Reason.UNIT_MISMATCH),
        ("The VaR is 50 thousand USD.", Reason.VALUE_WRONG),
        ("The VaR is 0.05 million USD.", Reason.PRECISION_LOST),
        ("The expected shortfall is 48,212 USD.", Reason.QUANTITY_MISMATCH),
        ("The beta is 3.2.", Reason.UNBOUND_NUMBER),
        ("The VaR of Apple is 48,212 USD.", Reason.ENTITY_MISMATCH),
        ("The VaR is 48,212 USD as of 2022-12-27.", Reason.PERIOD_MISMATCH),
        ("The VaR is 48,212 USD for May 2019.", Reason.PERIOD_MISMATCH),
        ("The 95% VaR is 48,212 USD.", Reason.BASIS_MISMATCH),
        ("The 5-day VaR is 48,212 USD.", Reason.BASIS_MISMATCH),
        ("The 750-day VaR is 48,212 USD.", Reason.BASIS_MISMATCH),
        ("The Monte Carlo VaR is 48,212 USD.", Reason.BASIS_MISMATCH),
        ("The simulated VaR is 48,212 USD.", Reason.BASIS_MISMATCH),
        ("The VaR rose to 48,212 USD.", Reason.UNCHECKED_COMPARISON),
        ("The VaR of 48,212 USD is the worst.", Reason.UNCHECKED_COMPARISON),
        ("The VaR of 48,212 USD is the largest.", Reason.UNCHECKED_COMPARISON),
        ("The VaR is in breach: 48,212 USD.", Reason.UNCHECKED_COMPARISON),
        ("The VaR of 48,212 USD doubled.", Reason.UNBOUND_NUMBER),
        ("The VaR is 1.234,5 USD.", Reason.UNBOUND_NUMBER),
    ],
)
def test_claim_that_disagrees_is_refused_with_its_reason(text: str, reason: Reason) -> None:
    report = check(text)
    assert report.verdict in (Verdict.ABSTAINED, Verdict.NEEDS_HUMAN)
    assert reason in reasons(report), report


def test_claim_carries_what_the_text_says_of_it() -> None:
    text = "The 10-day 99% VaR of the sample book is 48.2 thousand USD as of 2022-12-28."
    claim = check(text).claims[-1]
    assert text[slice(*claim.span)] == claim.text == "48.2 thousand USD"
    assert (claim.quantity, claim.entity, claim.period) == ("var", "sample", "2022-12-28")
    assert (claim.basis, claim.currency) == ("10-day, 99%", "USD")
    assert claim.scale == 1000
    assert claim.source is not None
    assert claim.verdict is Verdict.VERIFIED_ROUNDED


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("The sample book lost 1,500 USD.", Verdict.VERIFIED),
        ("The profit or loss is -1,500 USD.", Verdict.VERIFIED),
        ("The profit and loss is 1,500 USD.", Verdict.ABSTAINED),
        ("The sample book gained -1,500 USD.", Verdict.ABSTAINED),
        ("It gained and lost -1,500 USD.", Verdict.NEEDS_HUMAN),
    ],
)
def test_direction_is_held_against_the_sign(text: str, verdict: Verdict) -> None:
    assert check(text, evidence(PNL, headline="pnl")).verdict is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("From 2022-05-31 to 2022-06-30 Apple fell by 8.14%.", Verdict.VERIFIED),
        ("From May 2022 until June 2022 the return was -814 bps.", Verdict.VERIFIED),
        ("From 2022-06-30 to 2022-05-31 Apple fell by 8.14%.", Verdict.ABSTAINED),
        ("Apple fell by 8.14 bps from 2022-05-31.", Verdict.ABSTAINED),
    ],
)
def test_period_is_held_against_start_and_end(text: str, verdict: Verdict) -> None:
    labels = {"subject": "Apple", "start": "2022-05-31", "end": "2022-06-30"}
    item = evidence(CHANGE, headline="change", labels=labels, parameters={})
    assert check(text, item).verdict is verdict


def test_label_that_is_no_date_fits_no_date() -> None:
    labels = {"subject": "Apple", "start": "inception", "other": "2022-13-45"}
    item = evidence(CHANGE, headline="change", labels=labels, parameters={})
    report = check("From 2022-05-31 Apple fell by 8.14%.", item)
    assert reasons(report) == {Reason.PERIOD_MISMATCH}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Exposure: USD 500 USD; EUR -700 USD; GBP 100 USD.", Verdict.VERIFIED),
        ("The exposure to EUR is -700 USD, to USD 500 USD.", Verdict.VERIFIED),
        ("The exposure is -700 USD in EUR.", Verdict.VERIFIED),
        ("The exposure to GBP is -700 USD.", Verdict.ABSTAINED),
        ("The largest exposure, to EUR, is -700 USD.", Verdict.VERIFIED),
        ("The largest exposure is to EUR.", Verdict.VERIFIED),
        ("The smallest exposure is to GBP.", Verdict.VERIFIED),
        ("The largest exposure is to USD.", Verdict.ABSTAINED),
        ("The total exposure is -100 USD.", Verdict.VERIFIED),
    ],
)
def test_rows_of_a_table_are_told_apart(text: str, verdict: Verdict) -> None:
    assert check(text, exposure()).verdict is verdict, check(text, exposure())


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Apple closed at 125.67 USD and Microsoft closed at 234.50 USD.", Verdict.VERIFIED),
        ("Apple closed at 234.50 USD and Microsoft closed at 125.67 USD.", Verdict.ABSTAINED),
        ("The close was 125.67 USD.", Verdict.NEEDS_HUMAN),
        ("Apple closed at 125.67 USD, below the 234.50 USD of Microsoft.", Verdict.VERIFIED),
        ("Apple closed at 125.67 USD, above the 234.50 USD of Microsoft.", Verdict.ABSTAINED),
        ("The close of Microsoft is higher than that of Apple.", Verdict.VERIFIED),
        ("The close of Apple is higher than that of Microsoft.", Verdict.ABSTAINED),
        ("Apple is higher than Microsoft.", Verdict.NEEDS_HUMAN),
    ],
)
def test_results_are_told_apart_by_their_names(text: str, verdict: Verdict) -> None:
    items = (close("Apple", "125.67", call="c1"), close("Microsoft", "234.5", call="c2"))
    assert check(text, *items).verdict is verdict, check(text, *items)


def test_words_that_fit_two_results_are_ambiguous() -> None:
    items = (close("Apple", "125.67", call="c1"), close("Apple", "99", call="c2"))
    assert reasons(check("Apple closed at 125.67 USD.", *items)) == {Reason.AMBIGUOUS}


def test_result_whose_basis_differs_is_no_rival() -> None:
    levels = {"confidence": "0.95", "horizon_days": "10"}
    rival = evidence({"var": quantity("30000")}, name="c2", parameters=levels)
    assert check("The 99% VaR is 48,212 USD.", evidence(), rival).verdict is Verdict.VERIFIED
    same = evidence(name="c2")
    assert check("The VaR is 48,212 USD.", evidence(), same).verdict is Verdict.VERIFIED


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("The sample book shows no breach.", Verdict.ABSTAINED),
        ("The sample book shows a breach.", Verdict.VERIFIED),
        ("The euro limit is in breach.", Verdict.VERIFIED),
        ("The sector limit is in breach.", Verdict.ABSTAINED),
        ("Microsoft shows a breach.", Verdict.ABSTAINED),
        ("Apple shows a breach.", Verdict.ABSTAINED),
        ("106.4% of the euro limit is used against a limit of 1,500,000 USD.", Verdict.VERIFIED),
        ("The euro limit is used at 106.4% of a limit of 2,500,000 USD.", Verdict.ABSTAINED),
    ],
)
def test_breaches_are_held_against_the_statuses(text: str, verdict: Verdict) -> None:
    fields = {
        "limits.euro": quantity("106.4", "%", 1),
        "limits.sector": quantity("40", "%", 1),
        "limits.single": quantity("50", "%", 1),
    }
    item = evidence(
        fields,
        headline="limits",
        labels={
            "subject": "the sample book",
            "status": "breach",
            "limits.euro": "euro (EUR, breach)",
            "limits.sector": "sector (Energy, no breach)",
            "limits.single": "single-name (MSFT, no breach)",
        },
        parameters={"threshold.euro": "1500000 USD", "kind": "x"},
    )
    assert check(text, item).verdict is verdict, check(text, item)


BETA = {"beta": quantity("1.3", "1", 2)}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("The beta of Apple to the S&P 500 is 1.30.", Verdict.VERIFIED),
        ("The beta of the S&P 500 to Apple is 1.30.", Verdict.ABSTAINED),
        ("The beta of Apple to Apple is 1.30.", Verdict.ABSTAINED),
        ("The beta of Apple over 250 days is 1.30.", Verdict.VERIFIED),
        ("The beta of Apple is 130%.", Verdict.VERIFIED),
    ],
)
def test_benchmark_is_told_from_the_instrument(text: str, verdict: Verdict) -> None:
    item = evidence(
        BETA,
        headline="beta",
        labels={"subject": "Apple", "benchmark": "S&P 500"},
        parameters={"benchmark": "SPX", "window_days": "250"},
        inputs={"instrument": "AAPL", "window_days": 250, "nothing": None},
    )
    assert check(text, item).verdict is verdict, check(text, item)


def test_sizes_of_positions_may_be_repeated_and_pairs_must_be_the_results() -> None:
    positions = [{"kind": "stock", "instrument": "AAPL", "quantity": "500"}, {"kind": "cash"}]
    portfolio = {"base_currency": "USD", "positions": positions}
    item = evidence(labels={}, inputs={"portfolio": portfolio})
    good = check("The VaR of 500 shares of Apple is 48,212 USD.", item)
    assert good.verdict is Verdict.VERIFIED, good
    assert check("The VaR of 600 shares of Apple is 48,212 USD.", item).verdict is Verdict.ABSTAINED
    rate = evidence(
        {"rate": quantity("1.1172", "USD/EUR", 4)},
        headline="rate",
        labels={"subject": "EUR/USD"},
        parameters={},
    )
    assert check("EUR/USD is 1.1172 USD/EUR.", rate).verdict is Verdict.VERIFIED
    assert check("USD/EUR is 1.1172 USD/EUR.", rate).verdict is Verdict.ABSTAINED


def test_figure_that_stands_for_two_is_ambiguous() -> None:
    fields = {"amount": quantity("5", "EUR"), "converted": quantity("6")}
    item = evidence(fields, headline="converted", labels={}, parameters={})
    assert check("5 EUR is 6 USD.", item).verdict is Verdict.VERIFIED
    assert reasons(check("6 USD is 6 USD.", item)) == {Reason.AMBIGUOUS}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, Reason.SECOND_MISSING),
        (Confirmation(method="", checks={}, failure="crash"), Reason.SECOND_FAILED),
        (Confirmation(method="m", checks={}, failure=None), Reason.SECOND_MISSING),
    ],
)
def test_agreement_without_a_second_method_needs_a_human(
    given: Confirmation | None, reason: Reason
) -> None:
    item = evidence()
    confirmations = {} if given is None else {"c1": given}
    report = TextCheck([item], index=INDEX, confirmations=confirmations)("The VaR is 48,212 USD.")
    assert report.verdict is Verdict.NEEDS_HUMAN
    assert reasons(report) == {reason}


def test_agreement_that_the_second_method_denies_needs_a_human() -> None:
    item = evidence()
    checks = {name: replace(c, is_within=False) for name, c in confirmation(item).checks.items()}
    denied = {"c1": Confirmation(method="m", checks=checks, failure=None)}
    report = TextCheck([item], index=INDEX, confirmations=denied)("The VaR is 48,212 USD.")
    assert reasons(report) == {Reason.SECOND_DISAGREES}


def test_claim_without_results_names_its_quantity() -> None:
    report = TextCheck((), index=INDEX, confirmations={})("The 99% VaR is 5 USD. Then 6 USD.")
    assert [claim.quantity for claim in report.claims] == ["confidence", "var", ""]


def test_words_inside_a_figure_and_longer_labels_cut_nothing() -> None:
    item = evidence({"var": quantity("205000")}, labels={"subject": "the sample book"})
    other = evidence({"es": quantity("9")}, name="c2", labels={"subject": "sample book"})
    text = "VaR of the sample book is two hundred and five thousand USD and is 205,000 USD."
    assert check(text, item, other).verdict is Verdict.VERIFIED_ROUNDED


def test_name_that_stands_twice_hides_another() -> None:
    labels = {"subject": "Apple and Microsoft"}
    item = evidence(BETA, headline="beta", labels=labels, parameters={})
    assert check("The beta of Apple and Microsoft is 1.30.", item).verdict is Verdict.VERIFIED
    assert check("The beta of Apple and Apple is 1.30.", item).verdict is Verdict.ABSTAINED


@pytest.mark.parametrize("text", ["Apple is not in it.", "That was in May 2019."])
def test_name_or_date_of_no_result_is_refused(text: str) -> None:
    assert check(text).verdict is Verdict.ABSTAINED


def test_strike_price_names_a_parameter_and_no_quantity() -> None:
    item = evidence({"price": quantity("9")}, headline="price", parameters={"strike": "4000"})
    assert check("At a strike price of 4000 it is worth 9 USD.", item).verdict is Verdict.VERIFIED
