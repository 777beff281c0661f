"""Inputs and parameters of the liquidity ratios."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from finsvc.calculators.inputs.base import NumberText
from finsvc.calculators.inputs.capital.fields import NonNegative, RowId, refuse_repeated
from finsvc.calculators.inputs.capital.rulebook import CapitalInput, Parameters


class LcrParameters(Parameters):
    """Haircuts, run-off and inflow rates by category, caps as fractions.

    ``covered_cap`` bounds covered bonds of level 1 and level 2 together where the rules do.
    """

    haircuts: Mapping[str, float]
    outflow_rates: Mapping[str, float]
    inflow_rates: Mapping[str, float]
    covered_cap: float | None
    level2_cap: float
    level2b_cap: float
    inflow_cap: float
    minimum: float


class NsfrParameters(Parameters):
    """Factors of available and required stable funding by category."""

    available: Mapping[str, float]
    required: Mapping[str, float]
    minimum: float


class LiquidityRow(BaseModel):
    """An amount in a category of the rules; positive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    category: str
    amount: NonNegative


class Unwind(BaseModel):
    """Change of assets after haircuts when secured transactions within 30 days unwind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level1: NumberText = Decimal(0)
    level1_covered: NumberText = Decimal(0)
    level2a: NumberText = Decimal(0)
    level2b: NumberText = Decimal(0)


class LcrInput(CapitalInput):
    """Inputs of the liquidity coverage ratio: market values before haircuts, balances of flows."""

    assets: tuple[LiquidityRow, ...]
    outflows: tuple[LiquidityRow, ...]
    inflows: tuple[LiquidityRow, ...] = ()
    unwind: Unwind = Unwind()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated("assets", self.assets)
        refuse_repeated("outflows", self.outflows)
        refuse_repeated("inflows", self.inflows)
        return self


class NsfrInput(CapitalInput):
    """Inputs of the net stable funding ratio: carrying values by category."""

    available: tuple[LiquidityRow, ...]
    required: tuple[LiquidityRow, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated("available", self.available)
        refuse_repeated("required", self.required)
        return self
