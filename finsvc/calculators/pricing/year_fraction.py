"""Year fraction between two dates as a calculator."""

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.pricing.dates import YearFractionInput
from finsvc.calculators.pricing.daycount import Reference, year_fraction
from finsvc.domain.market import MarketView


def year_fraction_result(inputs: YearFractionInput, market: MarketView) -> Computation:
    """Count the days and years between two dates."""
    reference = None
    if inputs.frequency is not None:
        reference = Reference(
            start=inputs.reference_start or inputs.start,
            end=inputs.reference_end or inputs.end,
            frequency=inputs.frequency,
        )
    years = year_fraction(
        inputs.convention,
        inputs.start,
        inputs.end,
        reference=reference,
        termination=inputs.termination,
    )
    days = (inputs.end - inputs.start).days
    return Computation(
        headline="year_fraction",
        fields={
            "year_fraction": Figure(value=years, unit="1", decimals=6),
            "days": Figure(value=float(days), unit="days", decimals=0),
        },
        labels={"subject": f"{inputs.start.isoformat()} to {inputs.end.isoformat()}"},
        as_of=inputs.end,
        method=inputs.convention.value,
        parameters={"convention": inputs.convention.value},
        notes=("The first date is excluded and the last included, unless the convention differs.",),
    )
