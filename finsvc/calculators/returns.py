"""Daily returns and their moments.

Volatility is annualised with 252 trading days from the sample standard deviation (n - 1) of daily
log returns. Sums run in a fixed order without BLAS, so that the bits do not depend on threads.
"""

from datetime import date

import numpy as np
import numpy.typing as npt

from finsvc.domain.errors import InputError, InsufficientDataError
from finsvc.domain.identifiers import InstrumentId
from finsvc.domain.market import MarketView

TRADING_DAYS_PER_YEAR = 252

Floats = npt.NDArray[np.float64]


def log_returns(
    market: MarketView, instrument: InstrumentId, *, as_of: date, num_returns: int, field: str
) -> Floats:
    """The last daily log returns up to a trading day, shape (num_returns,)."""
    closes = market.closes(instrument, end=as_of, count=num_returns + 1, field=field)
    return np.diff(np.log(closes.values))


def paired_log_returns(
    market: MarketView,
    first: InstrumentId,
    second: InstrumentId,
    *,
    as_of: date,
    num_returns: int,
) -> tuple[Floats, Floats]:
    """Daily log returns of two instruments over the same days.

    Raises:
        InsufficientDataError: the instruments do not trade on the same days.
    """
    one = market.closes(first, end=as_of, count=num_returns + 1)
    two = market.closes(second, end=as_of, count=num_returns + 1)
    require_same_days(one.dates, two.dates, first, second)
    return np.diff(np.log(one.values)), np.diff(np.log(two.values))


def require_same_days(
    one: npt.NDArray[np.datetime64],
    two: npt.NDArray[np.datetime64],
    first: InstrumentId,
    second: InstrumentId,
) -> None:
    """Refuse histories of different days.

    Raises:
        InsufficientDataError: the dates differ.
    """
    if not np.array_equal(one, two):
        raise InsufficientDataError(
            field="window_days",
            expected=f"{first} and {second} to have closes on the same days",
            actual="histories of different days",
        )


def covariance(observations_nf: Floats) -> Floats:
    """Sample covariance (n - 1) of the columns, shape (F, F); F may be zero."""
    # The order of additions, and with it the bits, follows the layout in memory.
    rows_nf = np.ascontiguousarray(observations_nf)
    centred_nf = rows_nf - rows_nf.mean(axis=0)
    moments_ff = np.zeros((observations_nf.shape[1],) * 2)
    for column in range(len(moments_ff)):
        moments_ff[column] = (centred_nf * centred_nf[:, [column]]).sum(axis=0)
    return moments_ff / (len(observations_nf) - 1)


def sample_deviation(values: Floats) -> float:
    """Sample standard deviation (n - 1)."""
    return float(np.std(values, ddof=1))


def annual_volatility(
    market: MarketView, instrument: InstrumentId, *, as_of: date, window_days: int, field: str
) -> float:
    """Realised volatility as an annual fraction."""
    returns = log_returns(market, instrument, as_of=as_of, num_returns=window_days, field=field)
    return sample_deviation(returns) * float(np.sqrt(TRADING_DAYS_PER_YEAR))


def require_variation(deviation: float, *, field: str, name: str) -> float:
    """Refuse a series that never moves where a ratio to its deviation is asked for.

    Raises:
        InputError: the deviation is zero.
    """
    if deviation <= 0.0:
        raise InputError(
            field=field, expected="an instrument whose price moves", actual=f"{name}: constant"
        )
    return deviation
