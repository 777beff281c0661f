"""Barrier, double barrier, lookback and Asian options as calculators."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from finsvc.calculators.computation import Computation
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.pricing.options import (
    BarrierKind,
    BarrierOptionInput,
    BarrierPayoff,
    DoubleBarrierKind,
    DoubleBarrierOptionInput,
    DoubleBarrierPayoff,
    LookbackKind,
    LookbackOptionInput,
)
from finsvc.calculators.pricing.certain import option_payoff
from finsvc.calculators.pricing.differentiation import Point, differentiate
from finsvc.calculators.pricing.lookback import (
    PartialTerms,
    at_any_carry,
    fixed,
    floating,
    partial_fixed,
    partial_floating,
)
from finsvc.calculators.pricing.normal import Numbers
from finsvc.calculators.pricing.option_results import (
    greek_values,
    is_certain,
    market_point,
    option_result,
)
from finsvc.calculators.pricing.reflection import (
    Claim,
    knocked_out,
    knocked_out_by_two,
    paid_at_hit,
    value,
    vanilla,
)
from finsvc.calculators.pricing.vanilla_options import path_of, require_real_root, sign_of
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionType

_DOWN = frozenset({BarrierKind.DOWN_IN, BarrierKind.DOWN_OUT})
_OUT = frozenset({BarrierKind.DOWN_OUT, BarrierKind.UP_OUT})


def _payoff_claim(inputs: BarrierOptionInput) -> Claim:
    sign, strike = sign_of(inputs.option_type), float(inputs.strike)
    plain = vanilla(sign, strike)
    if inputs.payoff is BarrierPayoff.VANILLA:
        return plain
    if inputs.payoff is BarrierPayoff.CASH:
        return replace(plain, asset=0.0, cash=float(inputs.cash))
    return replace(plain, asset=1.0, cash=0.0)


def _claim_at(claim: Claim, price: float) -> float:
    """Payoff at a price, half of a jump exactly on it."""
    if not claim.low <= price <= claim.high:
        return 0.0
    share = 0.5 if price in (claim.low, claim.high) else 1.0
    return share * (claim.asset * price + claim.cash)


def barrier_option(inputs: BarrierOptionInput, market: MarketView) -> Computation:
    """Value a barrier option by the reflection principle.

    Raises:
        InputError: a rate so negative that the rebate has no closed form.
    """
    if is_certain(inputs):
        values = {"price": _certain_barrier(inputs)}
    else:
        values = greek_values(differentiate(_barrier_price(inputs), market_point(inputs)))
    return option_result(
        inputs,
        values,
        method="reflection",
        subject=f"{inputs.barrier_kind.value.replace('_', '-and-')} "
        f"{decimal_text(inputs.strike)} {inputs.option_type.value} "
        f"with barrier {decimal_text(inputs.barrier)}",
    )


def _barrier_price(inputs: BarrierOptionInput) -> Callable[[Point], Numbers]:
    claim, level, rebate = _payoff_claim(inputs), float(inputs.barrier), float(inputs.rebate)
    is_down, is_out = inputs.barrier_kind in _DOWN, inputs.barrier_kind in _OUT
    is_touched = inputs.spot <= inputs.barrier if is_down else inputs.spot >= inputs.barrier
    if is_touched:
        return (lambda at: rebate + 0.0 * at.spot) if is_out else (lambda at: value(at, claim))
    sure = Claim(asset=0.0, cash=rebate, low=0.0, high=math.inf)
    if not is_out:
        return lambda at: (
            value(at, claim)
            - knocked_out(at, claim, level, is_down=is_down)
            + knocked_out(at, sure, level, is_down=is_down)
        )
    if rebate == 0.0:
        return lambda at: knocked_out(at, claim, level, is_down=is_down)
    require_real_root(
        rate=float(inputs.rate),
        carry=float(inputs.rate - inputs.dividend_yield),
        volatility=float(inputs.volatility),
    )
    return lambda at: (
        knocked_out(at, claim, level, is_down=is_down)
        + paid_at_hit(at, rebate, level, is_down=is_down)
    )


def _certain_barrier(inputs: BarrierOptionInput) -> float:
    path, level, rebate = path_of(inputs), float(inputs.barrier), float(inputs.rebate)
    is_down = inputs.barrier_kind in _DOWN
    payoff = path.discount * _claim_at(_payoff_claim(inputs), path.end)
    is_touched = path.touches(level, is_down=is_down)
    if inputs.barrier_kind in _OUT:
        return rebate * path.discount_at_touch(level, is_down=is_down) if is_touched else payoff
    return payoff if is_touched else rebate * path.discount


def double_barrier_option(inputs: DoubleBarrierOptionInput, market: MarketView) -> Computation:
    """Value a claim between two barriers by images without end."""
    claim = _between_claim(inputs)
    low, high = float(inputs.barrier_low), float(inputs.barrier_high)
    is_out = inputs.barrier_kind is DoubleBarrierKind.KNOCK_OUT
    if is_certain(inputs):
        path = path_of(inputs)
        is_touched = path.touches(low, is_down=True) or path.touches(high, is_down=False)
        payoff = path.discount * _claim_at(claim, path.end)
        values = {"price": payoff if is_touched is not is_out else 0.0}
    elif not low < float(inputs.spot) < high:
        at = market_point(inputs)
        values = greek_values(
            differentiate((lambda p: 0.0 * p.spot) if is_out else (lambda p: value(p, claim)), at)
        )
    else:

        def price(at: Point) -> Numbers:
            alive = knocked_out_by_two(at, claim, low, high)
            return alive if is_out else np.asarray(value(at, claim) - alive)

        values = greek_values(differentiate(price, market_point(inputs)))
    return option_result(
        inputs,
        values,
        method="images",
        subject=f"{inputs.barrier_kind.value.replace('_', '-')} claim between "
        f"{decimal_text(inputs.barrier_low)} and {decimal_text(inputs.barrier_high)}",
    )


def _between_claim(inputs: DoubleBarrierOptionInput) -> Claim:
    if inputs.payoff is DoubleBarrierPayoff.CASH:
        return Claim(asset=0.0, cash=float(inputs.cash), low=0.0, high=math.inf)
    sign = 1.0 if inputs.option_type is OptionType.CALL else -1.0
    return vanilla(sign, float(inputs.strike or 0))


def lookback_option(inputs: LookbackOptionInput, market: MarketView) -> Computation:
    """Value a lookback option by its closed form.

    Raises:
        InputError: a scaled extreme watched over the whole life, which has no closed form here.
    """
    if is_certain(inputs):
        values = {"price": _certain_lookback(inputs)}
    else:
        price = at_any_carry(_lookback_price(inputs))
        values = greek_values(differentiate(price, market_point(inputs)))
    return option_result(
        inputs,
        values,
        method="closed_form",
        subject=f"{inputs.kind.value}-strike lookback {inputs.option_type.value}",
    )


def _extreme(inputs: LookbackOptionInput) -> float:
    return float(inputs.spot if inputs.extreme is None else inputs.extreme)


def _lookback_price(inputs: LookbackOptionInput) -> Callable[[Point], Numbers]:
    sign, life = sign_of(inputs.option_type), inputs.time
    window = None if inputs.window_years is None else float(inputs.window_years)
    if inputs.kind is LookbackKind.FIXED:
        return _fixed_price(inputs, sign=sign, window=window)
    extreme, fraction = _extreme(inputs), float(inputs.fraction)
    if window == 0.0:
        claim = vanilla(sign, extreme * fraction)
        return lambda at: value(at, claim)
    if window is None or window == life:
        if fraction != 1.0:
            raise InputError(
                field="window_years",
                expected="a window that ends before expiry where the extreme is scaled",
                actual=f"{life:.12g}",
            )
        return lambda at: floating(at, extreme, sign)
    terms = PartialTerms(sign=sign, level=extreme, window_years=window, fraction=fraction)
    # A day passing shortens the window as it shortens the life.
    return lambda at: partial_floating(at, replace(terms, window_years=window + at.years - life))


def _fixed_price(
    inputs: LookbackOptionInput, *, sign: float, window: float | None
) -> Callable[[Point], Numbers]:
    strike, life = float(inputs.strike or 0), inputs.time
    if window is None or window == 0.0:
        extreme = _extreme(inputs)
        return lambda at: fixed(at, strike=strike, extreme=extreme, sign=sign)
    if window == life:
        claim = vanilla(sign, strike)
        return lambda at: value(at, claim)
    terms = PartialTerms(sign=sign, level=strike, window_years=window)
    return lambda at: partial_fixed(at, replace(terms, window_years=window + at.years - life))


def _certain_lookback(inputs: LookbackOptionInput) -> float:
    path, sign = path_of(inputs), sign_of(inputs.option_type)
    window = None if inputs.window_years is None else float(inputs.window_years)
    choose = min if inputs.looks_at_minimum else max
    if inputs.kind is LookbackKind.FLOATING:
        watched = path.at(path.years if window is None else window)
        extreme = choose(_extreme(inputs), path.spot, watched)
        return path.discount * option_payoff(sign, path.end, float(inputs.fraction) * extreme)
    start = path.at(0.0 if window is None else window)
    best = choose(start, path.end)
    if window is None:
        best = choose(best, _extreme(inputs))
    return path.discount * option_payoff(sign, best, float(inputs.strike or 0))
