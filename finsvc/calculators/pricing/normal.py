"""The normal distribution for arguments that carry a derivative.

A complex argument ``x + iε·d`` with tiny ε stands for a value and its derivative (complex-step
differentiation): each function here returns ``f(x) + iε·d·f'(x)``, so that sensitivities of closed
forms are exact to the last bits. Results are complex.

Source: W. Squire, G. Trapp (1998) for the complex step; A. Genz (2004) for the bivariate integral.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtr  # type: ignore[import-untyped] # scipy ships no types

Numbers = npt.NDArray[np.inexact]

_LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)
_BIVARIATE_NODES = 64


def density(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Standard normal density of real arguments."""
    return np.asarray(np.exp(-0.5 * x * x - _LOG_ROOT_2PI))


def cdf(x: Numbers) -> Numbers:
    """Standard normal distribution."""
    real = np.real(x)
    return np.asarray(ndtr(real) + 1j * np.imag(x) * density(real))


def scaled_cdf(log_scale: Numbers, x: Numbers) -> Numbers:
    """``exp(log_scale) * cdf(x)`` without overflow where a huge scale meets a tiny probability."""
    real = np.real(x)
    log_value = log_ndtr(real)
    # The inverse Mills ratio; infinite arguments carry no derivative.
    with np.errstate(invalid="ignore", over="ignore"):
        ratio = np.exp(-0.5 * real * real - _LOG_ROOT_2PI - log_value)
    slope = np.where(np.isfinite(real), ratio * np.imag(x), 0.0)
    # A value beyond the floats is infinite, which no result may be.
    with np.errstate(invalid="ignore", over="ignore"):
        value = np.exp(log_scale + log_value + 1j * slope)
    return np.asarray(np.where(np.isneginf(log_value), 0.0, value))


@cache
def _legendre() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(_BIVARIATE_NODES)
    return nodes, weights


def bivariate_cdf(x: Numbers, y: Numbers, correlation: Numbers) -> Numbers:
    """Distribution of two standard normals with a correlation inside (-1, 1).

    Numerics: Gauss-Legendre in the arcsine of the correlation, 64 nodes; absolute error below
    1e-12 for correlations up to 0.999.
    """
    first, second, rho = np.real(x), np.real(y), np.real(correlation)
    nodes, weights = _legendre()
    angle = np.arcsin(rho)[..., None] * (nodes + 1.0) / 2.0
    sine = np.sin(angle)
    a, b = first[..., None], second[..., None]
    exponent = -(a * a + b * b - 2.0 * a * b * sine) / (2.0 * (1.0 - sine * sine))
    integral = np.sum(weights * np.exp(exponent), axis=-1) * np.arcsin(rho) / 2.0
    value = ndtr(first) * ndtr(second) + integral / (2.0 * np.pi)
    root = np.sqrt(1.0 - rho * rho)
    joint = np.exp(
        -(first * first + second * second - 2.0 * rho * first * second) / (2.0 * root * root)
    )
    slope = (
        np.imag(x) * density(first) * ndtr((second - rho * first) / root)
        + np.imag(y) * density(second) * ndtr((first - rho * second) / root)
        + np.imag(correlation) * joint / (2.0 * np.pi * root)
    )
    return np.asarray(value + 1j * slope)
