"""Stress scenarios: stretches of history and freely chosen shocks.

A historical scenario applies the relative change of every price and FX rate between the closes of
``start`` and ``end`` to today's prices. A shock scenario moves groups of prices by a fraction:
-0.20 is a fall of 20 %. Where several shocks reach one price the most specific one wins:
instrument before sector before equity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalScenario:
    """A stretch of history from the close of ``start`` to the close of ``end``."""

    name: str
    start: date
    end: date


class ShockKind(StrEnum):
    """Which prices a shock moves."""

    EQUITY = "equity"
    SECTOR = "sector"
    INSTRUMENT = "instrument"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """A relative move of a group of prices.

    ``target`` is None for EQUITY (all stocks and the index), a GICS sector, a ticker, or a
    currency code. A currency shock of +0.05 makes one unit of that currency worth 5 % more in
    every other currency. ``fraction`` is greater than -1.
    """

    kind: ShockKind
    target: str | None
    fraction: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ShockScenario:
    """Shocks that happen together. ``name`` is how answers call it: "equities -20%"."""

    name: str
    shocks: tuple[Shock, ...]


Scenario = HistoricalScenario | ShockScenario

# Peaks and troughs of the S&P 500 closes; Lehman Brothers filed after the close of 2008-09-12.
HISTORICAL_SCENARIOS: Mapping[str, HistoricalScenario] = MappingProxyType(
    {
        "financial_crisis": HistoricalScenario(
            name="the 2008 financial crisis", start=date(2007, 10, 9), end=date(2009, 3, 9)
        ),
        "lehman": HistoricalScenario(
            name="the Lehman collapse", start=date(2008, 9, 12), end=date(2008, 11, 20)
        ),
        "covid": HistoricalScenario(
            name="the 2020 Covid crash", start=date(2020, 2, 19), end=date(2020, 3, 23)
        ),
        "dot_com": HistoricalScenario(
            name="the dot-com crash", start=date(2000, 3, 24), end=date(2002, 10, 9)
        ),
    }
)
