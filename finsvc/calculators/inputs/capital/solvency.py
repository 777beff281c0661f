"""Inputs and parameters of the leverage ratio and of the capital ratios."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from finsvc.calculators.inputs.base import DateText, NumberText
from finsvc.calculators.inputs.capital.fields import (
    Fraction,
    NonNegative,
    Positive,
    RowId,
    refuse_repeated,
)
from finsvc.calculators.inputs.capital.rulebook import CapitalInput, Parameters


class LeverageParameters(Parameters):
    """Conversion factors, minimum, share of the systemic buffer, treatment of central banks."""

    conversion: Mapping[str, float]
    minimum: float
    systemic_share: float
    excludes_central_bank: bool


class OffBalance(BaseModel):
    """An off-balance sheet item; ``category`` names its conversion factor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    category: str
    notional: NonNegative


class LeverageInput(CapitalInput):
    """Inputs of the leverage ratio.

    ``on_balance`` excludes derivatives and securities financing; ``deductions`` are what tier 1
    already deducts. Derivatives enter as the replacement cost (net of eligible variation margin)
    and the add-on of SA-CCR, both before alpha, and written credit protection as its effective
    notional. Securities financing enters gross plus its counterparty add-on. Claims on central
    banks count in ``on_balance`` and leave where the rules exclude them.
    """

    tier1: NumberText
    on_balance: NonNegative
    deductions: NonNegative = Decimal(0)
    central_bank_claims: NonNegative = Decimal(0)
    derivatives_replacement_cost: NonNegative = Decimal(0)
    derivatives_add_on: NonNegative = Decimal(0)
    written_credit: NonNegative = Decimal(0)
    financing_gross: NonNegative = Decimal(0)
    financing_add_on: NonNegative = Decimal(0)
    off_balance: tuple[OffBalance, ...] = ()
    systemic_buffer: Fraction = Decimal(0)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated("off_balance", self.off_balance)
        return self


class FloorStep(Parameters):
    """Share of standardised assets from a day on."""

    effective_from: DateText
    fraction: float


class FloorCap(Parameters):
    """Largest increase by the floor, until a day, if the bank applies it."""

    effective_to: DateText
    fraction: float


class RatioParameters(Parameters):
    """Minimum ratios, buffers and the output floor; all fractions of risk-weighted assets."""

    common_equity: float
    tier1: float
    total: float
    conservation: float
    pillar2_equity_share: float
    pillar2_tier1_share: float
    largest_systemic_only: bool
    floor_increase_cap: FloorCap | None
    output_floor: tuple[FloorStep, ...]


class RatioInput(CapitalInput):
    """Inputs of the capital ratios.

    Capital is after deductions. ``rwa`` are the assets by risk as the bank's own approaches give
    them; ``rwa_standardised`` the total by standardised approaches alone, for the output floor
    (left out where no internal model is used). Buffers and ``pillar2`` are fractions of
    risk-weighted assets. ``systemic_risk`` adds to the larger of the two institution buffers.
    ``applies_floor_cap`` uses the transitional cap where the rules have one.
    """

    common_equity: NumberText
    additional_tier1: NonNegative = Decimal(0)
    tier2: NonNegative = Decimal(0)
    rwa: Mapping[RowId, NonNegative]
    rwa_standardised: Positive | None = None
    applies_floor_cap: bool = False
    pillar2: Fraction = Decimal(0)
    countercyclical: Fraction = Decimal(0)
    global_systemic: Fraction = Decimal(0)
    other_systemic: Fraction = Decimal(0)
    systemic_risk: Fraction = Decimal(0)
