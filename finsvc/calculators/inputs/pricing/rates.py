"""Inputs of curves, swaps, forward rate agreements, FX forwards and credit default swaps.

A curve is given by quotes that are bootstrapped, by discount factors at dates, or by one continuous
zero rate (Actual/365 Fixed). Between dates the logarithm of the discount factor is linear in time,
which keeps forward rates constant; beyond the last date the last forward rate goes on.
"""

from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import CalculatorInput, Currency, DateText, NumberText
from finsvc.calculators.inputs.pricing.base import Amount, Price, PricingInput, Rate
from finsvc.calculators.inputs.pricing.dates import CalendarName, DayCount
from finsvc.domain.identifiers import CurrencyCode

Months = Annotated[int, Field(strict=True, ge=1, le=720)]
"""Whole months."""

Frequency = Literal[1, 2, 4, 12]
"""Payments a year."""


class DepositQuote(CalculatorInput):
    """A simple rate from spot for some months."""

    kind: Literal["deposit"]
    months: Months
    rate: Rate
    day_count: DayCount = DayCount.ACTUAL_360


class FraQuote(CalculatorInput):
    """A simple forward rate between two months from spot."""

    kind: Literal["fra"]
    start_months: Months
    end_months: Months
    rate: Rate
    day_count: DayCount = DayCount.ACTUAL_360

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start_months >= self.end_months:
            raise ValueError("expected start_months before end_months")
        return self


