"""Second methods of the liquidity ratios.

The capped stock is the fixed point of its own composition limits, found by iteration; the first
method fills the limits one after the other. Sums are exact decimals.
"""

from collections.abc import Mapping
from decimal import Decimal

from finsvc.calculators.inputs.capital.liquidity import (
    LcrInput,
    LcrParameters,
    LiquidityRow,
    NsfrInput,
    NsfrParameters,
)
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.calculators.second.opinion import Number, opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_HUNDRED = Decimal(100)
_STEPS = 200


def confirm_liquidity_coverage(inputs: LcrInput, market: MarketView) -> SecondOpinion:
    """Compute the liquidity coverage ratio again."""
    rules = rule_set("lcr", LcrParameters, inputs.jurisdiction, inputs.as_of).parameters
    levels = {"level1": Decimal(0), "level1_covered": Decimal(0)}
    levels |= {"level2a": Decimal(0), "level2b": Decimal(0)}
    for row in inputs.assets:
        level = next(name for name in reversed(levels) if row.category.startswith(name))
        levels[level] += row.amount - row.amount * _exact(rules.haircuts[row.category])
    gross = sum(levels.values(), Decimal(0))
    unwound = {
        name: float(max(amount + getattr(inputs.unwind, name), Decimal(0)))
        for name, amount in levels.items()
    }
    stock = max(float(gross) - (sum(unwound.values()) - _capped(unwound, rules)), 0.0)
    outflow = _total(inputs.outflows, rules.outflow_rates)
    inflow = min(_total(inputs.inflows, rules.inflow_rates), _exact(rules.inflow_cap) * outflow)
    net = outflow - inflow
    values: dict[str, Number] = {
        "lcr": stock * 100.0 / float(net),
        "requirement": _exact(rules.minimum) * _HUNDRED,
        "surplus": stock - float(_exact(rules.minimum) * net),
        "liquid_assets": stock,
        "assets_over_caps": float(gross) - stock,
        "outflows_total": outflow,
        "inflows_total": inflow,
        "net_outflows": net,
    }
    values.update({f"assets.{name}": amount for name, amount in levels.items()})
    return opinion("fixed point of the composition limits", values)


def confirm_net_stable_funding(inputs: NsfrInput, market: MarketView) -> SecondOpinion:
    """Compute the net stable funding ratio again."""
    rules = rule_set("nsfr", NsfrParameters, inputs.jurisdiction, inputs.as_of).parameters
    available = _total(inputs.available, rules.available)
    required = _total(inputs.required, rules.required)
    values: dict[str, Number] = {
        "nsfr": available * _HUNDRED / required,
        "requirement": _exact(rules.minimum) * _HUNDRED,
        "surplus": available - _exact(rules.minimum) * required,
        "available_total": available,
        "required_total": required,
    }
    for table, rows, factors in (
        ("available", inputs.available, rules.available),
        ("required", inputs.required, rules.required),
    ):
        for row in rows:
            values[f"{table}.{row.id}"] = row.amount * _exact(factors[row.category])
    return opinion("exact decimals", values)


def _exact(factor: float) -> Decimal:
    return Decimal(repr(factor))


def _total(rows: tuple[LiquidityRow, ...], factors: Mapping[str, float]) -> Decimal:
    return sum((row.amount * _exact(factors[row.category]) for row in rows), Decimal(0))


def _capped(levels: Mapping[str, float], rules: LcrParameters) -> float:
    """Largest stock that keeps every share of it within its cap.

    A stock T may hold level 2B up to its cap of T, with level 2A up to theirs, with covered bonds
    up to theirs. The map contracts by the largest cap, so the iteration settles.
    """
    total = sum(levels.values())
    for _ in range(_STEPS):
        inner = min(rules.level2b_cap * total, levels["level2b"])
        inner = min(rules.level2_cap * total, levels["level2a"] + inner)
        inner += levels["level1_covered"]
        if rules.covered_cap is not None:
            inner = min(rules.covered_cap * total, inner)
        total = levels["level1"] + inner
    return total
