"""Inputs and parameters of the internal ratings-based approach."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from finsvc.calculators.inputs.base import NumberText
from finsvc.calculators.inputs.capital.fields import (
    Fraction,
    NonNegative,
    RowId,
    refuse_repeated,
)
from finsvc.calculators.inputs.capital.rulebook import CapitalInput, Parameters


class IrbClass(StrEnum):
    """Asset class with a risk-weight function of its own."""

    CORPORATE = "corporate"
    BANK = "bank"
    SOVEREIGN = "sovereign"
    RESIDENTIAL_MORTGAGE = "residential_mortgage"
    QUALIFYING_REVOLVING = "qualifying_revolving"
    OTHER_RETAIL = "other_retail"


WHOLESALE = frozenset({IrbClass.CORPORATE, IrbClass.BANK, IrbClass.SOVEREIGN})
"""Classes with a maturity adjustment."""


class Security(StrEnum):
    """What secures an exposure, for the floor of its loss given default."""

    UNSECURED = "unsecured"
    FINANCIAL = "financial"
    RECEIVABLES = "receivables"
    REAL_ESTATE = "real_estate"
    OTHER_PHYSICAL = "other_physical"


class SmeSupporting(Parameters):
    """Factors on the weighted amount of exposures to small firms, by the amount owed."""

    threshold: float
    factor_below: float
    factor_above: float


class IrbParameters(Parameters):
    """Parameters of the internal ratings-based approach; floors are fractions.

    ``pd_floor_revolver`` replaces the floor of qualifying revolving exposures that are not
    transactors; sales are in millions of the currency that the rules name.
    """

    scaling_factor: float
    pd_floor: Mapping[IrbClass, float]
    pd_floor_revolver: float
    lgd_floor: Mapping[IrbClass, Mapping[Security, float]]
    sme_sales_upper_millions: float
    sme_sales_lower_millions: float
    large_financial_multiplier: float
    sme_supporting: SmeSupporting | None


class IrbExposure(BaseModel):
    """One exposure or homogeneous pool.

    ``maturity_years`` counts for corporates, banks and sovereigns alone (retail functions have
    none) and lies between one and five years after its bounds; 2.5 is the foundation approach.
    ``annual_sales_millions`` brings the firm-size adjustment of corporates. ``secured_by`` brings
    the floor of the loss given default (own estimates); left out, no floor applies (supervisory
    estimates). ``el_best_estimate`` is the best estimate of expected loss of an exposure in
    default (probability 1); left out, it equals the loss given default. ``sme_owed_total`` is
    what a small firm owes in all, where the rules know a supporting factor.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    asset_class: IrbClass
    pd: Fraction
    lgd: Fraction
    ead: NonNegative
    maturity_years: Annotated[NumberText, Field(ge=0, le=100)] = Decimal("2.5")
    annual_sales_millions: NonNegative | None = None
    is_large_financial: bool = False
    is_transactor: bool | None = None
    secured_by: Security | None = None
    el_best_estimate: Fraction | None = None
    sme_owed_total: NonNegative | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.asset_class is IrbClass.QUALIFYING_REVOLVING and self.is_transactor is None:
            raise ValueError("expected is_transactor of a qualifying revolving exposure")
        if self.annual_sales_millions is not None and self.asset_class is not IrbClass.CORPORATE:
            raise ValueError("expected annual_sales_millions of corporates alone")
        if self.is_large_financial and self.asset_class not in WHOLESALE:
            raise ValueError("expected is_large_financial of corporates and banks alone")
        if self.el_best_estimate is not None and self.pd != 1:
            raise ValueError("expected el_best_estimate of exposures in default alone")
        return self


class IrbInput(CapitalInput):
    """Inputs of the internal ratings-based approach."""

    exposures: tuple[IrbExposure, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated("exposures", self.exposures)
        return self
