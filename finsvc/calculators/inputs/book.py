"""Inputs of exposure, positions, limit checks and large exposures."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from finsvc.calculators.inputs.base import CalculatorInput, DecimalText
from finsvc.calculators.inputs.portfolio import PortfolioCalculation
from finsvc.domain.limits import Limit, LimitMetric
from finsvc.domain.scenarios import HISTORICAL_SCENARIOS


class ExposureKey(StrEnum):
    """What exposures are grouped by."""

    CURRENCY = "currency"
    SECTOR = "sector"
    INSTRUMENT = "instrument"


class ExposureInput(PortfolioCalculation):
    """Inputs of an exposure table."""

    by: ExposureKey = ExposureKey.CURRENCY


class PositionsInput(PortfolioCalculation):
    """Inputs of the list of positions."""


class LargeExposuresInput(PortfolioCalculation):
    """Inputs of large exposures; ``threshold`` is a fraction of the value of the book."""

    threshold: Annotated[DecimalText, Field(ge=0, lt=1000)] = Decimal("0.1")


LimitName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_:-]{0,79}$")]
"""Name of a limit; it becomes the name of a row."""

_TAIL_METRICS = frozenset({LimitMetric.VALUE_AT_RISK, LimitMetric.EXPECTED_SHORTFALL})


class LimitInput(CalculatorInput):
    """One limit, as `finsvc.domain.limits.Limit` defines it."""

    name: LimitName
    metric: LimitMetric
    scope: str | None = None
    threshold: Annotated[DecimalText, Field(gt=0)]
    unit: Annotated[str, StringConstraints(pattern=r"^([A-Z]{3}|%)$")]
    confidence: Annotated[DecimalText, Field(gt=0, lt=1)] | None = None
    horizon_days: Annotated[int, Field(strict=True, ge=1, le=250)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        is_tail = self.metric in _TAIL_METRICS
        if (self.confidence is not None, self.horizon_days is not None) != (is_tail, is_tail):
            raise ValueError(
                "expected confidence and horizon_days for value at risk and expected shortfall, "
                "and neither for other metrics"
            )
        if is_tail and self.scope is not None:
            raise ValueError("expected no scope for value at risk and expected shortfall")
        if self.metric is LimitMetric.STRESS_LOSS and self.scope not in HISTORICAL_SCENARIOS:
            known = ", ".join(HISTORICAL_SCENARIOS)
            raise ValueError(f"expected a known historical scenario as scope ({known})")
        return self

    @classmethod
    def from_domain(cls, limit: Limit) -> Self:
        """Build the input form of a limit."""
        return cls(
            name=limit.name,
            metric=limit.metric,
            scope=limit.scope,
            threshold=limit.threshold,
            unit=limit.unit,
            confidence=limit.confidence,
            horizon_days=limit.horizon_days,
        )

    def to_domain(self) -> Limit:
        """Return the domain limit."""
        return Limit(
            name=self.name,
            metric=self.metric,
            scope=self.scope,
            threshold=self.threshold,
            unit=self.unit,
            confidence=self.confidence,
            horizon_days=self.horizon_days,
        )


class LimitCheckInput(PortfolioCalculation):
    """Inputs of a limit check; value at risk is historical over ``window_days`` returns."""

    limits: Annotated[tuple[LimitInput, ...], Field(min_length=1, max_length=1000)]
    window_days: Annotated[int, Field(strict=True, ge=2, le=5000)] = 750

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [limit.name for limit in self.limits]
        if len(set(names)) != len(names):
            raise ValueError("expected every limit to have a name of its own")
        return self
