"""From CRIF rows to netted risk factors, or an error that names the row."""

import math
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from finsvc.calculators.inputs.capital.simm import CrifRow
from finsvc.calculators.inputs.capital.simm_rules import SimmParameters
from finsvc.domain.errors import InputError

VOLATILITY_QUANTILE = 2.3263478740408408
"""Quantile of the standard normal distribution at 99 %."""

_PRODUCTS = ("RatesFX", "Credit", "Equity", "Commodity")
_DAYS = {"w": 7.0, "m": 365.0 / 12.0, "y": 365.0}
_VOLATILITY_TENOR_CLASSES = frozenset({"rates", "credit_qualifying", "credit_non_qualifying"})
_PAIR_LETTERS = 6
_CURRENCY_LETTERS = 3


class SimmMeasure(StrEnum):
    """Measure of a sensitivity."""

    DELTA = "delta"
    VEGA = "vega"
    CURVATURE = "curvature"
    BASE_CORRELATION = "base_correlation"


_TYPES = {
    "risk_ircurve": ("rates", SimmMeasure.DELTA),
    "risk_inflation": ("rates", SimmMeasure.DELTA),
    "risk_xccybasis": ("rates", SimmMeasure.DELTA),
    "risk_irvol": ("rates", SimmMeasure.VEGA),
    "risk_inflationvol": ("rates", SimmMeasure.VEGA),
    "risk_fx": ("fx", SimmMeasure.DELTA),
    "risk_fxvol": ("fx", SimmMeasure.VEGA),
    "risk_creditq": ("credit_qualifying", SimmMeasure.DELTA),
    "risk_creditvol": ("credit_qualifying", SimmMeasure.VEGA),
    "risk_basecorr": ("credit_qualifying", SimmMeasure.BASE_CORRELATION),
    "risk_creditnonq": ("credit_non_qualifying", SimmMeasure.DELTA),
    "risk_creditvolnonq": ("credit_non_qualifying", SimmMeasure.VEGA),
    "risk_equity": ("equity", SimmMeasure.DELTA),
    "risk_equityvol": ("equity", SimmMeasure.VEGA),
    "risk_commodity": ("commodity", SimmMeasure.DELTA),
    "risk_commodityvol": ("commodity", SimmMeasure.VEGA),
}

ADD_ON_TYPES = frozenset(
    {
        "notional",
        "param_addonnotionalfactor",
        "param_addonfixedamount",
        "param_productclassmultiplier",
    }
)
"""Row types of add-ons, in lower case."""


@dataclass(frozen=True, slots=True, order=True)
class SimmFactor:
    """A risk factor within a bucket.

    ``issuer`` decides concentration, ``family`` correlation; ``tenor`` and ``kind`` (sub-curve,
    ``inflation``, ``cross_currency``) are empty where the class has none.
    """

    bucket: str
    issuer: str
    family: str
    tenor: str
    kind: str


Subject = tuple[str, str, SimmMeasure]
"""Product class, risk class and measure."""

Netted = dict[Subject, dict[SimmFactor, float]]
"""Sums of amounts, volatilities multiplied in, before weights."""


def row_error(number: int, row: CrifRow, field: str, expected: str) -> InputError:
    """Build the error for a field of a row that the model cannot place."""
    return InputError(
        field=f"crif row {number}.{field}", expected=expected, actual=repr(getattr(row, field))
    )


def netted_factors(
    rows: tuple[CrifRow, ...], parameters: SimmParameters, calculation_currency: str
) -> Netted:
    """Net all rows but add-ons to risk factors; vega rows give curvature too.

    Raises:
        InputError: names the first row that cannot be mapped.
    """
    netted: defaultdict[Subject, defaultdict[SimmFactor, float]]
    netted = defaultdict(lambda: defaultdict(float))
    for number, row in enumerate(rows, start=1):
        risk_type = row.risk_type.lower()
        if risk_type in ADD_ON_TYPES:
            continue
        if risk_type not in _TYPES:
            raise row_error(number, row, "risk_type", "a risk type of the CRIF")
        product = next((p for p in _PRODUCTS if p.lower() == row.product_class.lower()), None)
        if product is None:
            raise row_error(number, row, "product_class", f"one of {', '.join(_PRODUCTS)}")
        risk_class, measure = _TYPES[risk_type]
        factor = _factor(number, row, (risk_class, measure), parameters)
        if risk_type == "risk_fx" and factor.issuer == calculation_currency:
            continue
        amount = float(row.amount_usd)
        if measure is SimmMeasure.VEGA:
            plain = amount * _volatility(risk_class, factor, parameters)
            ratio = _historical_ratio(risk_class, parameters)
            netted[product, risk_class, measure][factor] += plain * ratio
            if _has_curvature(risk_class, factor, parameters):
                share = _curvature_share(number, row, float(parameters.calendar_days))
                subject = (product, risk_class, SimmMeasure.CURVATURE)
                netted[subject][factor] += plain * share
        else:
            netted[product, risk_class, measure][factor] += amount
    return {subject: dict(factors) for subject, factors in netted.items()}


