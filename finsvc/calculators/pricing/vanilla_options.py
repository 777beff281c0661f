"""European, American and digital options as calculators."""

import math
from collections.abc import Callable
from dataclasses import fields

import numpy as np

from finsvc.calculators.computation import Computation
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.pricing.options import (
    AmericanOptionInput,
    DigitalOptionInput,
    DigitalPayoff,
    DigitalStyle,
    EuropeanOptionInput,
    ExoticInput,
    OptionModel,
)
from finsvc.calculators.pricing.american import PRECISE, american_greeks, certain_value
from finsvc.calculators.pricing.certain import Path, weight
from finsvc.calculators.pricing.differentiation import Point, differentiate
from finsvc.calculators.pricing.european import (
    Contracts,
    EuropeanGreeks,
    NormalOption,
    normal_price,
    value_and_greeks,
)
from finsvc.calculators.pricing.normal import Numbers
from finsvc.calculators.pricing.option_results import (
    greek_values,
    is_certain,
    market_point,
    option_result,
)
from finsvc.calculators.pricing.reflection import Claim, knocked_out, paid_at_hit, value
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionType


def sign_of(option_type: OptionType) -> float:
    """Return +1 for a call, -1 for a put."""
    return 1.0 if option_type is OptionType.CALL else -1.0


def _contract(
    inputs: EuropeanOptionInput | AmericanOptionInput, dividend_yield: float
) -> Contracts:
    return Contracts(
        sign=np.array([sign_of(inputs.option_type)]),
        spot=np.array([float(inputs.spot)]),
        strike=np.array([float(inputs.strike)]),
        years=np.array([inputs.time]),
        volatility=np.array([float(inputs.volatility)]),
        rate=np.array([float(inputs.rate)]),
        dividend_yield=np.array([dividend_yield]),
    )


def _single(greeks: EuropeanGreeks) -> dict[str, float]:
    return {field.name: float(getattr(greeks, field.name)[0]) for field in fields(greeks)}


def _subject(inputs: EuropeanOptionInput | AmericanOptionInput | DigitalOptionInput) -> str:
    return f"the {decimal_text(inputs.strike)} {inputs.option_type.value}"


def european_option(inputs: EuropeanOptionInput, market: MarketView) -> Computation:
    """Value a European option by the closed form of its model."""
    if inputs.model is OptionModel.BACHELIER:
        values = normal_price(
            NormalOption(
                sign=sign_of(inputs.option_type),
                forward=float(inputs.spot),
                strike=float(inputs.strike),
                years=inputs.time,
                volatility=float(inputs.volatility),
                rate=float(inputs.rate),
            )
        )
    elif inputs.model is OptionModel.BLACK_76:
        values = _single(value_and_greeks(_contract(inputs, float(inputs.rate))))
        # The forward is given, so that the rate moves the discount factor alone.
        values["rho"] += values.pop("dividend_rho")
    else:
        values = _single(value_and_greeks(_contract(inputs, float(inputs.dividend_yield))))
    if not math.isfinite(values["gamma"]):
        values = {"price": values["price"]}
    return option_result(
        inputs, values, method=inputs.model.value, subject=f"European {_subject(inputs)[4:]}"
    )


def american_option(inputs: AmericanOptionInput, market: MarketView) -> Computation:
    """Value an American option by its exercise boundary.

    Raises:
        InputError: rates so negative that there are two boundaries.
    """
    rates = (float(inputs.rate), float(inputs.dividend_yield))
    if is_certain(inputs) or 0 in (inputs.spot, inputs.strike):
        price = certain_value(
            sign=sign_of(inputs.option_type),
            spot=float(inputs.spot),
            strike=float(inputs.strike),
            years=inputs.time,
            rates=rates,
        )
        values = {"price": price}
    else:
        values = _single(american_greeks(_contract(inputs, rates[1]), PRECISE))
    return option_result(
        inputs, values, method="exercise_boundary", subject=f"American {_subject(inputs)[4:]}"
    )


def path_of(inputs: ExoticInput) -> Path:
    """Way of the price without uncertainty."""
    return Path(
        spot=float(inputs.spot),
        rate=float(inputs.rate),
        carry=float(inputs.rate) - float(inputs.dividend_yield),
        years=inputs.time,
    )


def digital_option(inputs: DigitalOptionInput, market: MarketView) -> Computation:
    """Value a digital or touch option.

    Raises:
        InputError: a rate so negative that waiting for the touch has no finite closed form.
    """
    if is_certain(inputs):
        values = {"price": _certain_digital(inputs)}
    else:
        values = greek_values(differentiate(_digital_price(inputs), market_point(inputs)))
    return option_result(
        inputs,
        values,
        method=f"closed_form_{inputs.style.value}",
        subject=f"digital {_subject(inputs)[4:]}",
    )


