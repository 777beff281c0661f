"""Risk-weighted assets by the internal ratings-based approach.

Conventions: probabilities and losses given default are fractions, amounts are exposures at default
in the reporting currency; the risk weight of an exposure is shown without the scaling factor of
the rules, its weighted amount with it. Capital is 8 % of the weighted amount.
Source: Basel Framework CRE31 (functions), CRE32 (floors).
"""

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri  # type: ignore[import-untyped] # ships no types

from finsvc.calculators.capital.report import capital_result, money, percent
from finsvc.calculators.computation import Computation
from finsvc.calculators.inputs.capital.irb import (
    WHOLESALE,
    IrbClass,
    IrbExposure,
    IrbInput,
    IrbParameters,
)
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.domain.market import MarketView

_Floats = npt.NDArray[np.float64]

_CONFIDENCE = 0.999
_CAPITAL_RATIO = 0.08
_WEIGHT_OF_CAPITAL = 12.5
_MATURITY_MIN, _MATURITY_MAX = 1.0, 5.0


def irb_rwa(inputs: IrbInput, market: MarketView) -> Computation:
    """Weigh every exposure.

    Raises:
        DateOutOfRangeError: no rules are in force on the day.
        InputError: a probability of default too small for the maturity adjustment.
    """
    rules = rule_set("irb", IrbParameters, inputs.jurisdiction, inputs.as_of)
    exposures = inputs.exposures
    parameters = rules.parameters
    pd = np.array([_floored_pd(row, parameters) for row in exposures], dtype=np.float64)
    lgd = np.array([_floored_lgd(row, parameters) for row in exposures], dtype=np.float64)
    ead = np.array([row.ead for row in exposures], dtype=np.float64)
    weights = _WEIGHT_OF_CAPITAL * _requirement(exposures, pd, lgd, parameters)
    support = np.array([_supporting_factor(row, parameters) for row in exposures], dtype=np.float64)
    weighted = weights * ead * parameters.scaling_factor * support
    losses = np.array(
        [_loss_rate(row, *pair) for row, *pair in zip(exposures, pd, lgd, strict=True)]
    )
    losses = losses * ead
    total = float(weighted.sum())
    fields = {
        "rwa_total": money(total, inputs),
        "capital_total": money(_CAPITAL_RATIO * total, inputs),
        "expected_loss_total": money(float(losses.sum()), inputs),
        "ead_total": money(float(ead.sum()), inputs),
    }
    for idx, row in enumerate(exposures):
        fields[f"risk_weight.{row.id}"] = percent(float(weights[idx]))
        fields[f"rwa.{row.id}"] = money(float(weighted[idx]), inputs)
        fields[f"expected_loss.{row.id}"] = money(float(losses[idx]), inputs)
    return capital_result(inputs, rules, headline="rwa_total", fields=fields)


def _floored_pd(row: IrbExposure, parameters: IrbParameters) -> float:
    floor = parameters.pd_floor[row.asset_class]
    if row.asset_class is IrbClass.QUALIFYING_REVOLVING and not row.is_transactor:
        floor = parameters.pd_floor_revolver
    return max(float(row.pd), floor)


def _floored_lgd(row: IrbExposure, parameters: IrbParameters) -> float:
    if row.secured_by is None:
        return float(row.lgd)
    floors = parameters.lgd_floor[row.asset_class]
    return max(float(row.lgd), floors.get(row.secured_by, 0.0))


def _loss_rate(row: IrbExposure, pd: float, lgd: float) -> float:
    return pd * lgd if row.el_best_estimate is None else float(row.el_best_estimate)


def _supporting_factor(row: IrbExposure, parameters: IrbParameters) -> float:
    if row.sme_owed_total is None:
        return 1.0
    support = parameters.sme_supporting
    if support is None:
        raise UnsupportedError(
            field=f"exposures.{row.id}.sme_owed_total",
            expected="nothing, since these rules know no supporting factor",
            actual=str(row.sme_owed_total),
        )
    owed = float(row.sme_owed_total)
    if owed <= support.threshold:
        return support.factor_below
    above = owed - support.threshold
    return (support.threshold * support.factor_below + above * support.factor_above) / owed


def _requirement(
    exposures: tuple[IrbExposure, ...], pd: _Floats, lgd: _Floats, parameters: IrbParameters
) -> _Floats:
    """Capital K per unit of exposure, zero at the limits of the probability of default."""
    correlation = np.array(
        [_correlation(row, float(p), parameters) for row, p in zip(exposures, pd, strict=True)],
        dtype=np.float64,
    )
    conditional = ndtr(
        (ndtri(pd) + np.sqrt(correlation) * ndtri(_CONFIDENCE)) / np.sqrt(1.0 - correlation)
    )
    capital = lgd * (conditional - pd)
    capital = capital * np.array(
        [_maturity_factor(row, float(p)) for row, p in zip(exposures, pd, strict=True)],
        dtype=np.float64,
    )
    estimates = [
        loss if row.el_best_estimate is None else float(row.el_best_estimate)
        for row, loss in zip(exposures, lgd, strict=True)
    ]
    in_default = np.maximum(0.0, lgd - np.array(estimates, dtype=np.float64))
    return np.where(pd >= 1.0, in_default, capital)


def _correlation(row: IrbExposure, pd: float, parameters: IrbParameters) -> float:
    if row.asset_class is IrbClass.RESIDENTIAL_MORTGAGE:
        return 0.15
    if row.asset_class is IrbClass.QUALIFYING_REVOLVING:
        return 0.04
    decay, low, high = (
        (35.0, 0.03, 0.16) if row.asset_class is IrbClass.OTHER_RETAIL else (50.0, 0.12, 0.24)
    )
    weight = -np.expm1(-decay * pd) / -np.expm1(-decay)
    correlation = low * weight + high * (1.0 - weight)
    if row.annual_sales_millions is not None:
        lower, upper = parameters.sme_sales_lower_millions, parameters.sme_sales_upper_millions
        sales = min(max(float(row.annual_sales_millions), lower), upper)
        correlation -= 0.04 * (1.0 - (sales - lower) / (upper - lower))
    if row.is_large_financial:
        correlation *= parameters.large_financial_multiplier
    return float(correlation)


def _maturity_factor(row: IrbExposure, pd: float) -> float:
    if row.asset_class not in WHOLESALE or pd in {0.0, 1.0}:
        return 1.0
    slope = float((0.11852 - 0.05478 * np.log(pd)) ** 2)
    denominator = 1.0 - 1.5 * slope
    if denominator <= 0.0:
        raise InputError(
            field=f"exposures.{row.id}.pd",
            expected="0 or a probability for which the maturity adjustment is defined",
            actual=str(row.pd),
        )
    years = min(max(float(row.maturity_years), _MATURITY_MIN), _MATURITY_MAX)
    return (1.0 + (years - 2.5) * slope) / denominator