class SwapQuote(CalculatorInput):
    """A par rate of a swap from spot, whose floating leg is worth par on the same curve.

    ``payments_a_year`` and ``day_count`` are of the fixed leg; an overnight swap is one with a
    payment a year. ``floating_payments_a_year`` (those of the fixed leg unless told) matters where
    another curve discounts.
    """

    kind: Literal["swap"]
    months: Months
    rate: Rate
    payments_a_year: Frequency = 2
    day_count: DayCount = DayCount.THIRTY_360_BOND
    floating_payments_a_year: Frequency | None = None

    @model_validator(mode="after")
    def _whole_periods(self) -> Self:
        for frequency in (self.payments_a_year, self.floating_payments_a_year):
            if frequency is not None and self.months % (12 // frequency):
                raise ValueError("expected months that are whole payment periods")
        return self


Quote = Annotated[DepositQuote | FraQuote | SwapQuote, Field(discriminator="kind")]
"""One quote; ``kind`` tells which."""


class CurveNode(CalculatorInput):
    """A discount factor at a date after the curve's."""

    date: DateText
    discount_factor: Annotated[NumberText, Field(gt=0, le=1000)]


class SwapDiscounting(StrEnum):
    """What discounts the swaps that a curve is built from.

    ``OWN`` is the curve itself. ``DISCOUNT_CURVE`` is the discount curve that stands beside it:
    the curve then projects floating rates alone (two curves, as since 2008).
    """

    OWN = "own"
    DISCOUNT_CURVE = "discount_curve"


class CurveTerms(CalculatorInput):
    """How a curve is given: exactly one of ``quotes``, ``nodes`` and ``zero_rate``.

    ``spot_days`` are business days of ``calendar`` to spot; dates of quotes follow the modified
    following rule. ``swaps_discounted_on`` is for a curve that projects floating rates.
    """

    quotes: Annotated[tuple[Quote, ...], Field(max_length=200)] = ()
    nodes: Annotated[tuple[CurveNode, ...], Field(max_length=2000)] = ()
    zero_rate: Rate | None = None
    calendar: CalendarName = CalendarName.WEEKENDS
    spot_days: Annotated[int, Field(strict=True, ge=0, le=5)] = 2
    swaps_discounted_on: SwapDiscounting = SwapDiscounting.OWN

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = (bool(self.quotes), bool(self.nodes), self.zero_rate is not None)
        if sum(given) != 1:
            raise ValueError("expected exactly one of quotes, nodes and zero_rate")
        if any(late.date <= early.date for early, late in pairwise(self.nodes)):
            raise ValueError("expected nodes in ascending order of date")
        if self.is_projection and not any(quote.kind == "swap" for quote in self.quotes):
            raise ValueError("expected swap quotes where another curve discounts them")
        return self

    @property
    def is_projection(self) -> bool:
        """Whether another curve discounts the swaps."""
        return self.swaps_discounted_on is SwapDiscounting.DISCOUNT_CURVE


def refuse_projection(curve: CurveTerms) -> None:
    """Refuse a curve that needs another where it has to discount.

    Raises:
        ValueError: it projects floating rates alone.
    """
    if curve.is_projection:
        raise ValueError("expected a curve that discounts its own swaps to discount with")


class CurveInput(PricingInput, CurveTerms):
    """Inputs of a curve's discount factors, at its own dates or at ``dates``.

    ``discount_curve`` belongs to a curve whose swaps are discounted on it.
    """

    dates: Annotated[tuple[DateText, ...], Field(max_length=2000)] = ()
    discount_curve: CurveTerms | None = None

    @model_validator(mode="after")
    def _later(self) -> Self:
        if any(node.date <= self.as_of for node in self.nodes):
            raise ValueError("expected nodes after as_of")
        if any(day < self.as_of for day in self.dates):
            raise ValueError("expected dates on or after as_of")
        if self.zero_rate is not None and not self.dates:
            raise ValueError("expected dates where the curve has none of its own")
        if self.is_projection != (self.discount_curve is not None):
            raise ValueError("expected discount_curve exactly where it discounts the swaps")
        if self.discount_curve is not None:
            refuse_projection(self.discount_curve)
        return self


class SwapSide(StrEnum):
    """Who pays the fixed rate."""

    PAY_FIXED = "pay_fixed"
    RECEIVE_FIXED = "receive_fixed"


class SwapInput(PricingInput):
    """Inputs of a fixed against floating interest rate swap.

    ``current_fixing`` is the floating rate of the period that has begun; periods end on business
    days by the modified following rule, and pay then. ``forward_curve`` defaults to
    ``discount_curve``.
    """

    side: SwapSide
    notional: Price
    fixed_rate: Rate
    start: DateText
    maturity: DateText
    fixed_payments_a_year: Frequency = 1
    fixed_day_count: DayCount = DayCount.THIRTY_E_360
    floating_payments_a_year: Frequency = 2
    floating_day_count: DayCount = DayCount.ACTUAL_360
    spread: Rate = Decimal(0)
    current_fixing: Rate | None = None
    calendar: CalendarName = CalendarName.TARGET
    discount_curve: CurveTerms
    forward_curve: CurveTerms | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.start < self.maturity or self.maturity <= self.as_of:
            raise ValueError("expected start before maturity, and maturity after as_of")
        if (self.start < self.as_of) != (self.current_fixing is not None):
            raise ValueError("expected current_fixing exactly when the swap has started")
        refuse_projection(self.discount_curve)
        return self


class FraSide(StrEnum):
    """Who gains when rates rise: the buyer pays the contract rate."""

    BUY = "buy"
    SELL = "sell"


class FraInput(PricingInput):
    """Inputs of a forward rate agreement, settled at its start."""

    side: FraSide
    notional: Price
    contract_rate: Rate
    start: DateText
    end: DateText
    day_count: DayCount = DayCount.ACTUAL_360
    discount_curve: CurveTerms
    forward_curve: CurveTerms | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.as_of <= self.start < self.end:
            raise ValueError("expected as_of <= start < end")
        refuse_projection(self.discount_curve)
        return self


class FxForwardInput(PricingInput):
    """Inputs of an FX forward that buys ``notional`` of ``base_currency`` for the quote currency.

    ``currency`` is the quote currency; ``spot_rate`` and ``contract_rate`` are units of it for one
    of the base, the spot for delivery on ``spot_date`` (default ``as_of``).
    """

    base_currency: Currency = CurrencyCode("EUR")
    notional: Annotated[NumberText, Field(ge=-(10**15), le=10**15)]
    spot_rate: Price
    contract_rate: Price
    spot_date: DateText | None = None
    delivery: DateText
    base_curve: CurveTerms
    quote_curve: CurveTerms

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        spot_date = self.spot_date or self.as_of
        if not self.as_of <= spot_date <= self.delivery:
            raise ValueError("expected as_of <= spot_date <= delivery")
        if self.base_currency == self.currency:
            raise ValueError("expected two different currencies")
        refuse_projection(self.base_curve)
        refuse_projection(self.quote_curve)
        return self


class CdsSide(StrEnum):
    """Who is protected."""

    BUY_PROTECTION = "buy_protection"
    SELL_PROTECTION = "sell_protection"


class CdsInput(PricingInput):
    """Inputs of a standard credit default swap; ``as_of`` is the trade date.

    Coupons are quarterly on the 20th of March, June, September and December; exactly one of the
    conventional ``spread`` and a flat ``hazard_rate`` (Actual/365) describes the credit.
    """

    side: CdsSide = CdsSide.BUY_PROTECTION
    notional: Price
    coupon_rate: Annotated[Rate, Field(ge=0)] = Decimal("0.01")
    maturity: DateText
    spread: Annotated[Rate, Field(ge=0)] | None = None
    hazard_rate: Annotated[Rate, Field(ge=0)] | None = None
    recovery_rate: Annotated[Amount, Field(ge=0, lt=1)]
    curve: CurveTerms

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.maturity <= self.as_of:
            raise ValueError("expected maturity after as_of")
        if self.maturity.day != 20 or self.maturity.month % 3:
            raise ValueError("expected maturity on the 20th of March, June, September or December")
        if (self.spread is None) == (self.hazard_rate is None):
            raise ValueError("expected exactly one of spread and hazard_rate")
        refuse_projection(self.curve)
        return self
