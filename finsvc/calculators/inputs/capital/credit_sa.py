"""Inputs and parameters of the standardised approach to credit risk."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from finsvc.calculators.inputs.capital.fields import (
    Fraction,
    NonNegative,
    RowId,
    refuse_repeated,
)
from finsvc.calculators.inputs.capital.irb import SmeSupporting
from finsvc.calculators.inputs.capital.rulebook import CapitalInput, Parameters


class CreditClass(StrEnum):
    """Exposure class; real estate classes are weighed by loan to value."""

    SOVEREIGN = "sovereign"
    PUBLIC = "public"
    DEVELOPMENT_BANK = "development_bank"
    BANK = "bank"
    BANK_SHORT_TERM = "bank_short_term"
    COVERED_BOND = "covered_bond"
    CORPORATE = "corporate"
    SPECIALISED = "specialised"
    RETAIL = "retail"
    SUBORDINATED = "subordinated"
    EQUITY = "equity"
    LAND = "land"
    DEFAULTED = "defaulted"
    OTHER = "other"
    RESIDENTIAL = "residential"
    RESIDENTIAL_INCOME = "residential_income"
    COMMERCIAL = "commercial"
    COMMERCIAL_INCOME = "commercial_income"


REAL_ESTATE = frozenset(
    {
        CreditClass.RESIDENTIAL,
        CreditClass.RESIDENTIAL_INCOME,
        CreditClass.COMMERCIAL,
        CreditClass.COMMERCIAL_INCOME,
    }
)
"""Classes weighed by loan to value."""


class LoanBand(Parameters):
    """Weight up to a loan to value; None is without limit, or the counterparty's weight."""

    loan_to_value: float | None
    weight: float | None


class RealEstate(Parameters):
    """Whole-loan bands, or a weight of the part up to a share of the property's value."""

    bands: tuple[LoanBand, ...]
    split_weight: float | None
    split_share: float | None


class CreditParameters(Parameters):
    """Risk weights by class and grade, conversion factors, multipliers; all fractions."""

    weights: Mapping[CreditClass, Mapping[str, float]]
    residential: RealEstate
    residential_income: RealEstate
    commercial: RealEstate
    commercial_income: RealEstate
    conversion: Mapping[str, float]
    mismatch_factor: float
    mismatch_cap: float
    sme_supporting: SmeSupporting | None


class CreditExposure(BaseModel):
    """One exposure, net of specific provisions.

    ``grade`` is a rating band (AAA_AA, A, BBB, BB, B, CCC, unrated) or the kind within the class
    that the rules list. Real estate needs ``loan_to_value`` and, where the rules fall back on it,
    ``counterparty_weight``. ``conversion`` names the off-balance sheet factor, drawn by default.
    ``is_mismatched`` marks unhedged retail loans in another currency than the borrower's income.
    ``covered_fraction`` is protected and takes ``covered_weight``. ``sme_owed_total`` brings the
    supporting factor where rules know one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    asset_class: CreditClass
    grade: str = ""
    amount: NonNegative
    conversion: str = "drawn"
    loan_to_value: NonNegative | None = None
    counterparty_weight: NonNegative | None = None
    is_mismatched: bool = False
    covered_fraction: Fraction | None = None
    covered_weight: NonNegative | None = None
    sme_owed_total: NonNegative | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.asset_class in REAL_ESTATE) != (self.loan_to_value is not None):
            raise ValueError("expected loan_to_value of real estate, and of no others")
        if (self.covered_fraction is None) != (self.covered_weight is None):
            raise ValueError("expected covered_fraction and covered_weight together")
        return self


class CreditInput(CapitalInput):
    """Inputs of the standardised approach to credit risk."""

    exposures: tuple[CreditExposure, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated("exposures", self.exposures)
        return self
