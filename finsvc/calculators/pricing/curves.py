"""Discount curves: log-linear discount factors, given or bootstrapped from quotes.

Each quote in order of its last date fixes the discount factor there, given the earlier ones; the
repricing error is the rate that the finished curve implies less the quoted one. Where another curve
discounts swaps, this one projects their floating rates alone.

Source: ISDA CDS Standard Model for the simple-compounding conventions of deposits and swaps.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.pricing.rates import (
    CurveTerms,
    DepositQuote,
    FraQuote,
    SwapQuote,
)
from finsvc.calculators.pricing.calendars import add_business_days, following, modified_following
from finsvc.calculators.pricing.daycount import add_months, year_fraction
from finsvc.domain.errors import InputError

_LOG_STEP_MAX = 20.0
_ROOT_TOLERANCE = 1e-16


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Logarithms of discount factors at ascending dates, the first zero at ``on``."""

    on: date
    dates: tuple[date, ...]
    logs: tuple[float, ...]

    def log_discount(self, day: date) -> float:
        """Logarithm of the discount factor; the outer segments go on."""
        index = min(max(bisect_left(self.dates, day), 1), len(self.dates) - 1)
        first, last = self.dates[index - 1], self.dates[index]
        share = (day - first).days / (last - first).days
        return self.logs[index - 1] + share * (self.logs[index] - self.logs[index - 1])

    def discount(self, day: date) -> float:
        """Value at ``on`` of one unit paid on a day."""
        return float(np.exp(self.log_discount(day)))

    def shifted(self, rate: float) -> "Curve":
        """The curve with all zero rates (Actual/365) moved by a rate."""
        logs = tuple(
            log - rate * (day - self.on).days / 365.0
            for day, log in zip(self.dates, self.logs, strict=True)
        )
        return Curve(on=self.on, dates=self.dates, logs=logs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A quote as dates: one unit paid from ``start``; fixed payments are ``fractions`` of a year.

    Its fair rate is ``(discount(start) - discount(end)) / sum(fraction * discount(payment))``, or,
    where another curve discounts, the value of floating payments at the end of each of the periods
    between ``resets`` over that of the fixed ones; only swaps have resets.
    """

    name: str
    rate: float
    start: date
    payments: tuple[date, ...]
    fractions: tuple[float, ...]
    resets: tuple[date, ...] = ()

    @property
    def end(self) -> date:
        """Last date."""
        return self.payments[-1]

    def implied(self, curve: Curve, discount: Curve | None = None) -> float:
        """Rate that a curve gives it, another one discounting where given."""
        paid = curve if discount is None or not self.resets else discount
        annuity = sum(
            fraction * paid.discount(day)
            for fraction, day in zip(self.fractions, self.payments, strict=True)
        )
        if paid is not curve:
            floating = sum(
                (curve.discount(first) / curve.discount(last) - 1.0) * paid.discount(last)
                for first, last in pairwise(self.resets)
            )
            return floating / annuity
        return (curve.discount(self.start) - curve.discount(self.end)) / annuity


def instruments(terms: CurveTerms, on: date) -> tuple[Instrument, ...]:
    """Lay the quotes out as dates, in order of the last one."""
    spot = add_business_days(terms.calendar, following(terms.calendar, on), terms.spot_days)

    def after(months: int) -> date:
        return modified_following(terms.calendar, add_months(spot, months))

    laid_out = []
    for quote in terms.quotes:
        resets: tuple[date, ...] = ()
        if isinstance(quote, SwapQuote):
            step = 12 // quote.payments_a_year
            days = [spot, *(after(months) for months in range(step, quote.months + 1, step))]
            step = 12 // (quote.floating_payments_a_year or quote.payments_a_year)
            resets = (spot, *(after(months) for months in range(step, quote.months + 1, step)))
            name = f"swap_{quote.months}m"
        elif isinstance(quote, FraQuote):
            days = [after(quote.start_months), after(quote.end_months)]
            name = f"fra_{quote.start_months}x{quote.end_months}m"
        else:
            days = [spot, after(quote.months)]
            name = f"deposit_{quote.months}m"
        laid_out.append(_instrument(name, quote, days, resets))
    laid_out.sort(key=lambda item: item.end)
    return tuple(laid_out)


def _instrument(
    name: str,
    quote: DepositQuote | FraQuote | SwapQuote,
    days: list[date],
    resets: tuple[date, ...],
) -> Instrument:
    fractions = tuple(year_fraction(quote.day_count, first, last) for first, last in pairwise(days))
    return Instrument(
        name=name,
        rate=float(quote.rate),
        start=days[0],
        payments=tuple(days[1:]),
        fractions=fractions,
        resets=resets,
    )


def build_curve(terms: CurveTerms, on: date, discount: Curve | None = None) -> Curve:
    """Build the curve that the terms describe; ``discount`` serves where they ask for it.

    Raises:
        InputError: two quotes end on one day, or no discount factor gives a quote its rate.
    """
    if terms.zero_rate is not None:
        last = date(on.year + 1, 1, 1)
        log = -float(terms.zero_rate) * (last - on).days / 365.0
        return Curve(on=on, dates=(on, last), logs=(0.0, log))
    if terms.nodes:
        if terms.nodes[0].date <= on:
            raise InputError(
                field="nodes.0.date",
                expected=f"a date after {on.isoformat()}",
                actual=terms.nodes[0].date.isoformat(),
            )
        logs = [float(np.log(float(node.discount_factor))) for node in terms.nodes]
        return Curve(on=on, dates=(on, *(node.date for node in terms.nodes)), logs=(0.0, *logs))
    curve = Curve(on=on, dates=(on,), logs=(0.0,))
    for instrument in instruments(terms, on):
        curve = _extended(curve, instrument, discount if terms.is_projection else None)
    return curve


def _extended(curve: Curve, instrument: Instrument, discount: Curve | None) -> Curve:
    """Add the discount factor that prices one more instrument."""
    if instrument.end == curve.dates[-1]:
        raise InputError(
            field="quotes",
            expected="quotes that end on different days",
            actual=f"another quote that ends on {instrument.end.isoformat()}",
        )

    def longer(log: float) -> Curve:
        return Curve(on=curve.on, dates=(*curve.dates, instrument.end), logs=(*curve.logs, log))

    def gap(log: float) -> float:
        return instrument.implied(longer(log), discount) - instrument.rate

    last = curve.logs[-1]
    low, high = last - _LOG_STEP_MAX, last + _LOG_STEP_MAX / 4.0
    if gap(low) * gap(high) > 0.0:
        raise InputError(
            field="quotes",
            expected="rates that some discount factor gives",
            actual=f"{instrument.name} at {instrument.rate:.6g}",
        )
    root = float(brentq(gap, low, high, xtol=_ROOT_TOLERANCE, rtol=1e-15, maxiter=500))
    return longer(root)
