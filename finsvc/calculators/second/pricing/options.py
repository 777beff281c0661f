"""Second methods of the option calculators: QuantLib's engines, differentiated by differences."""

import math

from finsvc.calculators.inputs.pricing.options import (
    AmericanOptionInput,
    BarrierKind,
    BarrierOptionInput,
    BarrierPayoff,
    DigitalOptionInput,
    DigitalPayoff,
    DigitalStyle,
    EuropeanOptionInput,
    LookbackKind,
    LookbackOptionInput,
    OptionModel,
)
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.pricing import certain
from finsvc.calculators.second.pricing.bumps import Bumped, quotes_of
from finsvc.calculators.second.pricing.engines import ON, Priced, Setting
from finsvc.calculators.second.pricing.figures import (
    ANALYTIC_NOISE,
    certain_figures,
    confirm_figures,
    exact_figures,
    figures_of,
    is_certain,
)
from finsvc.calculators.second.quantlib_adapter import quantlib
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionType
from finsvc.domain.results import SecondOpinion

# Noise of the library's American engine and its error, as fractions of the spot; that error is
# smooth and moves a sensitivity by a fraction of itself.
_AMERICAN_NOISE = 1e-10
_AMERICAN_ERROR = 1e-7
_AMERICAN_SLOPE_ERROR = 1e-4
_SLOPE_FLOOR = 1e-4
_WINDOW_ROUNDING = 1e-4


def confirm_european(inputs: EuropeanOptionInput, market: MarketView) -> SecondOpinion:
    """Price and Greeks by QuantLib's calculators of the Black and Bachelier formulas."""
    if is_certain(inputs) or inputs.strike == 0:
        return opinion("limit of the payoff", _certain_european(inputs))
    spot, years = float(inputs.spot), inputs.time
    rate, dividend_yield = float(inputs.rate), float(inputs.dividend_yield)
    deviation = float(inputs.volatility) * math.sqrt(years)
    discount = math.exp(-rate * years)
    with quantlib(ON) as ql:
        is_call = inputs.option_type is OptionType.CALL
        payoff = ql.PlainVanillaPayoff(
            ql.Option.Call if is_call else ql.Option.Put, float(inputs.strike)
        )
        if inputs.model is OptionModel.BLACK_SCHOLES_MERTON:
            forward = spot * math.exp((rate - dividend_yield) * years)
            black = ql.BlackCalculator(payoff, forward, deviation, discount)
            values = {
                "delta": black.delta(spot),
                "gamma": black.gamma(spot),
                "rho": black.rho(years) / 100.0,
                "dividend_rho": black.dividendRho(years) / 100.0,
            }
        else:
            is_normal = inputs.model is OptionModel.BACHELIER
            calculator = ql.BachelierCalculator if is_normal else ql.BlackCalculator
            black = calculator(payoff, spot, deviation, discount)
            values = {
                "delta": black.deltaForward(),
                "gamma": black.gammaForward(),
                "rho": -years * black.value() / 100.0,
            }
        values["price"] = black.value()
        values["vega"] = black.vega(years) / 100.0
        # The rule of the differential equation: carry, discounting and convexity add to nothing.
        growth = rate - dividend_yield if "dividend_rho" in values else 0.0
        level = 1.0 if inputs.model is OptionModel.BACHELIER else spot
        convexity = 0.5 * (float(inputs.volatility) * level) ** 2 * values["gamma"]
        theta = rate * values["price"] - growth * spot * values["delta"] - convexity
    return opinion("QuantLib calculators", {**values, "theta": theta / 365.0})


def _certain_european(inputs: EuropeanOptionInput) -> dict[str, float]:
    """A forward if it ends in the money, else nothing; half of it exactly at the strike."""
    spot, strike, years = float(inputs.spot), float(inputs.strike), inputs.time
    rate = float(inputs.rate)
    is_black_scholes = inputs.model is OptionModel.BLACK_SCHOLES_MERTON
    dividend_yield = float(inputs.dividend_yield) if is_black_scholes else rate
    sign = 1.0 if inputs.option_type is OptionType.CALL else -1.0
    carried = spot * math.exp(-dividend_yield * years)
    paid = strike * math.exp(-rate * years)
    gain = sign * (carried - paid)
    held = 0.5 if gain == 0.0 else float(gain > 0.0)
    values = {
        "price": max(gain, 0.0),
        "delta": sign * held * carried / spot if spot else sign * held * math.exp(-rate * years),
        "gamma": 0.0,
        "vega": 0.0,
        "theta": sign * held * (dividend_yield * carried - rate * paid) / 365.0,
        "rho": sign * held * years * paid / 100.0,
    }
    if is_black_scholes:
        return {**values, "dividend_rho": -sign * held * years * carried / 100.0}
    return {**values, "rho": -years * values["price"] / 100.0}


