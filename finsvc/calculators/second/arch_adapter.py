"""The one place that imports arch: GARCH(1,1) with mean zero.

The process before the first day is told to arch as the mean squared return, as the first method
takes it. Importing arch takes seconds, so callers load this module when they need it.
"""

import numpy as np
import numpy.typing as npt
from arch import arch_model

Floats = npt.NDArray[np.float64]

# The likelihood of short samples has several hills; omega, alpha and beta of unit returns.
_STARTS: tuple[tuple[float, float, float] | None, ...] = (
    None,
    (0.05, 0.05, 0.9),
    (0.3, 0.1, 0.6),
    (0.6, 0.2, 0.2),
)


def fit(returns: Floats) -> tuple[float, float, Floats, float]:
    """Fit alpha and beta; return them, the variances (N,) and tomorrow's variance."""
    size = float(np.sqrt(np.mean(np.square(returns))))
    scaled = returns / size
    model = arch_model(scaled, mean="Zero", vol="GARCH", p=1, q=1, rescale=False)
    fits = [
        model.fit(
            starting_values=None if start is None else np.array(start),
            disp="off",
            backcast=1.0,
            show_warning=False,
            tol=1e-12,
            options={"maxiter": 5000},
        )
        for start in _STARTS
    ]
    fitted = max(fits, key=lambda found: float(found.loglikelihood))
    omega, alpha, beta = (float(value) for value in fitted.params)
    variances = np.square(np.asarray(fitted.conditional_volatility, dtype=np.float64))
    tomorrow = omega + alpha * float(scaled[-1]) ** 2 + beta * float(variances[-1])
    return alpha, beta, variances * size**2, tomorrow * size**2
