"""Inputs of the option calculators.

All options are on one underlying whose price follows a lognormal process with constant rate,
yield and volatility, unless a calculator names another model. For futures the yield equals the
rate; for currencies it is the foreign rate. Monitoring is continuous unless dates are given.
"""

from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import DateText, NumberText
from finsvc.calculators.inputs.pricing.base import (
    Amount,
    Price,
    PricingInput,
    Rate,
    Volatility,
    Years,
)
from finsvc.domain.positions import OptionType


class OptionDayCount(StrEnum):
    """How days to expiry become years."""

    ACTUAL_365 = "actual_365_fixed"
    ACTUAL_360 = "actual_360"


_DAYS_PER_YEAR = {OptionDayCount.ACTUAL_365: Decimal(365), OptionDayCount.ACTUAL_360: Decimal(360)}


class OptionModel(StrEnum):
    """Dynamics of the underlying.

    ``BLACK_SCHOLES_MERTON`` takes the spot; ``BLACK_76`` takes the forward as ``spot`` and no
    yield; ``BACHELIER`` takes the forward and an absolute (normal) volatility in currency units.
    """

    BLACK_SCHOLES_MERTON = "black_scholes_merton"
    BLACK_76 = "black_76"
    BACHELIER = "bachelier"


class ExoticInput(PricingInput):
    """Market data and time that options share; exactly one of ``expiry`` and ``years``."""

    spot: Price
    rate: Rate
    dividend_yield: Rate = Decimal(0)
    volatility: Volatility
    expiry: DateText | None = None
    years: Years | None = None
    day_count: OptionDayCount = OptionDayCount.ACTUAL_365

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if (self.expiry is None) == (self.years is None):
            raise ValueError("expected exactly one of expiry and years")
        if self.expiry is not None and self.expiry < self.as_of:
            raise ValueError("expected an expiry on or after as_of")
        return self

    @property
    def time(self) -> float:
        """Years to expiry."""
        if self.expiry is None:
            return float(self.years or 0)
        days = (self.expiry - self.as_of).days
        return float(Decimal(days) / _DAYS_PER_YEAR[self.day_count])


class EuropeanOptionInput(ExoticInput):
    """Inputs of a European option; ``spot`` may be any number under Bachelier."""

    option_type: OptionType
    spot: Annotated[NumberText, Field(ge=-(10**12), le=10**12)]
    strike: Annotated[NumberText, Field(ge=-(10**12), le=10**12)]
    volatility: Annotated[NumberText, Field(ge=0, le=10**6)]
    model: OptionModel = OptionModel.BLACK_SCHOLES_MERTON

    @model_validator(mode="after")
    def _of_the_model(self) -> Self:
        if self.model is not OptionModel.BLACK_SCHOLES_MERTON and self.dividend_yield != 0:
            raise ValueError("expected no dividend_yield where the forward is given")
        if self.model is OptionModel.BACHELIER:
            return self
        if self.spot <= 0 or self.strike < 0 or self.volatility > 100:
            raise ValueError("expected spot > 0, strike >= 0 and volatility <= 100")
        return self


class AmericanOptionInput(ExoticInput):
    """Inputs of an American option; a spot or strike of zero leaves nothing uncertain."""

    option_type: OptionType
    spot: Amount
    strike: Amount


class DigitalStyle(StrEnum):
    """When a digital option pays.

    ``EUROPEAN`` looks at expiry alone. ``AT_HIT`` pays when the strike is first touched and
    ``AT_EXPIRY`` at expiry if it was; ``NO_TOUCH`` pays at expiry if it never was.
    """

    EUROPEAN = "european"
    AT_HIT = "at_hit"
    AT_EXPIRY = "at_expiry"
    NO_TOUCH = "no_touch"


class DigitalPayoff(StrEnum):
    """What a digital option pays: cash, the asset, or (European) the asset less a payment."""

    CASH = "cash"
    ASSET = "asset"
    GAP = "gap"


class DigitalOptionInput(ExoticInput):
    """Inputs of a digital option.

    ``cash`` is the amount of a cash payoff and the strike of payment of a gap option. Touch
    options are calls when the strike is touched from below.
    """

    option_type: OptionType
    strike: Price
    style: DigitalStyle = DigitalStyle.EUROPEAN
    payoff: DigitalPayoff = DigitalPayoff.CASH
    cash: Amount = Decimal(1)

    @model_validator(mode="after")
    def _gap_is_european(self) -> Self:
        if self.payoff is DigitalPayoff.GAP and self.style is not DigitalStyle.EUROPEAN:
            raise ValueError("expected a European style for a gap payoff")
        return self


class BarrierKind(StrEnum):
    """Where one barrier lies and what it does."""

    DOWN_IN = "down_in"
    UP_IN = "up_in"
    DOWN_OUT = "down_out"
    UP_OUT = "up_out"


class BarrierPayoff(StrEnum):
    """What a barrier option pays at expiry: the option's payoff, or cash or the asset instead."""

    VANILLA = "vanilla"
    CASH = "cash"
    ASSET = "asset"


class BarrierOptionInput(ExoticInput):
    """Inputs of a European option with one continuously watched barrier.

    ``rebate`` is paid at the hit by a knock-out, at expiry by a knock-in that was never hit.
    ``cash`` is the amount of a cash payoff in the money.
    """

    option_type: OptionType
    strike: Price
    barrier_kind: BarrierKind
    barrier: Price
    rebate: Amount = Decimal(0)
    payoff: BarrierPayoff = BarrierPayoff.VANILLA
    cash: Amount = Decimal(1)

    @model_validator(mode="after")
    def _rebate_is_vanilla(self) -> Self:
        if self.rebate != 0 and self.payoff is not BarrierPayoff.VANILLA:
            raise ValueError("expected no rebate where the payoff is cash or the asset")
        return self


