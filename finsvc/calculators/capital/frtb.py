"""Market risk capital by the FRTB standardised approach.

Sensitivities-based method (the worst of three correlation scenarios for the whole portfolio), plus
default risk charge, plus residual risk add-on; all in the reporting currency, a charge is positive.
Source: Basel Framework MAR20 to MAR23.
"""

from finsvc.calculators.capital.frtb_default import (
    default_charges,
    portfolio_charge,
    residual_charge,
)
from finsvc.calculators.capital.frtb_sbm import SCENARIOS, sensitivities_charges
from finsvc.calculators.capital.report import capital_result, money
from finsvc.calculators.computation import Computation
from finsvc.calculators.inputs.capital.frtb import FrtbInput
from finsvc.calculators.inputs.capital.frtb_rules import FrtbParameters
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.domain.market import MarketView


def frtb_sa(inputs: FrtbInput, market: MarketView) -> Computation:
    """Compute the capital charge and its parts.

    Raises:
        DateOutOfRangeError: no rules are in force on the day.
        InputError: names the row that the rules cannot place.
    """
    rules = rule_set("frtb", FrtbParameters, inputs.jurisdiction, inputs.as_of)
    parameters = rules.parameters
    charges = sensitivities_charges(inputs, parameters)
    totals = {name: sum(part[name].total for part in charges.values()) for name in SCENARIOS}
    chosen = max(SCENARIOS, key=lambda name: totals[name])
    defaults = default_charges(inputs.default_positions, parameters.default_risk)
    default_total = sum(
        portfolio_charge(portfolio, buckets, parameters.default_risk)
        for portfolio, buckets in defaults.items()
    )
    residual = residual_charge(inputs.residual_positions, parameters.residual)
    fields = {
        "capital_total": money(totals[chosen] + default_total + residual, inputs),
        "sensitivities_total": money(totals[chosen], inputs),
        "default_total": money(default_total, inputs),
        "residual_total": money(residual, inputs),
    }
    for name in SCENARIOS:
        fields[f"scenario.{name}"] = money(totals[name], inputs)
    for (risk_class, measure), part in charges.items():
        for name in SCENARIOS:
            fields[f"charge.{risk_class}:{measure}:{name}"] = money(part[name].total, inputs)
        for bucket, charge in part[chosen].buckets.items():
            fields[f"bucket.{risk_class}:{measure}:{bucket}"] = money(charge, inputs)
    for portfolio, buckets in defaults.items():
        for bucket, charge in buckets.items():
            fields[f"default.{portfolio}:{bucket}"] = money(charge, inputs)
    return capital_result(
        inputs, rules, headline="capital_total", fields=fields, labels={"scenario": chosen}
    )
