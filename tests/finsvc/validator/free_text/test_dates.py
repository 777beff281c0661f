from datetime import date

import pytest

from finsvc.validator.free_text.dates import find_days


@pytest.mark.parametrize(
    "text",
    ["2022-12-28", "28 December 2022", "December 28, 2022", "28 Dec 2022", "28th of Dec 2022"],
)
def test_day_is_read_in_every_clear_form(text: str) -> None:
    (day,) = find_days(f"on {text}.")
    assert day.fits(date(2022, 12, 28))
    assert not day.fits(date(2022, 12, 27))


def test_month_and_year_fit_every_day_in_them() -> None:
    month, year = find_days("in June 2022 and in 2008")
    assert month.fits(date(2022, 6, 30))
    assert not month.fits(date(2022, 7, 1))
    assert year.fits(date(2008, 9, 15))


@pytest.mark.parametrize("text", ["2022 USD", "2022%", "1,999", "2020.5", "06/07/2022"])
def test_figures_and_unclear_forms_are_no_dates(text: str) -> None:
    assert find_days(text) == []