def _factor(
    number: int, row: CrifRow, subject: tuple[str, SimmMeasure], parameters: SimmParameters
) -> SimmFactor:
    risk_class, measure = subject
    if not row.qualifier:
        raise row_error(number, row, "qualifier", "a currency, issuer or commodity")
    if risk_class == "rates":
        return _rate_factor(number, row, parameters)
    if risk_class == "fx":
        name = _fx_name(number, row, measure)
        return SimmFactor("", name, name, "", "")
    if measure is SimmMeasure.BASE_CORRELATION:
        return SimmFactor("", row.qualifier, row.qualifier, "", "")
    rules = parameters.bucketed[risk_class]
    bucket = "Residual" if row.bucket.lower() == "residual" else row.bucket
    if bucket not in rules.weights:
        raise row_error(number, row, "bucket", f"one of {', '.join(rules.weights)}")
    is_credit = risk_class.startswith("credit")
    if is_credit and not row.label1:
        raise row_error(number, row, "label1", "a tenor")
    family = row.label2.lower() if risk_class == "credit_non_qualifying" else row.qualifier
    kind = row.label2.lower() if is_credit else ""
    tenor = row.label1.lower() if is_credit else ""
    return SimmFactor(bucket, row.qualifier, family, tenor, kind)


def _rate_factor(number: int, row: CrifRow, parameters: SimmParameters) -> SimmFactor:
    currency = row.qualifier
    if len(currency) != _CURRENCY_LETTERS:
        raise row_error(number, row, "qualifier", "a currency")
    risk_type = row.risk_type.lower()
    if risk_type in {"risk_inflation", "risk_inflationvol"}:
        return SimmFactor(currency, currency, "", "", "inflation")
    if risk_type == "risk_xccybasis":
        return SimmFactor(currency, currency, "", "", "cross_currency")
    tenor = row.label1.lower()
    if tenor not in parameters.rates.tenors:
        raise row_error(number, row, "label1", f"one of {', '.join(parameters.rates.tenors)}")
    return SimmFactor(currency, currency, "", tenor, f"curve {row.label2.lower()}")


def _fx_name(number: int, row: CrifRow, measure: SimmMeasure) -> str:
    letters = _PAIR_LETTERS if measure is SimmMeasure.VEGA else _CURRENCY_LETTERS
    if len(row.qualifier) != letters:
        expected = "a pair of currencies" if measure is SimmMeasure.VEGA else "a currency"
        raise row_error(number, row, "qualifier", expected)
    if measure is SimmMeasure.DELTA:
        return row.qualifier
    return "".join(sorted((row.qualifier[:3], row.qualifier[3:])))


def _volatility(risk_class: str, factor: SimmFactor, parameters: SimmParameters) -> float:
    """Implied by the delta weight where vega amounts do not hold the volatility."""
    if risk_class in _VOLATILITY_TENOR_CLASSES:
        return 1.0
    if risk_class == "fx":
        groups = [fx_group(code, parameters) for code in (factor.issuer[:3], factor.issuer[3:])]
        weight = parameters.fx.weights[groups[0]][groups[1]]
    else:
        weight = parameters.bucketed[risk_class].weights[factor.bucket]
    return weight * math.sqrt(365.0 / float(parameters.calendar_days)) / VOLATILITY_QUANTILE


def _historical_ratio(risk_class: str, parameters: SimmParameters) -> float:
    if risk_class == "fx":
        return parameters.fx.historical_volatility_ratio
    rules = parameters.bucketed.get(risk_class)
    ratio = None if rules is None else rules.historical_volatility_ratio
    return 1.0 if ratio is None else ratio


def _has_curvature(risk_class: str, factor: SimmFactor, parameters: SimmParameters) -> bool:
    rules = parameters.bucketed.get(risk_class)
    return rules is None or factor.bucket not in rules.no_curvature_buckets


def _curvature_share(number: int, row: CrifRow, calendar_days: float) -> float:
    """Half of the margin period over the time to expiry, at most a half."""
    text = row.label1.lower()
    try:
        days = float(text[:-1]) * _DAYS[text[-1:]]
    except (KeyError, ValueError) as error:
        raise row_error(number, row, "label1", "a tenor such as 2w, 3m or 10y") from error
    if not days > 0.0:
        raise row_error(number, row, "label1", "a tenor above zero")
    return 0.5 * min(1.0, calendar_days / days)


def fx_group(currency: str, parameters: SimmParameters) -> str:
    """Volatility group of a currency."""
    return parameters.fx.volatility_group.get(currency, parameters.fx.default_volatility_group)
