"""Parameter file of an initial margin model of ISDA's SIMM form, supplied by the operator.

finsvc ships no SIMM parameters: they belong to ISDA, and running the model needs ISDA's licence.
The operator writes a version's figures in this form; the result names version and dates. Weights
are in the units of the model (basis points of rates and credit, percent of prices); thresholds are
in USD.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import DateText, NumberText
from finsvc.calculators.inputs.capital.rulebook import Parameters
from finsvc.domain.errors import InputError

Threshold = Annotated[float, Field(gt=0)]
"""A concentration threshold in USD."""


@contextmanager
def complete_tables() -> Iterator[None]:
    """Name an entry that a parameter file lacks.

    Raises:
        InputError: a table of the parameters has no such entry.
    """
    try:
        yield
    except KeyError as error:
        raise InputError(
            field="parameters", expected=f"an entry for {error} in every table", actual="none"
        ) from error


class SimmRates(Parameters):
    """Interest rate risk; groups sort currencies by volatility and by concentration."""

    weights: Mapping[str, Mapping[str, float]]
    volatility_group: Mapping[str, str]
    default_volatility_group: str
    inflation_weight: float
    cross_currency_weight: float
    vega_weight: float
    historical_volatility_ratio: float
    tenors: tuple[str, ...]
    tenor_correlation: tuple[tuple[float, ...], ...]
    inflation_correlation: float
    cross_currency_correlation: float
    sub_curve_correlation: float
    currency_correlation: float
    concentration_group: Mapping[str, str]
    default_concentration_group: str
    delta_threshold: Mapping[str, Threshold]
    vega_threshold: Mapping[str, Threshold]

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.tenors)
        if [len(row) for row in self.tenor_correlation] != [size] * size:
            raise ValueError(f"expected tenor_correlation of {size} rows and columns")
        return self


class SimmBucketed(Parameters):
    """Credit, equity or commodity risk; the bucket ``Residual`` stands alone.

    ``historical_volatility_ratio`` is None where vega amounts already hold the volatility.
    ``same_name_correlation`` is between factors of one issuer (or index family of non-qualifying
    credit), ``other_name_correlation`` between others.
    """

    weights: Mapping[str, float]
    vega_weights: Mapping[str, float]
    historical_volatility_ratio: float | None
    same_name_correlation: Mapping[str, float]
    other_name_correlation: Mapping[str, float]
    bucket_correlation: Mapping[str, Mapping[str, float]]
    delta_threshold: Mapping[str, Threshold]
    vega_threshold: Mapping[str, Threshold]
    no_curvature_buckets: tuple[str, ...]


class SimmBaseCorrelation(Parameters):
    """Base correlation risk of qualifying credit."""

    weight: float
    correlation: float


class SimmFx(Parameters):
    """Foreign exchange risk.

    ``weights`` are by the volatility groups of the currency and of the calculation currency,
    ``correlations`` by that of the calculation currency and those of the two currencies.
    """

    volatility_group: Mapping[str, str]
    default_volatility_group: str
    weights: Mapping[str, Mapping[str, float]]
    vega_weight: float
    historical_volatility_ratio: float
    correlations: Mapping[str, Mapping[str, Mapping[str, float]]]
    vega_correlation: float
    concentration_group: Mapping[str, str]
    default_concentration_group: str
    delta_threshold: Mapping[str, Threshold]
    vega_threshold: Mapping[str, Mapping[str, Threshold]]


class SimmParameters(Parameters):
    """One version of the model; ``calendar_days`` is 14 for ten business days, 1.4 for one.

    ``has_concentration`` says whether thresholds count (not in the version for one day).
    """

    version: str
    effective_from: DateText
    effective_to: DateText
    calendar_days: Annotated[NumberText, Field(gt=0)]
    has_concentration: bool
    rates: SimmRates
    bucketed: Mapping[str, SimmBucketed]
    base_correlation: SimmBaseCorrelation
    fx: SimmFx
    risk_class_correlation: Mapping[str, Mapping[str, float]]