def digital_claim(inputs: DigitalOptionInput) -> Claim:
    """Payoff at expiry of a European digital."""
    is_call = inputs.option_type is OptionType.CALL
    strike = float(inputs.strike)
    low, high = (strike, math.inf) if is_call else (0.0, strike)
    sign = sign_of(inputs.option_type) if inputs.payoff is DigitalPayoff.GAP else 1.0
    return Claim(
        asset=0.0 if inputs.payoff is DigitalPayoff.CASH else sign,
        cash=_cash_part(inputs),
        low=low,
        high=high,
    )


def _cash_part(inputs: DigitalOptionInput) -> float:
    if inputs.payoff is DigitalPayoff.CASH:
        return float(inputs.cash)
    if inputs.payoff is DigitalPayoff.ASSET:
        return 0.0
    return -sign_of(inputs.option_type) * float(inputs.cash)


def _touch_claim(inputs: DigitalOptionInput) -> Claim:
    pays_cash = inputs.payoff is DigitalPayoff.CASH
    return Claim(
        asset=0.0 if pays_cash else 1.0,
        cash=float(inputs.cash) if pays_cash else 0.0,
        low=0.0,
        high=math.inf,
    )


def touch_amount(inputs: DigitalOptionInput) -> float:
    """Amount paid at a touch: the cash, or the asset that is then worth the strike."""
    return float(inputs.cash if inputs.payoff is DigitalPayoff.CASH else inputs.strike)


def require_real_root(*, rate: float, carry: float, volatility: float) -> None:
    """Refuse rates at which the value of a payment at a touch has no real closed form.

    Raises:
        InputError: the rate is too negative.
    """
    drift = carry - volatility**2 / 2.0
    floor = -(drift**2) / (2.0 * volatility**2)
    if rate < floor:
        raise InputError(
            field="rate",
            expected=f"a rate of at least {floor:.6g} for a payment at the touch",
            actual=f"{rate:.6g}",
        )


def _digital_price(inputs: DigitalOptionInput) -> Callable[[Point], Numbers]:
    if inputs.style is DigitalStyle.EUROPEAN:
        claim = digital_claim(inputs)
        return lambda at: value(at, claim)
    level, is_down = float(inputs.strike), inputs.option_type is OptionType.PUT
    is_touched = inputs.spot <= inputs.strike if is_down else inputs.spot >= inputs.strike
    if inputs.style is DigitalStyle.AT_HIT:
        if is_touched:
            is_cash = inputs.payoff is DigitalPayoff.CASH
            amount = float(inputs.cash)
            return lambda at: amount + 0.0 * at.spot if is_cash else at.spot
        require_real_root(
            rate=float(inputs.rate),
            carry=float(inputs.rate - inputs.dividend_yield),
            volatility=float(inputs.volatility),
        )
        amount = touch_amount(inputs)
        return lambda at: paid_at_hit(at, amount, level, is_down=is_down)
    claim = _touch_claim(inputs)
    if inputs.style is DigitalStyle.NO_TOUCH:
        if is_touched:
            return lambda at: 0.0 * at.spot
        return lambda at: knocked_out(at, claim, level, is_down=is_down)
    if is_touched:
        return lambda at: value(at, claim)
    return lambda at: value(at, claim) - knocked_out(at, claim, level, is_down=is_down)


def _certain_digital(inputs: DigitalOptionInput) -> float:
    path, level = path_of(inputs), float(inputs.strike)
    is_down = inputs.option_type is OptionType.PUT
    if inputs.style is DigitalStyle.EUROPEAN:
        claim = digital_claim(inputs)
        share = weight(sign_of(inputs.option_type) * (path.end - level))
        return path.discount * share * (claim.asset * path.end + claim.cash)
    claim = _touch_claim(inputs)
    if inputs.style is DigitalStyle.AT_HIT:
        is_cash = inputs.payoff is DigitalPayoff.CASH
        is_touched = path.spot <= level if is_down else path.spot >= level
        amount = claim.cash if is_cash else (path.spot if is_touched else level)
        return amount * path.discount_at_touch(level, is_down=is_down)
    pays = path.touches(level, is_down=is_down) is (inputs.style is DigitalStyle.AT_EXPIRY)
    return path.discount * (claim.asset * path.end + claim.cash) if pays else 0.0
