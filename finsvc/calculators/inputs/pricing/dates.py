"""Day counts, calendars and the input of the year fraction calculator."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import CalculatorInput, DateText


class DayCount(StrEnum):
    """Conventions that turn two dates into a year fraction."""

    ACTUAL_360 = "actual_360"
    ACTUAL_360_INCLUSIVE = "actual_360_inclusive"
    ACTUAL_364 = "actual_364"
    ACTUAL_365_FIXED = "actual_365_fixed"
    ACTUAL_365_25 = "actual_365.25"
    ACTUAL_365_CANADIAN = "actual_365_canadian"
    ACTUAL_366 = "actual_366"
    NO_LEAP_365 = "no_leap_365"
    ACTUAL_ACTUAL_ISDA = "actual_actual_isda"
    ACTUAL_ACTUAL_ICMA = "actual_actual_icma"
    ACTUAL_ACTUAL_AFB = "actual_actual_afb"
    THIRTY_360_BOND = "30_360_bond_basis"
    THIRTY_360_US = "30_360_us"
    THIRTY_360_NASD = "30_360_nasd"
    THIRTY_E_360 = "30e_360"
    THIRTY_E_360_ISDA = "30e_360_isda"
    THIRTY_360_ITALIAN = "30_360_italian"
    THIRTY_365 = "30_365"
    ONE = "1_1"


class CalendarName(StrEnum):
    """Business day calendars."""

    WEEKENDS = "weekends"
    TARGET = "target"
    LONDON = "london"
    NEW_YORK = "new_york"
    STOCKHOLM = "stockholm"


class YearFractionInput(CalculatorInput):
    """Inputs of a year fraction.

    ``reference_start``, ``reference_end`` and ``frequency`` (coupons a year) describe the regular
    coupon period of the ICMA and Canadian rules; left out, the dates are the period.
    ``termination`` is the end of the deal, where 30E/360 (ISDA) keeps the end of February.
    """

    start: DateText
    end: DateText
    convention: DayCount
    reference_start: DateText | None = None
    reference_end: DateText | None = None
    frequency: Annotated[int, Field(strict=True, ge=1, le=12)] | None = None
    termination: DateText | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.end < self.start:
            raise ValueError("expected start on or before end")
        if (self.reference_start is None) != (self.reference_end is None):
            raise ValueError("expected both reference dates or neither")
        if self.frequency is not None and 12 % self.frequency:
            raise ValueError("expected a frequency that divides twelve")
        is_periodic = self.convention in {
            DayCount.ACTUAL_ACTUAL_ICMA,
            DayCount.ACTUAL_365_CANADIAN,
        }
        if is_periodic and self.frequency is None:
            raise ValueError("expected the frequency of the coupons for this convention")
        start, end = self.reference_start, self.reference_end
        if start is not None and end is not None and start >= end:
            raise ValueError("expected reference_start before reference_end")
        return self
