"""Tolerances between first and second methods, each with its reason.

Exact amounts must be equal. Analytic figures of float64 agree to a relative 1e-8 in well
conditioned cases: option values from two implementations of the normal distribution differ by
about 1e-13 of the strike, and profits are differences of such values. ``ROUNDED`` allows the
rounding to 12 significant digits and nothing else. A simulated figure lies
within 4.5 standard errors of the difference of the two runs (7 in a million runs do not).

A maximum of a likelihood is flat: two optimisers agree on figures that follow from it to ``FITTED``
and on its parameters, which trade off against each other, to ``FITTED_SHARE``. An implied
volatility divides the price's noise by a vega that may be small: ``IMPLIED``, in points. A figure
per unit of value divides by the value of an option that may be next to nothing: ``QUOTIENT``.
"""

from decimal import Decimal

from finsvc.domain.results import Tolerance, ToleranceKind

EXACT = Tolerance(kind=ToleranceKind.EXACT, amount=Decimal(0))
ANALYTIC = Tolerance(kind=ToleranceKind.RELATIVE, amount=Decimal("1e-8"))
SIMULATED = Tolerance(kind=ToleranceKind.STANDARD_ERRORS, amount=Decimal("4.5"))
ROUNDED = Tolerance(kind=ToleranceKind.RELATIVE, amount=Decimal("1e-11"))
FITTED = Tolerance(kind=ToleranceKind.RELATIVE, amount=Decimal("1e-3"))
FITTED_SHARE = Tolerance(kind=ToleranceKind.ABSOLUTE, amount=Decimal("2e-3"))
QUOTIENT = Tolerance(kind=ToleranceKind.RELATIVE, amount=Decimal("1e-6"))
IMPLIED = Tolerance(kind=ToleranceKind.ABSOLUTE, amount=Decimal("1e-4"))
