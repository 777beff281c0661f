"""Published year fractions are reproduced, and QuantLib's counters agree."""

from datetime import date

import pytest

from tests.golden.pricing import year_fractions as published
from tests.golden.pricing.runner import run
from tests.golden.pricing.tables import Row

# Coupons a year of the examples whose reference period is not their own.
MONTHS_OF = {12: 1, 6: 2, 3: 4}


def frequency(start: str, end: str) -> int:
    days = (date.fromisoformat(end) - date.fromisoformat(start)).days
    return MONTHS_OF[round(days / 30.4)]


@pytest.mark.parametrize("row", published.THIRTY)
def test_days_of_thirty_day_months_are_reproduced(row: Row) -> None:
    convention, start, end, days, termination = row
    document = {"convention": convention, "start": start, "end": end}
    if termination is not None:
        document["termination"] = termination
    years = run("year_fraction", document).fields["year_fraction"].value
    assert round(float(years) * 360.0, 6) == float(str(days)), document


@pytest.mark.parametrize("row", published.ACTUAL)
def test_years_of_actual_days_are_reproduced(row: Row) -> None:
    convention, start, end, reference_start, reference_end, years = row
    document: dict[str, object] = {"convention": convention, "start": start, "end": end}
    if convention == "actual_actual_icma":
        first, last = str(reference_start or start), str(reference_end or end)
        document |= {"reference_start": first, "reference_end": last}
        document["frequency"] = frequency(first, last)
    value = run("year_fraction", document).fields["year_fraction"].value
    assert abs(float(value) - float(str(years))) < 1e-9, document
