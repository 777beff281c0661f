"""Second method of the basic CVA approach: the covariance of counterparties written out."""

import math
from decimal import Decimal

from finsvc.calculators.inputs.capital.cva import CvaInput, CvaParameters
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.calculators.second.opinion import Number, opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion


def confirm_ba_cva(inputs: CvaInput, market: MarketView) -> SecondOpinion:
    """Compute the charge again."""
    rules = rule_set("ba_cva", CvaParameters, inputs.jurisdiction, inputs.as_of).parameters
    names = list(dict.fromkeys(entry.counterparty for entry in inputs.netting_sets))
    gross = [
        math.fsum(
            rules.weights[entry.sector][entry.quality]
            * _annuity(entry.maturity_years, entry.discount_factor, rules)
            * float(entry.ead)
            / rules.alpha
            for entry in inputs.netting_sets
            if entry.counterparty == name
        )
        for name in names
    ]
    scale = rules.discount_scalar
    reduced = math.sqrt(_variance(gross, rules.supervisory_correlation))
    total = reduced
    if inputs.version == "full":
        total = rules.hedging_share * reduced
        total += (1.0 - rules.hedging_share) * _hedged(inputs, names, gross, rules)
    values: dict[str, Number] = {
        "capital_total": scale * total,
        "rwa_total": scale * total / 0.08,
        "reduced_total": scale * reduced,
    }
    values.update({f"standalone.{name}": x for name, x in zip(names, gross, strict=True)})
    return opinion("covariance matrix written out", values)


def _variance(amounts: list[float], rho: float) -> float:
    square = rho * rho
    return math.fsum(
        one * other * (1.0 if i == j else square)
        for i, one in enumerate(amounts)
        for j, other in enumerate(amounts)
    )


def _annuity(years: Decimal, given: Decimal | None, rules: CvaParameters) -> float:
    """Years times discount factor, the value of one a year until then."""
    if given is not None:
        return float(years) * float(given)
    rate = rules.discount_rate
    return (1.0 - math.exp(-rate * float(years))) / rate


def _hedged(inputs: CvaInput, names: list[str], gross: list[float], rules: CvaParameters) -> float:
    net = dict(zip(names, gross, strict=True))
    penalties = []
    for hedge in inputs.single_name_hedges:
        size = rules.weights[hedge.sector][hedge.quality] * float(hedge.notional)
        size *= _annuity(hedge.maturity_years, hedge.discount_factor, rules)
        rho = rules.hedge_correlation[hedge.relation]
        net[hedge.counterparty] -= rho * size
        penalties.append((1.0 - rho) * (1.0 + rho) * size * size)
    index = math.fsum(
        rules.index_factor
        * float(hedge.risk_weight)
        * float(hedge.notional)
        * _annuity(hedge.maturity_years, hedge.discount_factor, rules)
        for hedge in inputs.index_hedges
    )
    rho = rules.supervisory_correlation
    nets = list(net.values())
    variance = _variance(nets, rho) - 2.0 * rho * index * math.fsum(nets) + index * index
    return math.sqrt(max(variance + math.fsum(penalties), 0.0))
