"""Capital for credit valuation adjustment risk by the basic approach, reduced and full.

Amounts are in the reporting currency, a charge is positive; risk-weighted assets are 12.5 times the
charge. Source: Basel Framework MAR50.14 to MAR50.26.
"""

import math
from collections import defaultdict
from decimal import Decimal

from finsvc.calculators.capital.report import capital_result, money
from finsvc.calculators.computation import Computation
from finsvc.calculators.inputs.capital.cva import CvaInput, CvaParameters, Quality
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

_WEIGHT_OF_CAPITAL = 12.5


def ba_cva(inputs: CvaInput, market: MarketView) -> Computation:
    """Compute the charge and the standalone charges of the counterparties.

    Raises:
        DateOutOfRangeError: no rules are in force on the day.
        InputError: names the row whose sector the rules do not know.
    """
    rules = rule_set("ba_cva", CvaParameters, inputs.jurisdiction, inputs.as_of)
    parameters = rules.parameters
    standalone: defaultdict[str, float] = defaultdict(float)
    for entry in inputs.netting_sets:
        weight = _weight(f"netting_sets.{entry.id}", entry.sector, entry.quality, parameters)
        years = float(entry.maturity_years)
        factor = _discount(years, entry.discount_factor, parameters)
        standalone[entry.counterparty] += weight * years * float(entry.ead) * factor
    standalone = defaultdict(float, {k: v / parameters.alpha for k, v in standalone.items()})
    reduced = _charge(standalone, 0.0, parameters)
    charge = reduced
    if inputs.version == "full":
        net, mismatch = _hedged(inputs, standalone, parameters)
        index = sum(
            parameters.index_factor
            * float(hedge.risk_weight)
            * float(hedge.maturity_years)
            * float(hedge.notional)
            * _discount(float(hedge.maturity_years), hedge.discount_factor, parameters)
            for hedge in inputs.index_hedges
        )
        hedged = math.sqrt(_charge(net, index, parameters) ** 2 + mismatch)
        share = parameters.hedging_share
        charge = share * reduced + (1.0 - share) * hedged
    capital = parameters.discount_scalar * charge
    fields = {
        "capital_total": money(capital, inputs),
        "rwa_total": money(_WEIGHT_OF_CAPITAL * capital, inputs),
        "reduced_total": money(parameters.discount_scalar * reduced, inputs),
    }
    for name, amount in standalone.items():
        fields[f"standalone.{name}"] = money(amount, inputs)
    return capital_result(
        inputs,
        rules,
        headline="capital_total",
        fields=fields,
        labels={"version": inputs.version},
    )


def _charge(standalone: dict[str, float], index: float, parameters: CvaParameters) -> float:
    rho = parameters.supervisory_correlation
    common = rho * sum(standalone.values()) - index
    own = (1.0 - rho**2) * sum(amount**2 for amount in standalone.values())
    return math.sqrt(common**2 + own)


def _hedged(
    inputs: CvaInput, standalone: dict[str, float], parameters: CvaParameters
) -> tuple[dict[str, float], float]:
    """Charges net of single-name hedges, and the penalty for indirect ones."""
    net = dict(standalone)
    mismatch = 0.0
    for hedge in inputs.single_name_hedges:
        weight = _weight(f"single_name_hedges.{hedge.id}", hedge.sector, hedge.quality, parameters)
        years = float(hedge.maturity_years)
        size = weight * years * float(hedge.notional)
        size *= _discount(years, hedge.discount_factor, parameters)
        rho = parameters.hedge_correlation[hedge.relation]
        net[hedge.counterparty] -= rho * size
        mismatch += (1.0 - rho**2) * size**2
    return net, mismatch


def _weight(row: str, sector: str, quality: Quality, parameters: CvaParameters) -> float:
    if sector not in parameters.weights:
        raise InputError(
            field=f"{row}.sector",
            expected=f"one of {', '.join(parameters.weights)}",
            actual=repr(sector),
        )
    return parameters.weights[sector][quality]


def _discount(years: float, given: Decimal | None, parameters: CvaParameters) -> float:
    """Given factor, or the supervisory one: the mean of a discounted unit, 1 at zero years."""
    if given is not None:
        return float(given)
    exponent = parameters.discount_rate * years
    return -math.expm1(-exponent) / exponent if exponent > 0.0 else 1.0
