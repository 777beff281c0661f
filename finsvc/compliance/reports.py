"""Regulatory reports: which figures each one states, and how they are computed and confirmed.

A report is a list of calculator runs on one book and date. Every figure comes from a calculator
and is recomputed by its second method on an independent reader; a figure that is not confirmed
makes the report one that a person has to look at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from finsvc.books.shelf import Book
from finsvc.calculators.comparison import Comparison, compare
from finsvc.calculators.inputs.book import ExposureKey, LimitInput
from finsvc.calculators.inputs.portfolio import PortfolioInput
from finsvc.calculators.inputs.risk import RiskMethod, scenario_input
from finsvc.calculators.registry import calculator
from finsvc.domain.errors import FinsvcError, UnknownNameError
from finsvc.domain.market import MarketView
from finsvc.domain.results import CalculatorResult
from finsvc.domain.scenarios import HISTORICAL_SCENARIOS

# Basel 2.5: 99 % over ten days; CRR Article 392: a tenth begins a large exposure.
_CONFIDENCE = "0.99"
_HORIZON_DAYS = 10
_LARGE_EXPOSURE = "0.1"
_SCENARIOS = ("financial_crisis", "covid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One calculator run of a report; ``section`` names it in the files."""

    section: str
    calculator: str
    inputs: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A run with its result and the second method's word on every field.

    ``failure`` says why the second method gave no value; then nothing is confirmed.
    """

    run: Run
    result: CalculatorResult
    second_method: str
    comparisons: Mapping[str, Comparison]
    failure: str | None

    @property
    def is_confirmed(self) -> bool:
        """Whether the second method confirmed every field."""
        return self.failure is None and all(item.within for item in self.comparisons.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDefinition:
    """A report that can be run; ``plan`` lists its runs for a book and a date."""

    name: str
    title: str
    plan: Callable[[Book, date], Sequence[Run]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as computed, before it is written."""

    definition: ReportDefinition
    book: str
    as_of: date
    snapshot: str
    sections: tuple[Section, ...]

    @property
    def is_confirmed(self) -> bool:
        """Whether every figure was confirmed by a second method."""
        return all(section.is_confirmed for section in self.sections)


def _risk_limits(book: Book, as_of: date) -> list[Run]:
    """Value at risk, shortfall, stress, limits, large exposures and exposures of a book."""
    common: dict[str, object] = {
        "portfolio": PortfolioInput.from_domain(book.portfolio).document(),
        "as_of": as_of.isoformat(),
    }
    tail = {**common, "confidence": _CONFIDENCE, "horizon_days": _HORIZON_DAYS}
    runs = [
        Run(section=f"value_at_risk_{method}", calculator=f"{method}_var", inputs=tail)
        for method in RiskMethod
    ]
    runs.append(Run(section="expected_shortfall", calculator="expected_shortfall", inputs=tail))
    runs += [
        Run(
            section=f"stress_{name}",
            calculator="stress_test",
            inputs={**common, "scenario": scenario_input(HISTORICAL_SCENARIOS[name]).document()},
        )
        for name in _SCENARIOS
    ]
    # A book without limits has nothing to check; the report then has no such section.
    if book.limits:
        limits = [LimitInput.from_domain(limit).document() for limit in book.limits]
        runs.append(
            Run(section="limits", calculator="limit_check", inputs={**common, "limits": limits})
        )
    large = {**common, "threshold": _LARGE_EXPOSURE}
    runs.append(Run(section="large_exposures", calculator="large_exposures", inputs=large))
    runs += [
        Run(section=f"exposure_{key}", calculator="exposure", inputs={**common, "by": key.value})
        for key in (ExposureKey.CURRENCY, ExposureKey.SECTOR)
    ]
    return runs


REPORTS: Mapping[str, ReportDefinition] = {
    entry.name: entry
    for entry in (
        ReportDefinition(
            name="risk_limits",
            title="Market risk, limits and concentrations of a book",
            plan=_risk_limits,
        ),
    )
}


def report_definition(name: str) -> ReportDefinition:
    """Look a report up.

    Raises:
        UnknownNameError: There is none of that name.
    """
    found = REPORTS.get(name)
    if found is None:
        raise UnknownNameError(field="report", kind="report", actual=name, known=list(REPORTS))
    return found


def build_report(
    definition: ReportDefinition,
    book: Book,
    as_of: date,
    *,
    market: MarketView,
    second_market: MarketView,
) -> Report:
    """Compute every section of a report.

    Raises:
        InputError: The book cannot be computed at this date.
    """
    sections = tuple(
        _section(run, market=market, second_market=second_market)
        for run in definition.plan(book, as_of)
    )
    return Report(
        definition=definition,
        book=book.name,
        as_of=as_of,
        snapshot=market.snapshot,
        sections=sections,
    )


def _section(run: Run, *, market: MarketView, second_market: MarketView) -> Section:
    entry = calculator(run.calculator)
    inputs = entry.parse(run.inputs)
    result = entry.run(inputs, market)
    method = ""
    comparisons: Mapping[str, Comparison] = {}
    failure = None
    try:
        second = entry.confirm(inputs, second_market)
        method = second.method
        comparisons = compare(result, second, entry.tolerances)
    except (FinsvcError, ArithmeticError, ValueError, LookupError) as error:
        # Fail closed: the figures are stated as unconfirmed, and why.
        failure = f"{type(error).__name__}: {error}"
    return Section(
        run=run,
        result=result,
        second_method=method,
        comparisons=comparisons,
        failure=failure,
    )
