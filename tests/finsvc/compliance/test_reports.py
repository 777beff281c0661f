from dataclasses import replace
from datetime import date

import pytest

from finsvc.calculators import registry
from finsvc.calculators.inputs.base import CalculatorInput
from finsvc.compliance.report_files import report_csv, report_document
from finsvc.compliance.reports import REPORTS, Report, build_report, report_definition
from finsvc.domain.errors import InputError, NonTradingDayError, UnknownNameError
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion
from tests.finsvc.conftest import MarketData

LAST = date(2022, 12, 28)
SECTIONS = [
    "value_at_risk_historical",
    "value_at_risk_parametric",
    "value_at_risk_monte_carlo",
    "expected_shortfall",
    "stress_financial_crisis",
    "stress_covid",
    "limits",
    "large_exposures",
    "exposure_currency",
    "exposure_sector",
]


def build(data: MarketData, as_of: date = LAST) -> Report:
    return build_report(
        REPORTS["risk_limits"],
        data.books.load("sample"),
        as_of,
        market=data.market,
        second_market=data.second_market,
    )


def test_every_figure_of_the_sample_book_is_confirmed(data: MarketData) -> None:
    report = build(data)
    assert [section.run.section for section in report.sections] == SECTIONS
    assert report.is_confirmed
    for section in report.sections:
        assert section.failure is None
        assert section.comparisons.keys() == section.result.fields.keys()
        assert section.result.as_of == LAST


def test_report_is_deterministic(data: MarketData) -> None:
    first, second = build(data), build(data)
    assert report_csv(first) == report_csv(second)
    given = {"report_id": "rpt_1", "created": "now"}
    assert report_document(first, **given) == report_document(second, **given)


def test_book_without_limits_has_no_such_section(data: MarketData) -> None:
    book = replace(data.books.load("sample"), limits=())
    runs = REPORTS["risk_limits"].plan(book, LAST)
    assert [run.section for run in runs] == [name for name in SECTIONS if name != "limits"]


def test_unknown_report_and_bad_dates_are_named(data: MarketData) -> None:
    with pytest.raises(UnknownNameError, match=r"report: expected a known report \(risk_limits\)"):
        report_definition("emir")
    with pytest.raises(NonTradingDayError):
        build(data, date(2022, 12, 25))
    with pytest.raises(InputError):
        build(data, date(2031, 1, 6))


@pytest.mark.parametrize("is_broken", [True, False])
def test_figure_without_confirmation_is_stated_as_such(
    is_broken: bool, data: MarketData, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = registry.CALCULATORS["exposure"]

    def second(inputs: CalculatorInput, market: MarketView) -> SecondOpinion:
        if is_broken:
            raise ZeroDivisionError("injected")
        return replace(genuine.second(inputs, market), values={})

    changed = {**registry.CALCULATORS, "exposure": replace(genuine, second=second)}
    monkeypatch.setattr(registry, "CALCULATORS", changed)
    report = build(data)
    assert not report.is_confirmed
    document = report_document(report, report_id="rpt_1", created="now")
    assert document["confirmed"] is False
    by_name = {section.run.section: section for section in report.sections}
    assert by_name["value_at_risk_historical"].is_confirmed
    assert by_name["exposure_sector"].failure == (
        "ZeroDivisionError: injected" if is_broken else None
    )
    rows = [row for row in report_csv(report).splitlines() if row.startswith("exposure_sector")]
    assert rows
    assert all(row.endswith(",no") for row in rows)
