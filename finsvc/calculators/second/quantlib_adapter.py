"""The one place where QuantLib is imported; others borrow it here with its date set.

QuantLib keeps the evaluation date in a global of the process. Every call here sets it under one
lock and puts the old one back, so that threads and other users of the library do not meet.
Units are those of the option calculator: vega and rho for one percentage point, theta for one
calendar day. Day count Actual/365 (Fixed).

QuantLib answers zero for an option that expires today and not-a-number for a strike of zero; the
limits at zero time, zero volatility and zero strike are therefore stated here, from the payoff.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from types import ModuleType

import QuantLib as ql  # type: ignore[import-untyped]  # noqa: N813 (ships no types; its usual name)

from finsvc.domain.errors import CalculationError
from finsvc.domain.positions import OptionType

_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class EuropeanOption:
    """Terms and assumptions of one option; rates are continuous annual fractions."""

    option_type: OptionType
    spot: float
    strike: float
    expiry: date
    on: date
    volatility: float
    rate: float
    dividend_yield: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """Price and sensitivities of one unit."""

    price: float
    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float


@contextmanager
def _evaluation_date(on: ql.Date) -> Iterator[None]:
    with _LOCK:
        settings = ql.Settings.instance()
        before = settings.evaluationDate
        _set_date(settings, on)
        try:
            yield
        finally:
            _set_date(settings, before)


def _set_date(settings: ql.Settings, on: ql.Date) -> None:
    """Set the date; objects of a calculation that failed may still listen and complain of it."""
    with suppress(RuntimeError):
        settings.evaluationDate = on
    if settings.evaluationDate != on:
        raise CalculationError(
            field="second method", expected=f"the date {on} in QuantLib", actual="another"
        )


@contextmanager
def quantlib(on: date) -> Iterator[ModuleType]:
    """Lend the library with its evaluation date set, alone among threads, for one calculation.

    Raises:
        CalculationError: the library refused; nothing is confirmed then.
    """
    with _evaluation_date(_date(on)):
        try:
            yield ql
        except RuntimeError as error:
            raise CalculationError(
                field="second method", expected="a value by QuantLib", actual=str(error)
            ) from error


def _date(day: date) -> ql.Date:
    return ql.Date(day.day, day.month, day.year)


def greeks(option: EuropeanOption) -> Greeks:
    """Price an option with QuantLib's analytic European engine."""
    if option.expiry == option.on or 0.0 in (option.volatility, option.strike):
        return _certain(option)
    is_call = option.option_type is OptionType.CALL
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, option.strike)
    on = _date(option.on)
    day_count = ql.Actual365Fixed()
    with _evaluation_date(on):
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(option.spot)),
            ql.YieldTermStructureHandle(ql.FlatForward(on, option.dividend_yield, day_count)),
            ql.YieldTermStructureHandle(ql.FlatForward(on, option.rate, day_count)),
            ql.BlackVolTermStructureHandle(
                ql.BlackConstantVol(on, ql.NullCalendar(), option.volatility, day_count)
            ),
        )
        instrument = ql.VanillaOption(payoff, ql.EuropeanExercise(_date(option.expiry)))
        instrument.setPricingEngine(ql.AnalyticEuropeanEngine(process))
        return Greeks(
            price=instrument.NPV(),
            delta=instrument.delta(),
            gamma=instrument.gamma(),
            vega=instrument.vega() / 100.0,
            theta=instrument.thetaPerDay(),
            rho=instrument.rho() / 100.0,
        )


def _certain(option: EuropeanOption) -> Greeks:
    """The limit without uncertainty: a forward if it ends in the money, else nothing."""
    years = (option.expiry - option.on).days / 365.0
    sign = 1.0 if option.option_type is OptionType.CALL else -1.0
    carried = option.spot * math.exp(-option.dividend_yield * years)
    discounted = option.strike * math.exp(-option.rate * years)
    payoff = sign * (carried - discounted)
    weight = 0.5 if payoff == 0.0 else float(payoff > 0.0)
    drift = option.dividend_yield * carried - option.rate * discounted
    return Greeks(
        price=max(payoff, 0.0),
        delta=sign * weight * carried / option.spot,
        gamma=0.0,
        vega=0.0,
        theta=sign * weight * drift / 365.0,
        rho=sign * weight * years * discounted / 100.0,
    )
