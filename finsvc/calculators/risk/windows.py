"""The empirical quantile of every window of a series."""

import math
from bisect import bisect_left, insort
from decimal import Decimal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def rolling_var(losses_n: Floats, confidence: Decimal, *, window: int) -> Floats:
    """Value at risk of each stretch of ``window`` losses, shape (N - window + 1,).

    The quantile is that of `finsvc.calculators.tail`. One sorted window is carried along, so that a
    day costs one insertion and one removal.
    """
    rank = math.ceil(window * confidence) - 1
    values: list[float] = losses_n.tolist()
    ordered = sorted(values[:window])
    found = [ordered[rank]]
    for oldest, newest in zip(values, values[window:], strict=False):
        del ordered[bisect_left(ordered, oldest)]
        insort(ordered, newest)
        found.append(ordered[rank])
    return np.array(found)
