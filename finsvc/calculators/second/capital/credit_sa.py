"""Second method of the standardised approach: exposures grouped, weights by a decision list."""

import math
from bisect import bisect_left

from finsvc.calculators.inputs.capital.credit_sa import (
    CreditExposure,
    CreditInput,
    CreditParameters,
    RealEstate,
)
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.calculators.second.opinion import Number, opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion


def confirm_credit_rwa(inputs: CreditInput, market: MarketView) -> SecondOpinion:
    """Weigh every exposure again."""
    parameters = rule_set(
        "sa_credit", CreditParameters, inputs.jurisdiction, inputs.as_of
    ).parameters
    exposures = {
        row.id: float(row.amount) * parameters.conversion[row.conversion]
        for row in inputs.exposures
    }
    percentages = {row.id: 100.0 * _final(row, parameters) for row in inputs.exposures}
    weighted = {name: exposures[name] * percentages[name] / 100.0 for name in exposures}
    values: dict[str, Number] = {f"risk_weight.{name}": x for name, x in percentages.items()}
    values.update({f"rwa.{name}": amount for name, amount in weighted.items()})
    values["rwa_total"] = math.fsum(weighted.values())
    values["capital_total"] = math.fsum(weighted.values()) * 8.0 / 100.0
    values["exposure_total"] = math.fsum(exposures.values())
    return opinion("table by table, exposure by exposure", values)


def _final(row: CreditExposure, parameters: CreditParameters) -> float:
    base = _base(row, parameters)
    if row.is_mismatched and base < parameters.mismatch_cap:
        base = min(parameters.mismatch_cap, base * parameters.mismatch_factor)
    if row.covered_fraction is not None:
        share = float(row.covered_fraction)
        base += share * (float(row.covered_weight or 0) - base)
    support = parameters.sme_supporting
    if row.sme_owed_total is None or support is None:
        return base
    owed = float(row.sme_owed_total)
    if owed <= support.threshold:
        return base * support.factor_below
    step = support.factor_above - support.factor_below
    return base * (support.factor_above - step * support.threshold / owed)


def _base(row: CreditExposure, parameters: CreditParameters) -> float:
    name = row.asset_class.value
    if row.loan_to_value is None:
        return next(w for k, w in parameters.weights.items() if k == name)[row.grade]
    table: RealEstate = getattr(parameters, name)
    ratio = float(row.loan_to_value)
    debtor = float(row.counterparty_weight or 0)
    if table.split_weight is not None:
        share = float(table.split_share or 0)
        if ratio <= share:
            return table.split_weight
        return debtor + (table.split_weight - debtor) * share / ratio
    limits = [math.inf if b.loan_to_value is None else b.loan_to_value for b in table.bands]
    weight = table.bands[bisect_left(limits, ratio)].weight
    if weight is None:
        return debtor
    is_capped = name == "commercial" and row.counterparty_weight is not None
    return min(weight, debtor) if is_capped else weight
