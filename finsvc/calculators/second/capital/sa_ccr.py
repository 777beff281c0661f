"""Second method of SA-CCR: nested dictionaries of trades, explicit correlation matrices.

The first method works on arrays and squares; here every hedging set is a quadratic form written
out over its members, and the standard normal distribution comes from the error function.
"""

import math
from collections import defaultdict

from finsvc.calculators.inputs.capital.fields import field_part
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.calculators.inputs.capital.sa_ccr import (
    CcrInput,
    CcrParameters,
    CcrTrade,
    NettingSet,
)
from finsvc.calculators.second.opinion import Number, opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion


def confirm_sa_ccr(inputs: CcrInput, market: MarketView) -> SecondOpinion:
    """Compute every netting set again."""
    parameters = rule_set("sa_ccr", CcrParameters, inputs.jurisdiction, inputs.as_of).parameters
    members: defaultdict[str, list[CcrTrade]] = defaultdict(list)
    for trade in inputs.trades:
        members[trade.netting_set].append(trade)
    values: dict[str, Number] = {}
    exposures = []
    for entry in inputs.netting_sets:
        parts = _netting_set(entry, members[entry.id], parameters)
        exposures.append(parts["ead"])
        for name in ("ead", "replacement_cost", "multiplier", "pfe"):
            values[f"{name}.{entry.id}"] = parts.pop(name)
        for name, amount in parts.items():
            values[f"add_on.{entry.id}:{name}"] = amount
    values["ead_total"] = math.fsum(exposures)
    return opinion("trade by trade, quadratic forms written out", values)


def _netting_set(
    entry: NettingSet, trades: list[CcrTrade], parameters: CcrParameters
) -> dict[str, float]:
    value = math.fsum(float(trade.market_value) for trade in trades)
    net = value - float(entry.collateral)
    ways: list[tuple[float, int | None]] = [(max(net, 0.0), None)]
    if entry.margin is not None:
        terms = entry.margin
        call = terms.threshold + terms.minimum_transfer - terms.independent_amount
        ways.append((max(net, float(call), 0.0), terms.risk_period_days))
    found = []
    for cost, period in ways:
        sets = _hedging_sets(trades, parameters, period)
        add_on = math.fsum(sets.values())
        scale = _multiplier(net, add_on, parameters)
        exposure = parameters.alpha[entry.counterparty] * (cost + scale * add_on)
        found.append(
            {
                "ead": exposure,
                "replacement_cost": cost,
                "multiplier": scale,
                "pfe": scale * add_on,
                **sets,
            }
        )
    return found[-1] if found[-1]["ead"] <= found[0]["ead"] else found[0]


def _multiplier(net: float, add_on: float, parameters: CcrParameters) -> float:
    if net >= 0.0:
        return 1.0
    if add_on == 0.0:
        return parameters.multiplier_floor
    rest = 1.0 - parameters.multiplier_floor
    return min(1.0, parameters.multiplier_floor + rest * math.exp(net / (2.0 * 0.95 * add_on)))


