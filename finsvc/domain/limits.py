"""Risk limits of a book.

A limit is breached when the measured amount is strictly greater than ``threshold``. Losses are
positive numbers here: a value-at-risk limit of 500,000 USD is breached by a value at risk of
500,001 USD, a stress-loss limit by a scenario that loses more. Exposures are measured as absolute
net amounts, short as much as long.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class LimitMetric(StrEnum):
    """What a limit bounds."""

    VALUE_AT_RISK = "value_at_risk"
    EXPECTED_SHORTFALL = "expected_shortfall"
    INSTRUMENT_EXPOSURE = "instrument_exposure"
    SECTOR_EXPOSURE = "sector_exposure"
    CURRENCY_EXPOSURE = "currency_exposure"
    STRESS_LOSS = "stress_loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit.

    ``scope`` names the member that is bounded (a ticker, a GICS sector, a currency code); None
    bounds every member on its own. For `STRESS_LOSS` it is a key of
    `finsvc.domain.scenarios.HISTORICAL_SCENARIOS`; for value at risk and expected shortfall it is
    None. ``unit`` is an ISO 4217 code, or ``%`` of the gross exposure of the book (the threshold
    is then already in percent: 20 means 20 %). ``confidence`` is a fraction inside (0, 1) and
    ``horizon_days`` a number of trading days; both are given for value at risk and expected
    shortfall and None otherwise.
    """

    name: str
    metric: LimitMetric
    scope: str | None
    threshold: Decimal
    unit: str
    confidence: Decimal | None = None
    horizon_days: int | None = None