class DoubleBarrierKind(StrEnum):
    """What touching either of two barriers does."""

    KNOCK_IN = "knock_in"
    KNOCK_OUT = "knock_out"


class DoubleBarrierPayoff(StrEnum):
    """What a double barrier option pays at expiry: the option's payoff, or cash."""

    VANILLA = "vanilla"
    CASH = "cash"


class DoubleBarrierOptionInput(ExoticInput):
    """Inputs of a European claim with two continuously watched, flat barriers; no rebate.

    ``option_type`` and ``strike`` belong to vanilla payoffs; ``cash`` to cash payoffs.
    """

    option_type: OptionType | None = None
    strike: Price | None = None
    barrier_kind: DoubleBarrierKind
    barrier_low: Price
    barrier_high: Price
    payoff: DoubleBarrierPayoff = DoubleBarrierPayoff.VANILLA
    cash: Amount = Decimal(1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.barrier_low >= self.barrier_high:
            raise ValueError("expected barrier_low below barrier_high")
        is_vanilla = self.payoff is DoubleBarrierPayoff.VANILLA
        if (self.strike is not None, self.option_type is not None) != (is_vanilla, is_vanilla):
            raise ValueError("expected option_type and strike for a vanilla payoff and only there")
        return self


class LookbackKind(StrEnum):
    """Floating strike (against the extreme) or fixed strike (on the extreme)."""

    FLOATING = "floating"
    FIXED = "fixed"


class LookbackOptionInput(ExoticInput):
    """Inputs of a lookback option, continuously watched.

    ``extreme`` is the minimum so far for floating calls and fixed puts, the maximum for floating
    puts and fixed calls; left out, it is the spot. ``strike`` belongs to fixed ones. Partial
    lookbacks: a floating one watches until ``window_years`` from now, with strike ``fraction``
    times the extreme; a fixed one watches from ``window_years`` on.
    """

    option_type: OptionType
    kind: LookbackKind
    strike: Price | None = None
    extreme: Price | None = None
    window_years: Years | None = None
    fraction: Annotated[NumberText, Field(gt=0, le=10)] = Decimal(1)

    @model_validator(mode="after")
    def _fits_the_kind(self) -> Self:
        is_fixed = self.kind is LookbackKind.FIXED
        if is_fixed != (self.strike is not None):
            raise ValueError("expected a strike for fixed lookbacks and none for floating ones")
        if self.extreme is not None and not self._is_extreme(self.extreme):
            raise ValueError("expected an extreme that the spot has not passed")
        if self.window_years is not None and float(self.window_years) > self.time:
            raise ValueError("expected window_years within the life of the option")
        is_partial_floating = not is_fixed and self.window_years is not None
        if self.fraction != 1 and not is_partial_floating:
            raise ValueError("expected a fraction for partial floating lookbacks only")
        if is_fixed and self.window_years is not None and self.extreme is not None:
            raise ValueError("expected no extreme before the window of a partial fixed lookback")
        return self

    @property
    def looks_at_minimum(self) -> bool:
        """Whether the extreme is the minimum."""
        return (self.kind is LookbackKind.FLOATING) == (self.option_type is OptionType.CALL)

    def _is_extreme(self, extreme: Decimal) -> bool:
        return extreme <= self.spot if self.looks_at_minimum else extreme >= self.spot


class Averaging(StrEnum):
    """Kind of mean."""

    ARITHMETIC = "arithmetic"
    GEOMETRIC = "geometric"


class AsianKind(StrEnum):
    """Whether the average stands for the price or for the strike."""

    AVERAGE_PRICE = "average_price"
    AVERAGE_STRIKE = "average_strike"


class AsianOptionInput(ExoticInput):
    """Inputs of an Asian option.

    The average is over ``fixing_years`` (years from now, ascending, at most the life; 0 is a
    fixing at the spot), or over continuous time from now when none are given (geometric only).
    ``past_fixings`` fixings with mean ``past_average`` count as well.
    """

    option_type: OptionType
    strike: Price | None = None
    averaging: Averaging
    kind: AsianKind = AsianKind.AVERAGE_PRICE
    fixing_years: Annotated[tuple[Years, ...], Field(max_length=2000)] = ()
    past_fixings: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0
    past_average: Price | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        is_price = self.kind is AsianKind.AVERAGE_PRICE
        if is_price != (self.strike is not None):
            raise ValueError("expected a strike for average-price options and none otherwise")
        if (self.past_fixings > 0) != (self.past_average is not None):
            raise ValueError("expected past_average exactly when there are past_fixings")
        times = self.fixing_years
        if any(late <= early for early, late in pairwise(times)):
            raise ValueError("expected fixing_years in ascending order")
        if times and float(times[-1]) > self.time:
            raise ValueError("expected fixing_years within the life of the option")
        is_geometric_price = self.averaging is Averaging.GEOMETRIC and is_price
        if not times and (self.past_fixings or not is_geometric_price):
            raise ValueError("expected fixing_years unless the average is geometric from now on")
        if self.kind is AsianKind.AVERAGE_STRIKE and self.past_fixings:
            raise ValueError("expected no past fixings for an average strike")
        return self
