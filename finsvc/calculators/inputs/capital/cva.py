"""Inputs and parameters of the basic approach to credit valuation adjustment risk."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from finsvc.calculators.inputs.capital.fields import (
    Fraction,
    NonNegative,
    RowId,
    refuse_repeated,
)
from finsvc.calculators.inputs.capital.rulebook import CapitalInput, Parameters

Quality = Literal["investment_grade", "high_yield"]
"""Credit quality; not rated counts as high yield."""


class CvaParameters(Parameters):
    """Supervisory weights by sector and quality, correlations and scalars, all fractions."""

    weights: Mapping[str, Mapping[Quality, float]]
    alpha: float
    supervisory_correlation: float
    discount_scalar: float
    hedging_share: float
    discount_rate: float
    hedge_correlation: Mapping[str, float]
    index_factor: float


class CvaNettingSet(BaseModel):
    """A netting set; ``discount_factor`` is 1 for banks with the internal model of exposures.

    Left out, it is the supervisory one of the effective maturity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    counterparty: RowId
    sector: str
    quality: Quality
    ead: NonNegative
    maturity_years: NonNegative
    discount_factor: Fraction | None = None


class SingleNameHedge(BaseModel):
    """A single-name credit default swap that hedges a counterparty.

    ``relation`` is direct (same name), legal (a related entity) or sector_region.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    counterparty: RowId
    sector: str
    quality: Quality
    relation: Literal["direct", "legal", "sector_region"]
    notional: NonNegative
    maturity_years: NonNegative
    discount_factor: Fraction | None = None


class IndexHedge(BaseModel):
    """An index credit default swap; ``risk_weight`` is the average weight of its members."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    risk_weight: Fraction
    notional: NonNegative
    maturity_years: NonNegative
    discount_factor: Fraction | None = None


class CvaInput(CapitalInput):
    """Inputs of the basic approach; ``version`` full recognises hedges, reduced does not."""

    version: Literal["full", "reduced"]
    netting_sets: tuple[CvaNettingSet, ...]
    single_name_hedges: tuple[SingleNameHedge, ...] = ()
    index_hedges: tuple[IndexHedge, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeated("netting_sets", self.netting_sets)
        refuse_repeated("single_name_hedges", self.single_name_hedges)
        refuse_repeated("index_hedges", self.index_hedges)
        if self.version == "reduced" and (self.single_name_hedges or self.index_hedges):
            raise ValueError("expected no hedges in the reduced version")
        known = {entry.counterparty for entry in self.netting_sets}
        for hedge in self.single_name_hedges:
            if hedge.counterparty not in known:
                raise ValueError(f"expected a known counterparty of hedge {hedge.id}")
        return self