def confirm_american(inputs: AmericanOptionInput, market: MarketView) -> SecondOpinion:
    """QuantLib's engine of the same authors' method, by another implementation."""
    if is_certain(inputs) or 0 in (inputs.spot, inputs.strike):
        return certain_figures(certain.american(inputs))

    def build(setting: Setting) -> tuple[Priced, object]:
        ql = setting.ql
        payoff = ql.PlainVanillaPayoff(setting.kind(inputs.option_type), float(inputs.strike))
        option = ql.VanillaOption(payoff, setting.american(pays_at_expiry=False))
        scheme = ql.QdFpAmericanEngine.highPrecisionScheme()
        return option, ql.QdFpAmericanEngine(setting.process, scheme)

    found = figures_of(inputs, build, noise=_AMERICAN_NOISE)
    spot = float(inputs.spot)
    errors = {
        name: error + _AMERICAN_SLOPE_ERROR * (abs(found.values[name]) + _SLOPE_FLOOR * spot)
        for name, error in found.errors.items()
    }
    errors["price"] += _AMERICAN_ERROR * spot
    return confirm_figures(
        "QuantLib QdFpAmericanEngine", Bumped(values=found.values, errors=errors)
    )


def confirm_digital(inputs: DigitalOptionInput, market: MarketView) -> SecondOpinion:
    """QuantLib's European and American digital engines."""
    if is_certain(inputs):
        return certain_figures(certain.digital(inputs))
    is_down = inputs.option_type is OptionType.PUT
    is_touched = inputs.spot <= inputs.strike if is_down else inputs.spot >= inputs.strike
    room = None
    if inputs.style is not DigitalStyle.EUROPEAN:
        if is_touched:
            return exact_figures("payoff after the touch", _after_touch(inputs))
        room = abs(float(inputs.spot - inputs.strike))

    def build(setting: Setting) -> tuple[Priced, object]:
        payoff = _digital_payoff(setting, inputs)
        if inputs.style is DigitalStyle.EUROPEAN:
            engine = setting.ql.AnalyticEuropeanEngine(setting.process)
            return setting.ql.VanillaOption(payoff, setting.european), engine
        exercise = setting.american(pays_at_expiry=inputs.style is not DigitalStyle.AT_HIT)
        is_out = inputs.style is DigitalStyle.NO_TOUCH
        name = "AnalyticDigitalAmericanKOEngine" if is_out else "AnalyticDigitalAmericanEngine"
        engine = getattr(setting.ql, name)(setting.process)
        return setting.ql.VanillaOption(payoff, exercise), engine

    noise = ANALYTIC_NOISE * max(1.0, float(inputs.cash / inputs.spot))
    return confirm_figures(
        "QuantLib digital engines", figures_of(inputs, build, noise=noise, room=room)
    )


def _digital_payoff(setting: Setting, inputs: DigitalOptionInput) -> object:
    kind, strike = setting.kind(inputs.option_type), float(inputs.strike)
    if inputs.payoff is DigitalPayoff.CASH:
        return setting.ql.CashOrNothingPayoff(kind, strike, float(inputs.cash))
    if inputs.payoff is DigitalPayoff.ASSET:
        return setting.ql.AssetOrNothingPayoff(kind, strike)
    return setting.ql.GapPayoff(kind, strike, float(inputs.cash))


def _after_touch(inputs: DigitalOptionInput) -> dict[str, float]:
    """A touched option is cash or the asset, now or at expiry, or nothing."""
    names = ("price", "delta", "gamma", "vega", "theta", "rho", "dividend_rho")
    values = dict.fromkeys(names, 0.0)
    if inputs.style is DigitalStyle.NO_TOUCH:
        return values
    years = 0.0 if inputs.style is DigitalStyle.AT_HIT else inputs.time
    is_cash = inputs.payoff is DigitalPayoff.CASH
    pace = float(inputs.rate if is_cash else inputs.dividend_yield)
    factor = math.exp(-pace * years)
    price = float(inputs.cash if is_cash else inputs.spot) * factor
    values["price"] = price
    values["delta"] = 0.0 if is_cash else factor
    if years:
        values["theta"] = pace * price / 365.0
        values["rho" if is_cash else "dividend_rho"] = -years * price / 100.0
    return values


_BARRIERS = {
    BarrierKind.DOWN_IN: "DownIn",
    BarrierKind.UP_IN: "UpIn",
    BarrierKind.DOWN_OUT: "DownOut",
    BarrierKind.UP_OUT: "UpOut",
}


