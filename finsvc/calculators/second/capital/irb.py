"""Second method of the internal ratings-based approach: one exposure at a time.

The conditional default rate comes from the complementary error function, the quantile from
`statistics.NormalDist`; the first method uses scipy on arrays.
"""

import math
from statistics import NormalDist

from finsvc.calculators.inputs.capital.irb import (
    IrbClass,
    IrbExposure,
    IrbInput,
    IrbParameters,
)
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.calculators.second.opinion import Number, opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_NORMAL = NormalDist()


def confirm_irb_rwa(inputs: IrbInput, market: MarketView) -> SecondOpinion:
    """Weigh every exposure again."""
    parameters = rule_set("irb", IrbParameters, inputs.jurisdiction, inputs.as_of).parameters
    values: dict[str, Number] = {}
    rwa_parts, loss_parts, ead_parts = [], [], []
    for row in inputs.exposures:
        weight, loss = _weight_and_loss(row, parameters)
        ead = float(row.ead)
        rwa = weight / 100.0 * ead * parameters.scaling_factor * _relief(row, parameters)
        values[f"risk_weight.{row.id}"] = weight
        values[f"rwa.{row.id}"] = rwa
        values[f"expected_loss.{row.id}"] = loss * ead
        rwa_parts.append(rwa)
        loss_parts.append(loss * ead)
        ead_parts.append(ead)
    values["rwa_total"] = math.fsum(rwa_parts)
    values["capital_total"] = math.fsum(rwa_parts) / 12.5
    values["expected_loss_total"] = math.fsum(loss_parts)
    values["ead_total"] = math.fsum(ead_parts)
    return opinion("exposure by exposure, complementary error function", values)


def _weight_and_loss(row: IrbExposure, parameters: IrbParameters) -> tuple[float, float]:
    """Risk weight in percent and loss rate of a row."""
    revolver = row.asset_class is IrbClass.QUALIFYING_REVOLVING and row.is_transactor is False
    least = parameters.pd_floor_revolver if revolver else parameters.pd_floor[row.asset_class]
    pd, lgd = float(row.pd), float(row.lgd)
    pd = least if pd < least else pd
    for kind, floor in parameters.lgd_floor[row.asset_class].items():
        if kind == row.secured_by and lgd < floor:
            lgd = floor
    if pd == 1.0:
        estimate = lgd if row.el_best_estimate is None else float(row.el_best_estimate)
        return 1250.0 * max(lgd - estimate, 0.0), estimate
    if pd == 0.0:
        return 0.0, 0.0
    rho = _asset_correlation(row, pd, parameters)
    # The obligor defaults when its asset value falls below a threshold; this is the rate of such
    # falls in the one year out of a thousand.
    distance = (_NORMAL.inv_cdf(0.999) * math.sqrt(rho) + _NORMAL.inv_cdf(pd)) / math.sqrt(1 - rho)
    stressed = math.erfc(-distance / math.sqrt(2.0)) / 2.0
    weight = 1250.0 * lgd * (stressed - pd)
    if row.asset_class in {IrbClass.CORPORATE, IrbClass.BANK, IrbClass.SOVEREIGN}:
        b = math.pow(0.11852 - 0.05478 * math.log(pd), 2)
        years = sorted((1.0, float(row.maturity_years), 5.0))[1]
        weight *= (1.0 + b * years - 2.5 * b) / (1.0 - 1.5 * b)
    return weight, pd * lgd


def _asset_correlation(row: IrbExposure, pd: float, parameters: IrbParameters) -> float:
    if row.asset_class is IrbClass.RESIDENTIAL_MORTGAGE:
        return 0.15
    if row.asset_class is IrbClass.QUALIFYING_REVOLVING:
        return 0.04
    if row.asset_class is IrbClass.OTHER_RETAIL:
        return 0.16 - 0.13 * (1.0 - math.exp(-35.0 * pd)) / (1.0 - math.exp(-35.0))
    rho = 0.24 - 0.12 * (1.0 - math.exp(-50.0 * pd)) / (1.0 - math.exp(-50.0))
    sales = row.annual_sales_millions
    if sales is not None and float(sales) < parameters.sme_sales_upper_millions:
        span = parameters.sme_sales_upper_millions - parameters.sme_sales_lower_millions
        short = parameters.sme_sales_upper_millions - float(sales)
        rho -= 0.04 * min(short / span, 1.0)
    return rho * parameters.large_financial_multiplier if row.is_large_financial else rho


def _relief(row: IrbExposure, parameters: IrbParameters) -> float:
    support = parameters.sme_supporting
    if support is None or not row.sme_owed_total:
        return support.factor_below if support and row.sme_owed_total is not None else 1.0
    owed = float(row.sme_owed_total)
    low = min(owed, support.threshold)
    return (low * support.factor_below + (owed - low) * support.factor_above) / owed
