"""Inputs of the bond, bill and conversion factor calculators.

Prices are for 100 of face value; coupons and yields are annual fractions (0.0475 is 4.75 %),
compounded as the market of the convention quotes them.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import DateText, NumberText
from finsvc.calculators.inputs.pricing.base import PricingInput, Rate


class BondConvention(StrEnum):
    """Government and corporate bond markets by name."""

    US_TREASURY = "us_treasury"
    US_TREASURY_ISSUE = "us_treasury_issue"
    US_CORPORATE = "us_corporate"
    US_MUNICIPAL = "us_municipal"
    UK_GILT = "uk_gilt"
    GERMAN_BUND = "german_bund"
    FRENCH_OAT = "french_oat"
    ITALIAN_BTP = "italian_btp"
    DUTCH_DSL = "dutch_dsl"
    SWISS_EIDGENOSSE = "swiss_eidgenosse"
    CANADIAN = "canadian"
    AUSTRALIAN = "australian"
    NEW_ZEALAND = "new_zealand"
    NORWEGIAN = "norwegian"
    SWEDISH = "swedish"
    ICMA_ANNUAL = "icma_annual"
    ICMA_SEMI_ANNUAL = "icma_semi_annual"


QuotedPrice = Annotated[NumberText, Field(gt=0, le=10**6)]
"""A price for 100 of face value."""

Yield = Annotated[NumberText, Field(gt=-1, le=10**6)]
"""A yield to maturity as a fraction."""


class BondTerms(PricingInput):
    """A fixed-rate bond; ``as_of`` is the settlement date.

    ``issue_date`` starts the first coupon; ``first_coupon`` is stated where it is not a regular
    period. A left-out stub is short or long as the market issues it.
    """

    convention: BondConvention
    issue_date: DateText
    maturity: DateText
    coupon_rate: Annotated[Rate, Field(ge=0, le=1)]
    first_coupon: DateText | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.issue_date <= self.as_of < self.maturity:
            raise ValueError("expected issue_date <= as_of (settlement) < maturity")
        first = self.first_coupon
        if first is not None and not self.issue_date < first <= self.maturity:
            raise ValueError("expected first_coupon after issue_date and by maturity")
        return self


class BondInput(BondTerms):
    """Inputs of a bond's price and yield: exactly one of the three quotes."""

    clean_price: QuotedPrice | None = None
    dirty_price: QuotedPrice | None = None
    yield_rate: Yield | None = None

    @model_validator(mode="after")
    def _one_quote(self) -> Self:
        quotes = (self.clean_price, self.dirty_price, self.yield_rate)
        if sum(quote is not None for quote in quotes) != 1:
            raise ValueError("expected exactly one of clean_price, dirty_price and yield_rate")
        return self


class BillConvention(StrEnum):
    """Treasury bill markets by name."""

    US = "us"
    UK = "uk"
    SWEDISH = "swedish"
    NORWEGIAN = "norwegian"


BILL_DAYS_MAX = 1100
"""Longest bill: three years; longer papers without coupons are bonds."""


class BillInput(PricingInput):
    """Inputs of a treasury bill; ``as_of`` is the settlement date; exactly one quote.

    ``quoted_rate`` is a discount in the US and Norway and a simple rate in the UK and Sweden.
    """

    convention: BillConvention
    maturity: DateText
    price: QuotedPrice | None = None
    quoted_rate: Rate | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.as_of >= self.maturity:
            raise ValueError("expected as_of (settlement) before maturity")
        if (self.maturity - self.as_of).days > BILL_DAYS_MAX:
            raise ValueError(f"expected a bill of at most {BILL_DAYS_MAX} days")
        if (self.price is None) == (self.quoted_rate is None):
            raise ValueError("expected exactly one of price and quoted_rate")
        return self


class FutureConvention(StrEnum):
    """Rules of conversion factors."""

    CME_SHORT = "cme_short"
    CME_LONG = "cme_long"
    EUREX_EURO = "eurex_euro"
    EUREX_SWISS = "eurex_swiss"
    ICE_GILT = "ice_gilt"


class ConversionFactorInput(BondTerms):
    """Inputs of a conversion factor; ``as_of`` is the first (US, UK) or the delivery day (Eurex).

    ``notional_rate`` is the coupon of the contract's notional bond.
    """

    future: FutureConvention
    notional_rate: Annotated[Rate, Field(gt=0, le=1)]
