"""Risk-weighted assets by the standardised approach to credit risk.

An exposure is its amount times a conversion factor times a risk weight; weights and amounts are
positive. Real estate is weighed by bands of loan to value, or split where the rules split loans.
Source: Basel Framework CRE20 and the rules of the jurisdiction.
"""

from finsvc.calculators.capital.report import capital_result, money, percent
from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.capital.credit_sa import (
    REAL_ESTATE,
    CreditClass,
    CreditExposure,
    CreditInput,
    CreditParameters,
    RealEstate,
)
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.domain.market import MarketView

_CAPITAL_RATIO = 0.08


def credit_rwa(inputs: CreditInput, market: MarketView) -> Computation:
    """Weigh every exposure.

    Raises:
        DateOutOfRangeError: no rules are in force on the day.
        InputError: names the row whose grade, conversion or weight the rules do not know.
    """
    rules = rule_set("sa_credit", CreditParameters, inputs.jurisdiction, inputs.as_of)
    rows: dict[str, Figure] = {}
    exposure_total = weighted_total = 0.0
    for row in inputs.exposures:
        exposure = float(row.amount) * _conversion(row, rules.parameters)
        weight = _weight(row, rules.parameters)
        exposure_total += exposure
        weighted_total += exposure * weight
        rows[f"risk_weight.{row.id}"] = percent(weight)
        rows[f"rwa.{row.id}"] = money(exposure * weight, inputs)
    fields = {
        "rwa_total": money(weighted_total, inputs),
        "capital_total": money(_CAPITAL_RATIO * weighted_total, inputs),
        "exposure_total": money(exposure_total, inputs),
    }
    return capital_result(inputs, rules, headline="rwa_total", fields={**fields, **rows})


def _refuse(row: CreditExposure, field: str, expected: str) -> InputError:
    return InputError(
        field=f"exposures.{row.id}.{field}",
        expected=expected,
        actual=repr(str(getattr(row, field))),
    )


def _conversion(row: CreditExposure, parameters: CreditParameters) -> float:
    if row.conversion not in parameters.conversion:
        raise _refuse(row, "conversion", f"one of {', '.join(parameters.conversion)}")
    return parameters.conversion[row.conversion]


def _weight(row: CreditExposure, parameters: CreditParameters) -> float:
    weight = _own_weight(row, parameters)
    if row.is_mismatched:
        weight = max(weight, min(weight * parameters.mismatch_factor, parameters.mismatch_cap))
    if row.covered_fraction is not None and row.covered_weight is not None:
        covered = float(row.covered_fraction)
        weight = covered * float(row.covered_weight) + (1.0 - covered) * weight
    if row.sme_owed_total is None:
        return weight
    support = parameters.sme_supporting
    if support is None:
        raise UnsupportedError(
            field=f"exposures.{row.id}.sme_owed_total",
            expected="nothing, since these rules know no supporting factor",
            actual=str(row.sme_owed_total),
        )
    owed = float(row.sme_owed_total)
    low = min(owed, support.threshold)
    if owed == 0.0:
        return weight * support.factor_below
    mixed = low * support.factor_below + (owed - low) * support.factor_above
    return weight * mixed / owed


def _own_weight(row: CreditExposure, parameters: CreditParameters) -> float:
    if row.asset_class not in REAL_ESTATE:
        grades = parameters.weights[row.asset_class]
        if row.grade not in grades:
            raise _refuse(row, "grade", f"one of {', '.join(grades)}")
        return grades[row.grade]
    table = {
        CreditClass.RESIDENTIAL: parameters.residential,
        CreditClass.RESIDENTIAL_INCOME: parameters.residential_income,
        CreditClass.COMMERCIAL: parameters.commercial,
        CreditClass.COMMERCIAL_INCOME: parameters.commercial_income,
    }[row.asset_class]
    ratio = float(row.loan_to_value or 0)
    if table.split_weight is not None and table.split_share is not None:
        secured = 1.0 if ratio <= table.split_share else table.split_share / ratio
        if secured == 1.0:
            return table.split_weight
        return secured * table.split_weight + (1.0 - secured) * _counterparty(row)
    return _band_weight(row, table, ratio)


def _band_weight(row: CreditExposure, table: RealEstate, ratio: float) -> float:
    band = next(b for b in table.bands if b.loan_to_value is None or ratio <= b.loan_to_value)
    if band.weight is None:
        return _counterparty(row)
    if row.asset_class is CreditClass.COMMERCIAL and row.counterparty_weight is not None:
        return min(band.weight, _counterparty(row))
    return band.weight


def _counterparty(row: CreditExposure) -> float:
    if row.counterparty_weight is None:
        raise _refuse(row, "counterparty_weight", "the weight of the counterparty")
    return float(row.counterparty_weight)
