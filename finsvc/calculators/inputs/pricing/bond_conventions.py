"""What each bond market agrees on: coupons, accrual, discounting and ex-dividend periods.

Source: UK DMO, "Formulae for calculating gilt prices from yields"; 31 CFR 356 appendix B; MSRB rule
G-33; IIAC Canadian conventions 1.3; Bundesbank, Agence France Trésor, RBA, NZDM, Norges Bank and
Riksgälden notes on their securities.
"""

from dataclasses import dataclass
from enum import StrEnum

from finsvc.calculators.inputs.pricing.bonds import BondConvention
from finsvc.calculators.inputs.pricing.dates import CalendarName


class Accrual(StrEnum):
    """How the part of a coupon that has accrued is counted.

    ``DAYS`` is actual days over the period's days; ``DAYS_SPLIT`` does so for each regular part of
    a long stub; ``THIRTY_BACK`` counts 30E/360 back from the next coupon; ``THIRTY_US`` counts
    30/360 from the last; ``ACTUAL_365`` counts over 365 and from the end in the last days.
    """

    DAYS = "days"
    DAYS_SPLIT = "days_split"
    THIRTY_BACK = "thirty_back"
    THIRTY_US = "thirty_us"
    ACTUAL_365 = "actual_365"


class Stub(StrEnum):
    """How the size of an irregular coupon is counted."""

    ICMA = "icma"
    ACTUAL_365 = "actual_365"
    THIRTY_E = "thirty_e"
    THIRTY_US = "thirty_us"


class First(StrEnum):
    """How the time to the next coupon discounts, while more coupons follow."""

    COMPOUND = "compound"
    SIMPLE = "simple"
    COMPOUND_STUB_365 = "compound_stub_365"


class Last(StrEnum):
    """How the time to maturity discounts once no other coupon is left."""

    COMPOUND = "compound"
    SIMPLE = "simple"
    SIMPLE_365 = "simple_365"
    SIMPLE_PAID = "simple_paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """Rules of one market.

    ``frequency`` is coupons a year; ``is_annual_yield`` says that the yield compounds annually
    whatever the frequency; ``ex_days`` before a coupon it goes to the seller: business days of
    ``calendar`` (settlement after that day), or calendar days (on that day and after).
    ``accrued_decimals`` rounds accrued interest. ``final_simple_30e`` discounts the last full
    period simply on 30E/360; ``pays_adjusted`` discounts to the business day of payment.
    """

    frequency: int
    accrual: Accrual
    yield_accrual: Accrual
    stub: Stub = Stub.ICMA
    first: First = First.COMPOUND
    last: Last = Last.COMPOUND
    is_annual_yield: bool = False
    has_long_first: bool = False
    keeps_month_end: bool = False
    ex_days: int = 0
    counts_business_days: bool = True
    accrued_decimals: int | None = None
    final_simple_30e: bool = False
    pays_adjusted: bool = False
    calendar: CalendarName = CalendarName.WEEKENDS


def _plain(
    frequency: int, last: Last = Last.COMPOUND, accrual: Accrual = Accrual.DAYS
) -> Convention:
    return Convention(frequency=frequency, accrual=accrual, yield_accrual=accrual, last=last)


_SPLIT = Accrual.DAYS_SPLIT

_US_CORPORATE = Convention(
    frequency=2,
    accrual=Accrual.THIRTY_US,
    yield_accrual=Accrual.THIRTY_US,
    stub=Stub.THIRTY_US,
    last=Last.SIMPLE,
)

CONVENTIONS: dict[BondConvention, Convention] = {
    BondConvention.US_TREASURY: Convention(
        frequency=2, accrual=_SPLIT, yield_accrual=_SPLIT, keeps_month_end=True
    ),
    BondConvention.US_TREASURY_ISSUE: Convention(
        frequency=2,
        accrual=_SPLIT,
        yield_accrual=_SPLIT,
        keeps_month_end=True,
        first=First.SIMPLE,
        last=Last.SIMPLE,
    ),
    BondConvention.US_CORPORATE: _US_CORPORATE,
    BondConvention.US_MUNICIPAL: _US_CORPORATE,
    BondConvention.UK_GILT: Convention(
        frequency=2,
        accrual=_SPLIT,
        yield_accrual=_SPLIT,
        has_long_first=True,
        ex_days=7,
        calendar=CalendarName.LONDON,
    ),
    BondConvention.GERMAN_BUND: Convention(
        frequency=1, accrual=_SPLIT, yield_accrual=_SPLIT, has_long_first=True, last=Last.SIMPLE
    ),
    BondConvention.FRENCH_OAT: _plain(1),
    BondConvention.ITALIAN_BTP: Convention(
        frequency=2,
        accrual=Accrual.DAYS,
        yield_accrual=Accrual.DAYS,
        last=Last.SIMPLE_PAID,
        is_annual_yield=True,
        pays_adjusted=True,
        calendar=CalendarName.TARGET,
    ),
    BondConvention.DUTCH_DSL: _plain(1, Last.SIMPLE, _SPLIT),
    BondConvention.SWISS_EIDGENOSSE: Convention(
        frequency=1,
        accrual=Accrual.THIRTY_BACK,
        yield_accrual=Accrual.THIRTY_BACK,
        stub=Stub.THIRTY_E,
    ),
    BondConvention.CANADIAN: Convention(
        frequency=2,
        accrual=Accrual.ACTUAL_365,
        yield_accrual=Accrual.DAYS,
        stub=Stub.ACTUAL_365,
        final_simple_30e=True,
    ),
    BondConvention.AUSTRALIAN: Convention(
        frequency=2,
        accrual=Accrual.DAYS,
        yield_accrual=Accrual.DAYS,
        last=Last.SIMPLE,
        ex_days=7,
        counts_business_days=False,
        accrued_decimals=3,
    ),
    BondConvention.NEW_ZEALAND: Convention(
        frequency=2,
        accrual=Accrual.DAYS,
        yield_accrual=Accrual.DAYS,
        last=Last.SIMPLE_365,
        ex_days=8,
    ),
    BondConvention.NORWEGIAN: Convention(
        frequency=1,
        accrual=Accrual.ACTUAL_365,
        yield_accrual=Accrual.ACTUAL_365,
        stub=Stub.ACTUAL_365,
        first=First.COMPOUND_STUB_365,
    ),
    BondConvention.SWEDISH: Convention(
        frequency=1,
        accrual=Accrual.THIRTY_BACK,
        yield_accrual=Accrual.THIRTY_BACK,
        last=Last.SIMPLE,
        ex_days=5,
        final_simple_30e=True,
        calendar=CalendarName.STOCKHOLM,
    ),
    BondConvention.ICMA_ANNUAL: _plain(1),
    BondConvention.ICMA_SEMI_ANNUAL: _plain(2),
}
"""Rules by market. Where bonds of a market go ex without a rule here, settlement days that are
business days never fall between the two."""
