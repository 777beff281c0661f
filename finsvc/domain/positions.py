"""Positions and portfolios.

Signs: a positive quantity or amount is long. Quantities of stocks are shares, of options contracts
(each of ``multiplier`` units of the underlying). Money is a Decimal in the position's currency.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from finsvc.domain.identifiers import CurrencyCode, InstrumentId


class OptionType(StrEnum):
    """Right of a European option."""

    CALL = "call"
    PUT = "put"


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPosition:
    """Shares of one stock or units of an index, quoted in US dollars in the bundled data."""

    instrument: InstrumentId
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CashPosition:
    """An amount of one currency."""

    currency: CurrencyCode
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionPosition:
    """European options on an instrument of the snapshot; strike in the instrument's currency."""

    underlying: InstrumentId
    option_type: OptionType
    strike: Decimal
    expiry: date
    quantity: Decimal
    multiplier: Decimal


Position = StockPosition | CashPosition | OptionPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Positions valued together. ``label`` is how answers name it: "the sample book"."""

    label: str
    positions: tuple[Position, ...]
    base_currency: CurrencyCode