def confirm_barrier(inputs: BarrierOptionInput, market: MarketView) -> SecondOpinion:
    """QuantLib's barrier engines; after the touch its European ones."""
    if is_certain(inputs):
        return certain_figures(certain.barrier(inputs))
    is_down = inputs.barrier_kind in {BarrierKind.DOWN_IN, BarrierKind.DOWN_OUT}
    is_out = inputs.barrier_kind in {BarrierKind.DOWN_OUT, BarrierKind.UP_OUT}
    is_touched = inputs.spot <= inputs.barrier if is_down else inputs.spot >= inputs.barrier
    if is_touched and is_out:
        names = ("delta", "gamma", "vega", "theta", "rho", "dividend_rho")
        dead = {"price": float(inputs.rebate), **dict.fromkeys(names, 0.0)}
        return exact_figures("rebate after the touch", dead)

    def build(setting: Setting) -> tuple[Priced, object]:
        ql, payoff = setting.ql, _barrier_payoff(setting, inputs)
        if is_touched:
            engine = ql.AnalyticEuropeanEngine(setting.process)
            return ql.VanillaOption(payoff, setting.european), engine
        kind = getattr(ql.Barrier, _BARRIERS[inputs.barrier_kind])
        terms = (kind, float(inputs.barrier), float(inputs.rebate), payoff)
        if inputs.payoff is BarrierPayoff.VANILLA:
            engine = ql.AnalyticBarrierEngine(setting.process)
            return ql.BarrierOption(*terms, setting.european), engine
        exercise = setting.american(pays_at_expiry=True)
        return ql.BarrierOption(*terms, exercise), ql.AnalyticBinaryBarrierEngine(setting.process)

    room = None if is_touched else abs(float(inputs.spot - inputs.barrier))
    noise = ANALYTIC_NOISE * max(1.0, float((inputs.cash + inputs.rebate) / inputs.spot))
    return confirm_figures(
        "QuantLib barrier engines", figures_of(inputs, build, noise=noise, room=room)
    )


def _barrier_payoff(setting: Setting, inputs: BarrierOptionInput) -> object:
    kind, strike = setting.kind(inputs.option_type), float(inputs.strike)
    if inputs.payoff is BarrierPayoff.VANILLA:
        return setting.ql.PlainVanillaPayoff(kind, strike)
    if inputs.payoff is BarrierPayoff.CASH:
        return setting.ql.CashOrNothingPayoff(kind, strike, float(inputs.cash))
    return setting.ql.AssetOrNothingPayoff(kind, strike)


def confirm_lookback(inputs: LookbackOptionInput, market: MarketView) -> SecondOpinion:
    """QuantLib's lookback engines."""
    if is_certain(inputs):
        return certain_figures(certain.lookback(inputs))
    window = None if inputs.window_years is None else float(inputs.window_years)
    extreme = float(inputs.extreme or inputs.spot)

    def build(setting: Setting) -> tuple[Priced, object]:
        ql = setting.ql
        kind = setting.kind(inputs.option_type)
        if inputs.kind is LookbackKind.FLOATING:
            payoff = ql.FloatingTypePayoff(kind)
            if window is None:
                option = ql.ContinuousFloatingLookbackOption(extreme, payoff, setting.european)
            else:
                option = ql.ContinuousPartialFloatingLookbackOption(
                    extreme,
                    float(inputs.fraction),
                    setting.day(window),
                    payoff,
                    setting.european,
                )
        else:
            payoff = ql.PlainVanillaPayoff(kind, float(inputs.strike or 0))
            if window is None:
                option = ql.ContinuousFixedLookbackOption(extreme, payoff, setting.european)
            else:
                option = ql.ContinuousPartialFixedLookbackOption(
                    setting.day(window), payoff, setting.european
                )
        shape = ("Partial" if window is not None else "") + inputs.kind.value.title()
        return option, getattr(ql, f"AnalyticContinuous{shape}LookbackEngine")(setting.process)

    found = figures_of(inputs, build, room=_lookback_room(inputs))
    return confirm_figures("QuantLib lookback engines", _window_theta(inputs, found))


def _lookback_room(inputs: LookbackOptionInput) -> float | None:
    """How far the spot may move without passing the extreme."""
    if inputs.extreme is None or inputs.extreme == inputs.spot:
        return None
    return abs(float(inputs.spot - inputs.extreme))


def _window_theta(inputs: LookbackOptionInput, bumped: Bumped) -> Bumped:
    """Theta of a windowed option by the differential equation, and the rounding of its window.

    A difference in time would be too coarse: the window moves in whole days.
    """
    if inputs.window_years is None:
        return bumped
    at, values = quotes_of(inputs), bumped.values
    drift = (at.rate - at.dividend_yield) * at.spot * values["delta"]
    scale = 0.5 * (at.volatility * at.spot) ** 2
    theta = at.rate * values["price"] - drift - scale * values["gamma"]
    errors = {**bumped.errors, "theta": scale * bumped.errors["gamma"] / 365.0}
    return Bumped(
        values={**values, "theta": theta / 365.0},
        errors={
            name: error + _WINDOW_ROUNDING * abs(values[name]) for name, error in errors.items()
        },
    )