def _hedging_sets(
    trades: list[CcrTrade], parameters: CcrParameters, period_days: int | None
) -> dict[str, float]:
    tree: defaultdict[str, defaultdict[tuple[str, float], list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for trade in trades:
        name, member, rho = _place(trade, parameters)
        weight = _supervisory_factor(trade, parameters)
        amount = weight * _effective_notional(trade, parameters, period_days)
        tree[name][member, rho].append(amount)
    return {name: _quadratic(members, parameters) for name, members in tree.items()}


def _quadratic(members: dict[tuple[str, float], list[float]], parameters: CcrParameters) -> float:
    sums = [(member, rho, math.fsum(amounts)) for (member, rho), amounts in members.items()]
    if sums[0][0].startswith("years"):
        years = {member: amount for member, _, amount in sums}
        x, y, z = (years.get(f"years{bucket}", 0.0) for bucket in ("<1", "1-5", ">5"))
        near, far = parameters.adjacent_bucket_correlation, parameters.distant_bucket_correlation
        matrix = [[1.0, near, far], [near, 1.0, near], [far, near, 1.0]]
        vector = [x, y, z]
        total = math.fsum(
            matrix[row][column] * vector[row] * vector[column]
            for row in range(3)
            for column in range(3)
        )
        return math.sqrt(max(total, 0.0))
    common = math.fsum(rho * amount for _, rho, amount in sums)
    # Off the diagonal two members correlate by the product of their loadings.
    total = common * common + math.fsum((1.0 - rho) * (1.0 + rho) * a * a for _, rho, a in sums)
    return math.sqrt(total)


def _place(trade: CcrTrade, parameters: CcrParameters) -> tuple[str, str, float]:
    """Name of the hedging set, member of it, loading of the member on the common factor."""
    kind = trade.transaction.value
    start = "" if kind == "standard" else kind + ":"
    reference = field_part(trade.reference)
    match trade.asset_class.value:
        case "interest_rate":
            end = float(trade.end_years or 0)
            bucket = ">5" if end > 5.0 else "1-5" if end >= 1.0 else "<1"
            return f"{start}interest_rate:{reference}", f"years{bucket}", 1.0
        case "fx":
            return f"{start}fx:{reference}", "net", 1.0
        case "commodity":
            group = "energy" if str(trade.commodity) == "electricity" else str(trade.commodity)
            tail = reference if kind == "basis" else group
            return f"{start}commodity:{tail}", trade.reference, parameters.commodity_correlation
        case other:
            family, level = other.split("_")
            tail = f":{reference}" if kind == "basis" else ""
            loading = {
                "credit_single": parameters.credit_single_correlation,
                "credit_index": parameters.credit_index_correlation,
                "equity_single": parameters.equity_single_correlation,
                "equity_index": parameters.equity_index_correlation,
            }[other]
            return f"{start}{family}{tail}", f"{level} {trade.reference}", loading


def _supervisory_factor(trade: CcrTrade, parameters: CcrParameters) -> float:
    match trade.asset_class.value:
        case "interest_rate":
            base = parameters.interest_rate_factor
        case "fx":
            base = parameters.fx_factor
        case "credit_single":
            base = parameters.credit_single_factor[str(trade.rating)]
        case "credit_index":
            base = parameters.credit_index_factor[str(trade.rating)]
        case "equity_single":
            base = parameters.equity_single_factor
        case "equity_index":
            base = parameters.equity_index_factor
        case _:
            base = next(v for k, v in parameters.commodity_factor.items() if k == trade.commodity)
    if trade.transaction.value == "basis":
        return base * parameters.basis_multiplier
    return base * parameters.volatility_multiplier if trade.transaction == "volatility" else base


def _effective_notional(
    trade: CcrTrade, parameters: CcrParameters, period_days: int | None
) -> float:
    year = parameters.business_days_of_year
    amount = float(trade.notional)
    if trade.end_years is not None:
        start = float(trade.start_years)
        span = max(float(trade.end_years) - start, parameters.maturity_floor_days / year)
        # An annuity from start to end at five percent, continuously compounded.
        amount *= math.exp(-start / 20.0) * -math.expm1(-span / 20.0) * 20.0
    if period_days is None:
        days = min(max(float(trade.maturity_years) * year, parameters.maturity_floor_days), year)
        amount *= math.sqrt(days / year)
    else:
        amount *= math.sqrt(2.25 * period_days / year)
    return amount * _delta(trade, parameters) * (1 if trade.direction == "long" else -1)


def _delta(trade: CcrTrade, parameters: CcrParameters) -> float:
    if trade.tranche is not None:
        a, d = float(trade.tranche.attachment), float(trade.tranche.detachment)
        return 15.0 / (1.0 + 14.0 * (a + d) + 196.0 * a * d)
    option = trade.option
    if option is None:
        return 1.0
    sigma = _volatility(trade, parameters)
    ratio = float(option.price + option.shift) / float(option.strike + option.shift)
    deviation = sigma * math.sqrt(float(option.expiry_years))
    if deviation == 0.0:
        in_the_money = (ratio > 1.0) - (ratio < 1.0)
        upper = 0.5 * (1 + in_the_money)
    else:
        upper = 0.5 * math.erfc(-(math.log(ratio) + deviation**2 / 2) / deviation / math.sqrt(2.0))
    return upper if option.option_type == "call" else upper - 1.0


def _volatility(trade: CcrTrade, parameters: CcrParameters) -> float:
    match trade.asset_class.value:
        case "commodity":
            volatilities = parameters.commodity_volatility.items()
            return next(v for k, v in volatilities if k == trade.commodity)
        case "interest_rate":
            return parameters.interest_rate_volatility
        case "fx":
            return parameters.fx_volatility
        case other:
            return float(getattr(parameters, f"{other}_volatility"))
