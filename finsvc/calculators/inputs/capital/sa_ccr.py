"""Inputs and parameters of the standardised approach to counterparty credit risk."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from finsvc.calculators.inputs.base import NumberText
from finsvc.calculators.inputs.capital.fields import (
    Name,
    NonNegative,
    RowId,
    refuse_repeated,
)
from finsvc.calculators.inputs.capital.rulebook import CapitalInput, Parameters


class CcrClass(StrEnum):
    """Asset class of a trade's primary risk factor."""

    INTEREST_RATE = "interest_rate"
    FX = "fx"
    CREDIT_SINGLE = "credit_single"
    CREDIT_INDEX = "credit_index"
    EQUITY_SINGLE = "equity_single"
    EQUITY_INDEX = "equity_index"
    COMMODITY = "commodity"


class Counterparty(StrEnum):
    """Kind of counterparty, where the rules give it an alpha of its own."""

    FINANCIAL = "financial"
    NON_FINANCIAL = "non_financial"
    PENSION_SCHEME = "pension_scheme"


class CommodityKind(StrEnum):
    """Commodity group; electricity belongs to the energy hedging set with its own factor."""

    ELECTRICITY = "electricity"
    ENERGY = "energy"
    METALS = "metals"
    AGRICULTURAL = "agricultural"
    OTHER = "other"


class TransactionKind(StrEnum):
    """Basis and volatility transactions form hedging sets of their own."""

    STANDARD = "standard"
    BASIS = "basis"
    VOLATILITY = "volatility"


class CcrParameters(Parameters):
    """Supervisory parameters; factors, volatilities and correlations are fractions."""

    alpha: Mapping[Counterparty, float]
    multiplier_floor: float
    interest_rate_factor: float
    interest_rate_volatility: float
    adjacent_bucket_correlation: float
    distant_bucket_correlation: float
    fx_factor: float
    fx_volatility: float
    credit_single_factor: Mapping[str, float]
    credit_index_factor: Mapping[str, float]
    credit_single_correlation: float
    credit_index_correlation: float
    credit_single_volatility: float
    credit_index_volatility: float
    equity_single_factor: float
    equity_index_factor: float
    equity_single_correlation: float
    equity_index_correlation: float
    equity_single_volatility: float
    equity_index_volatility: float
    commodity_factor: Mapping[CommodityKind, float]
    commodity_volatility: Mapping[CommodityKind, float]
    commodity_correlation: float
    basis_multiplier: float
    volatility_multiplier: float
    business_days_of_year: int
    maturity_floor_days: int


class MarginTerms(BaseModel):
    """Terms of a margin agreement: threshold, minimum transfer, independent amount, period.

    ``independent_amount`` is the net independent collateral amount (positive when the bank holds
    it); ``risk_period_days`` the margin period of risk in business days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: NonNegative = Decimal(0)
    minimum_transfer: NonNegative = Decimal(0)
    independent_amount: NumberText = Decimal(0)
    risk_period_days: Annotated[int, Field(strict=True, ge=1, le=500)] = 10


class NettingSet(BaseModel):
    """One netting set; ``collateral`` is net, after haircuts, positive when the bank holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    collateral: NumberText = Decimal(0)
    margin: MarginTerms | None = None
    counterparty: Counterparty = Counterparty.FINANCIAL


class OptionTerms(BaseModel):
    """What the supervisory delta of an option needs.

    ``price`` and ``strike`` are of the underlying (a rate as a fraction); ``shift`` is added to
    both where rates may be negative; ``expiry_years`` runs to the latest exercise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    option_type: Literal["call", "put"]
    price: NumberText
    strike: NumberText
    expiry_years: NonNegative
    shift: NonNegative = Decimal(0)


class TrancheTerms(BaseModel):
    """Attachment and detachment of a tranche as fractions of the pool."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attachment: Annotated[NumberText, Field(ge=0, lt=1)]
    detachment: Annotated[NumberText, Field(gt=0, le=1)]


class CcrTrade(BaseModel):
    """One trade.

    ``notional`` is the trade notional of rates and credit, the notional of the foreign leg of
    currencies, price times units of equities and commodities, all in the reporting currency.
    ``market_value`` is positive when the counterparty owes the bank. ``direction`` is long when
    the value rises with the primary risk factor; for an option it is the position in the option
    (long bought, short sold). ``reference`` is the currency of rates, the pair of currencies, the
    entity or index of credit and equity, the commodity; of basis transactions the pair of factors.
    ``start_years`` and ``end_years`` bound the underlying of rates and credit; ``maturity_years``
    is the end of the contract. ``rating`` is that of credit names (AAA to CCC) or indices (IG, SG).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    netting_set: RowId
    asset_class: CcrClass
    reference: Name
    notional: NonNegative
    market_value: NumberText
    direction: Literal["long", "short"]
    maturity_years: NonNegative
    start_years: NonNegative = Decimal(0)
    end_years: NonNegative | None = None
    rating: str | None = None
    commodity: CommodityKind | None = None
    option: OptionTerms | None = None
    tranche: TrancheTerms | None = None
    transaction: TransactionKind = TransactionKind.STANDARD

    @model_validator(mode="after")
    def _complete(self) -> Self:
        is_credit = self.asset_class in {CcrClass.CREDIT_SINGLE, CcrClass.CREDIT_INDEX}
        has_duration = is_credit or self.asset_class is CcrClass.INTEREST_RATE
        if has_duration != (self.end_years is not None):
            raise ValueError("expected end_years of rates and credit, and of no others")
        if self.end_years is not None and self.end_years < self.start_years:
            raise ValueError("expected end_years of at least start_years")
        if is_credit != (self.rating is not None):
            raise ValueError("expected a rating of credit, and of no others")
        if (self.asset_class is CcrClass.COMMODITY) != (self.commodity is not None):
            raise ValueError("expected a commodity group of commodities, and of no others")
        if self.option is not None and self.tranche is not None:
            raise ValueError("expected an option or a tranche, not both")
        if self.tranche is not None and (
            not is_credit or self.tranche.attachment >= self.tranche.detachment
        ):
            raise ValueError("expected a tranche of credit that attaches below its detachment")
        return self


class CcrInput(CapitalInput):
    """Inputs of the standardised approach to counterparty credit risk."""

    netting_sets: tuple[NettingSet, ...]
    trades: tuple[CcrTrade, ...]

    @model_validator(mode="after")
    def _linked(self) -> Self:
        refuse_repeated("netting_sets", self.netting_sets)
        refuse_repeated("trades", self.trades)
        known = {entry.id for entry in self.netting_sets}
        for trade in self.trades:
            if trade.netting_set not in known:
                raise ValueError(f"expected a known netting set of trade {trade.id}")
        return self
