"""Values of options when no uncertainty is left: zero time or zero volatility.

The price then moves along its forward, which never turns, so that its extremes are its ends.
Exactly at a jump of a payoff the limit from both sides is half of it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A price that grows at ``carry`` from ``spot`` for ``years``, discounted at ``rate``."""

    spot: float
    rate: float
    carry: float
    years: float

    @property
    def end(self) -> float:
        """Price at expiry."""
        return self.at(self.years)

    @property
    def discount(self) -> float:
        """Value today of one unit at expiry."""
        return float(np.exp(-self.rate * self.years))

    def at(self, years: float) -> float:
        """Price after a time."""
        return self.spot * float(np.exp(self.carry * years))

    def touches(self, level: float, *, is_down: bool) -> bool:
        """Whether the price reaches a level from above (down) or below."""
        if is_down:
            return min(self.spot, self.end) <= level
        return max(self.spot, self.end) >= level

    def discount_at_touch(self, level: float, *, is_down: bool) -> float:
        """Value today of one unit paid at the first touch; zero without one."""
        if not self.touches(level, is_down=is_down):
            return 0.0
        if (self.spot <= level) if is_down else (self.spot >= level):
            return 1.0
        return float(np.exp(-self.rate * np.log(level / self.spot) / self.carry))


def weight(distance: float) -> float:
    """Return 1 above a jump, 0 below and one half on it."""
    return float(np.heaviside(distance, 0.5))


def option_payoff(sign: float, price: float, strike: float) -> float:
    """Payoff of a call (+1) or put (-1)."""
    return max(sign * (price - strike), 0.0)
