"""Inputs of the FRTB standardised approach: sensitivities, defaults, residual risk."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from finsvc.calculators.inputs.base import NumberText
from finsvc.calculators.inputs.capital.fields import (
    Fraction,
    NonNegative,
    Positive,
    RowId,
    refuse_repeated,
)
from finsvc.calculators.inputs.capital.rulebook import CapitalInput

Bucket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,12}$")]
"""Number of a bucket, or the currency (pair) that forms one."""


class RiskClass(StrEnum):
    """Risk class of the sensitivities-based method."""

    GIRR = "girr"
    CSR_NONSEC = "csr_nonsec"
    CSR_SEC_CTP = "csr_sec_ctp"
    CSR_SEC_NONCTP = "csr_sec_nonctp"
    EQUITY = "equity"
    COMMODITY = "commodity"
    FX = "fx"


class Measure(StrEnum):
    """What a sensitivity measures."""

    DELTA = "delta"
    VEGA = "vega"


class Sensitivity(BaseModel):
    """One delta or vega sensitivity in the reporting currency.

    ``amount`` is the change of value for one unit of the shock as the rules define it (one percent
    moves multiplied out); a gain from a rise is positive. ``name`` is the curve, issuer, tranche
    or commodity. ``kind`` is yield, inflation or cross_currency of rates (default yield), bond or
    cds of credit, spot or repo of equity, the delivery location of commodities. ``tenor_years``
    is the tenor of the factor (rates, credit, commodities) or, in vega of rates, the residual
    maturity of the underlying; ``option_tenor_years`` the maturity of the option in vega.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    risk_class: RiskClass
    measure: Measure = Measure.DELTA
    bucket: Bucket
    name: str = ""
    kind: str = ""
    tenor_years: NonNegative | None = None
    option_tenor_years: Positive | None = None
    amount: NumberText


class CurvatureFactor(BaseModel):
    """Curvature risk charges of one factor, net of delta; a loss is positive.

    ``up`` and ``down`` are the charges under the upward and the downward shock.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    risk_class: RiskClass
    bucket: Bucket
    name: str = ""
    up: NumberText
    down: NumberText


class DefaultPortfolio(StrEnum):
    """Portfolio of the default risk charge."""

    NONSEC = "nonsec"
    SEC_NONCTP = "sec_nonctp"
    SEC_CTP = "sec_ctp"


class DefaultPosition(BaseModel):
    """One position in the default risk charge.

    ``notional`` is the absolute face amount and ``pnl`` the gain so far (market value less
    notional with its sign); ``gross_jtd``, signed, replaces both and is required of
    securitisations. ``obligor`` is the issuer, tranche or index name within which positions net.
    ``risk_weight`` is required of securitisations; others are weighed by ``rating``.
    ``loss_given_default`` replaces the loss of the seniority. ``maturity_years`` scales positions
    other than securitisations, whose weights assume a year.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    portfolio: DefaultPortfolio = DefaultPortfolio.NONSEC
    bucket: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    obligor: str
    direction: Literal["long", "short"]
    rating: str | None = None
    seniority: Literal["equity", "non_senior", "senior", "covered"] = "senior"
    notional: NonNegative = Decimal(0)
    pnl: NumberText = Decimal(0)
    gross_jtd: NumberText | None = None
    loss_given_default: Fraction | None = None
    risk_weight: NonNegative | None = None
    maturity_years: NonNegative = Decimal(1)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.portfolio is DefaultPortfolio.NONSEC:
            if (self.rating is None) == (self.risk_weight is None):
                raise ValueError("expected either a rating or a risk_weight")
        elif self.risk_weight is None or self.gross_jtd is None:
            raise ValueError("expected risk_weight and gross_jtd of securitisations")
        if self.gross_jtd and (self.gross_jtd < 0) == (self.direction == "long"):
            raise ValueError("expected gross_jtd of the sign of the direction")
        return self


class ResidualPosition(BaseModel):
    """An instrument with residual risk; ``notional`` is gross."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RowId
    kind: Literal["exotic", "other"]
    notional: NonNegative


class FrtbInput(CapitalInput):
    """Inputs of the FRTB standardised approach."""

    sensitivities: tuple[Sensitivity, ...] = Field(default=())
    curvature: tuple[CurvatureFactor, ...] = Field(default=())
    default_positions: tuple[DefaultPosition, ...] = Field(default=())
    residual_positions: tuple[ResidualPosition, ...] = Field(default=())

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated("sensitivities", self.sensitivities)
        refuse_repeated("curvature", self.curvature)
        refuse_repeated("default_positions", self.default_positions)
        refuse_repeated("residual_positions", self.residual_positions)
        return self
