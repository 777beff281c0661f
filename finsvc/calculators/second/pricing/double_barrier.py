"""Second method of double barrier options: QuantLib's engines and static parts."""

from finsvc.calculators.inputs.pricing.options import (
    DoubleBarrierKind,
    DoubleBarrierOptionInput,
    DoubleBarrierPayoff,
)
from finsvc.calculators.second.pricing import certain
from finsvc.calculators.second.pricing.engines import Build, Priced, Setting
from finsvc.calculators.second.pricing.figures import (
    ANALYTIC_NOISE,
    certain_figures,
    confirm_figures,
    exact_figures,
    figures_of,
    is_certain,
)
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionType
from finsvc.domain.results import SecondOpinion

# The library stops its series for cash when a term is below 1e-7 or so.
_BINARY_SERIES_NOISE = 1e-7
_SERIES = 10


def confirm_double_barrier(inputs: DoubleBarrierOptionInput, market: MarketView) -> SecondOpinion:
    """QuantLib's double barrier engines; outside the barriers its European ones."""
    if is_certain(inputs):
        return certain_figures(certain.double_barrier(inputs))
    is_out = inputs.barrier_kind is DoubleBarrierKind.KNOCK_OUT
    low, high, spot = float(inputs.barrier_low), float(inputs.barrier_high), float(inputs.spot)
    is_touched = not low < spot < high
    if is_touched and is_out:
        names = ("price", "delta", "gamma", "vega", "theta", "rho", "dividend_rho")
        return exact_figures("nothing after the touch", dict.fromkeys(names, 0.0))

    room = None if is_touched else min(spot - low, high - spot)
    noise = ANALYTIC_NOISE
    if inputs.payoff is DoubleBarrierPayoff.CASH:
        if not is_touched:
            noise = _BINARY_SERIES_NOISE * float(inputs.cash / inputs.spot)
        found = figures_of(inputs, _double_cash(inputs, is_touched), noise=noise, room=room)
        return confirm_figures("QuantLib double barrier", found)
    kind, strike = inputs.option_type or OptionType.CALL, float(inputs.strike or 0)
    if is_touched:
        found = figures_of(inputs, _european(kind, strike))
        return confirm_figures("QuantLib European after the touch", found)
    held = min(max(strike, low), high)
    if held == strike:
        found = figures_of(inputs, _double_vanilla(inputs, strike, is_out), noise=noise, room=room)
        return confirm_figures("QuantLib double barrier", found)
    # The library's series holds for strikes between the barriers. From outside, the payoff of what
    # survives is that of the nearer barrier and, in the money, the distance in cash.
    is_paid = (kind is OptionType.CALL) == (strike < low)
    cash = abs(strike - held) if is_paid else 0.0
    parts = ((1.0, _double_vanilla(inputs, held, True)), (cash, _double_cash(inputs, False, 1.0)))
    noise = max(noise, _BINARY_SERIES_NOISE * cash / spot)
    if is_out:
        found = figures_of(inputs, parts[0][1], noise=noise, room=room, more=parts[1:])
    else:
        less = tuple((-amount, other) for amount, other in parts)
        found = figures_of(inputs, _european(kind, strike), noise=noise, room=room, more=less)
    return confirm_figures("QuantLib double barrier and cash", found)


def _european(kind: OptionType, strike: float) -> Build:
    def build(setting: Setting) -> tuple[Priced, object]:
        payoff = setting.ql.PlainVanillaPayoff(setting.kind(kind), strike)
        engine = setting.ql.AnalyticEuropeanEngine(setting.process)
        return setting.ql.VanillaOption(payoff, setting.european), engine

    return build


def _double_vanilla(inputs: DoubleBarrierOptionInput, strike: float, is_out: bool) -> Build:
    low, high = float(inputs.barrier_low), float(inputs.barrier_high)

    def build(setting: Setting) -> tuple[Priced, object]:
        ql = setting.ql
        payoff = ql.PlainVanillaPayoff(setting.kind(inputs.option_type or OptionType.CALL), strike)
        name = ql.DoubleBarrier.KnockOut if is_out else ql.DoubleBarrier.KnockIn
        option = ql.DoubleBarrierOption(name, low, high, 0.0, payoff, setting.european)
        return option, ql.AnalyticDoubleBarrierEngine(setting.process, _SERIES)

    return build


def _double_cash(
    inputs: DoubleBarrierOptionInput, is_touched: bool, cash: float | None = None
) -> Build:
    """Cash of the inputs, or ``cash`` for survival."""
    low, high = float(inputs.barrier_low), float(inputs.barrier_high)
    is_out = cash is not None or inputs.barrier_kind is DoubleBarrierKind.KNOCK_OUT

    def build(setting: Setting) -> tuple[Priced, object]:
        ql = setting.ql
        amount = float(inputs.cash) if cash is None else cash
        payoff = ql.CashOrNothingPayoff(ql.Option.Call, 1e-12, amount)
        if is_touched:
            engine = ql.AnalyticEuropeanEngine(setting.process)
            return ql.VanillaOption(payoff, setting.european), engine
        name = ql.DoubleBarrier.KnockOut if is_out else ql.DoubleBarrier.KnockIn
        option = ql.DoubleBarrierOption(name, low, high, 0.0, payoff, setting.european)
        return option, ql.AnalyticDoubleBarrierBinaryEngine(setting.process)

    return build
