"""Second methods where no uncertainty is left: the path is walked in small steps and looked at."""

import math

from finsvc.calculators.inputs.pricing.options import (
    AmericanOptionInput,
    AsianKind,
    AsianOptionInput,
    Averaging,
    BarrierKind,
    BarrierOptionInput,
    BarrierPayoff,
    DigitalOptionInput,
    DigitalPayoff,
    DigitalStyle,
    DoubleBarrierKind,
    DoubleBarrierOptionInput,
    DoubleBarrierPayoff,
    ExoticInput,
    LookbackKind,
    LookbackOptionInput,
)
from finsvc.domain.positions import OptionType

_STEPS = 20_000
_HALVINGS = 200


class Walk:
    """The price at evenly spaced times from now to expiry."""

    def __init__(self, inputs: ExoticInput) -> None:
        self.rate = float(inputs.rate)
        self.growth = self.rate - float(inputs.dividend_yield)
        self.spot, self.years = float(inputs.spot), inputs.time
        self.times = [self.years * step / _STEPS for step in range(_STEPS + 1)]
        self.prices = [self.price(time) for time in self.times]

    def price(self, years: float) -> float:
        """Price after a time."""
        return self.spot * math.exp(self.growth * years)

    def paid(self, amount: float, years: float) -> float:
        """Value today of an amount paid after a time."""
        return amount * math.exp(-self.rate * years)

    def first_touch(self, level: float, *, is_down: bool) -> float | None:
        """Time of the first touch of a level, or None."""

        def is_there(time: float) -> bool:
            price = self.price(time)
            return price <= level if is_down else price >= level

        hits = [time for time, price in zip(self.times, self.prices, strict=True) if is_there(time)]
        if not hits or is_there(0.0):
            return 0.0 if hits else None
        low, high = 0.0, hits[0]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            low, high = (low, middle) if is_there(middle) else (middle, high)
        return high


def _gain(option_type: OptionType | None, price: float, strike: float) -> float:
    return max(price - strike, 0.0) if option_type is OptionType.CALL else max(strike - price, 0.0)


def _share_in_the_money(option_type: OptionType, price: float, strike: float) -> float:
    if price == strike:
        return 0.5
    return float((price > strike) is (option_type is OptionType.CALL))


def american(inputs: AmericanOptionInput) -> float:
    """Best exercise on the way, refined around the best step."""
    walk = Walk(inputs)

    def gain(time: float) -> float:
        return walk.paid(_gain(inputs.option_type, walk.price(time), float(inputs.strike)), time)

    best = max(walk.times, key=gain)
    width = walk.years / _STEPS
    near = [min(max(best + width * k / 1000.0, 0.0), walk.years) for k in range(-1000, 1001)]
    return max(gain(time) for time in near)


def digital(inputs: DigitalOptionInput) -> float:
    """Digital and touch payoffs."""
    walk, strike = Walk(inputs), float(inputs.strike)
    is_down = inputs.option_type is OptionType.PUT
    end, cash = walk.prices[-1], float(inputs.cash)
    amount = cash if inputs.payoff is DigitalPayoff.CASH else end
    if inputs.style is DigitalStyle.EUROPEAN:
        if inputs.payoff is DigitalPayoff.GAP:
            amount = (cash - end) if is_down else (end - cash)
        return walk.paid(amount * _share_in_the_money(inputs.option_type, end, strike), walk.years)
    touch = walk.first_touch(strike, is_down=is_down)
    if inputs.style is DigitalStyle.AT_HIT:
        if touch is None:
            return 0.0
        return walk.paid(cash if inputs.payoff is DigitalPayoff.CASH else walk.price(touch), touch)
    is_paid = (touch is not None) is (inputs.style is DigitalStyle.AT_EXPIRY)
    return walk.paid(amount, walk.years) if is_paid else 0.0


def barrier(inputs: BarrierOptionInput) -> float:
    """Payoff or rebate of one barrier."""
    walk, end = Walk(inputs), 0.0
    end = walk.prices[-1]
    strike, rebate = float(inputs.strike), float(inputs.rebate)
    if inputs.payoff is BarrierPayoff.VANILLA:
        payoff = _gain(inputs.option_type, end, strike)
    else:
        amount = float(inputs.cash) if inputs.payoff is BarrierPayoff.CASH else end
        payoff = amount * _share_in_the_money(inputs.option_type, end, strike)
    is_down = inputs.barrier_kind in {BarrierKind.DOWN_IN, BarrierKind.DOWN_OUT}
    touch = walk.first_touch(float(inputs.barrier), is_down=is_down)
    if inputs.barrier_kind in {BarrierKind.DOWN_OUT, BarrierKind.UP_OUT}:
        return walk.paid(payoff, walk.years) if touch is None else walk.paid(rebate, touch)
    return walk.paid(rebate if touch is None else payoff, walk.years)


def double_barrier(inputs: DoubleBarrierOptionInput) -> float:
    """Payoff between two barriers."""
    walk = Walk(inputs)
    payoff = float(inputs.cash)
    if inputs.payoff is DoubleBarrierPayoff.VANILLA:
        payoff = _gain(inputs.option_type, walk.prices[-1], float(inputs.strike or 0))
    low, high = float(inputs.barrier_low), float(inputs.barrier_high)
    is_inside = all(low < price < high for price in walk.prices)
    is_out = inputs.barrier_kind is DoubleBarrierKind.KNOCK_OUT
    return walk.paid(payoff, walk.years) if is_inside is is_out else 0.0


def lookback(inputs: LookbackOptionInput) -> float:
    """Payoff on the extreme of the watched part of the path."""
    walk = Walk(inputs)
    window = None if inputs.window_years is None else float(inputs.window_years)
    watched = [float(inputs.extreme or inputs.spot)]
    if inputs.kind is LookbackKind.FLOATING:
        end = walk.years if window is None else window
        watched += [walk.price(0.0), walk.price(end / 2.0), walk.price(end)]
    elif window is None:
        watched += walk.prices
    else:
        watched = [walk.price(window), walk.price(walk.years)]
    extreme = min(watched) if inputs.looks_at_minimum else max(watched)
    if inputs.kind is LookbackKind.FLOATING:
        gain = _gain(inputs.option_type, walk.prices[-1], float(inputs.fraction) * extreme)
    else:
        gain = _gain(inputs.option_type, extreme, float(inputs.strike or 0))
    return walk.paid(gain, walk.years)


def asian(inputs: AsianOptionInput) -> float:
    """Payoff on the mean of the path."""
    walk = Walk(inputs)
    prices = [walk.price(float(years)) for years in inputs.fixing_years] or walk.prices
    prices = prices + [float(inputs.past_average or 0)] * inputs.past_fixings
    if inputs.averaging is Averaging.GEOMETRIC:
        mean = math.exp(math.fsum(math.log(price) for price in prices) / len(prices))
    else:
        mean = math.fsum(prices) / len(prices)
    if inputs.kind is AsianKind.AVERAGE_STRIKE:
        return walk.paid(_gain(inputs.option_type, walk.prices[-1], mean), walk.years)
    return walk.paid(_gain(inputs.option_type, mean, float(inputs.strike or 0)), walk.years)
