"""Liquidity coverage ratio and net stable funding ratio.

Ratios are in percent; a surplus is positive. Assets enter before haircuts. A ratio without outflows
or without required funding has no value and is refused.
Source: BCBS 238 (LCR30 to LCR40), BCBS 295 (NSF20, NSF30), Delegated Regulation (EU) 2015/61.
"""

from collections.abc import Mapping

from finsvc.calculators.capital.report import capital_result, money, percent
from finsvc.calculators.computation import Computation
from finsvc.calculators.inputs.capital.liquidity import (
    LcrInput,
    LcrParameters,
    LiquidityRow,
    NsfrInput,
    NsfrParameters,
)
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView


def liquidity_coverage(inputs: LcrInput, market: MarketView) -> Computation:
    """Compute the liquidity coverage ratio.

    Raises:
        DateOutOfRangeError: no rules are in force on the day.
        InputError: a row of unknown category, or no net outflows.
    """
    rules = rule_set("lcr", LcrParameters, inputs.jurisdiction, inputs.as_of)
    parameters = rules.parameters
    levels = _levels(inputs, parameters)
    stock = _stock(levels, inputs, parameters)
    gross = sum(levels.values())
    outflow = _weighed("outflows", inputs.outflows, parameters.outflow_rates)
    inflow = _weighed("inflows", inputs.inflows, parameters.inflow_rates)
    counted = min(inflow, parameters.inflow_cap * outflow)
    net = outflow - counted
    if net <= 0.0:
        raise InputError(
            field="outflows", expected="net outflows above zero", actual=f"{net:g} net outflows"
        )
    fields = {
        "lcr": percent(stock / net),
        "requirement": percent(parameters.minimum),
        "surplus": money(stock - parameters.minimum * net, inputs),
        "liquid_assets": money(stock, inputs),
        "assets_over_caps": money(gross - stock, inputs),
        "outflows_total": money(outflow, inputs),
        "inflows_total": money(counted, inputs),
        "net_outflows": money(net, inputs),
    }
    for name, amount in levels.items():
        fields[f"assets.{name}"] = money(amount, inputs)
    return capital_result(
        inputs,
        rules,
        headline="lcr",
        fields=fields,
        labels={"status": _status(stock >= parameters.minimum * net)},
    )


def net_stable_funding(inputs: NsfrInput, market: MarketView) -> Computation:
    """Compute the net stable funding ratio.

    Raises:
        DateOutOfRangeError: no rules are in force on the day.
        InputError: a row of unknown category, or no required funding.
    """
    rules = rule_set("nsfr", NsfrParameters, inputs.jurisdiction, inputs.as_of)
    parameters = rules.parameters
    available = _weighed("available", inputs.available, parameters.available)
    required = _weighed("required", inputs.required, parameters.required)
    if required <= 0.0:
        raise InputError(
            field="required",
            expected="required stable funding above zero",
            actual=f"{required:g}",
        )
    fields = {
        "nsfr": percent(available / required),
        "requirement": percent(parameters.minimum),
        "surplus": money(available - parameters.minimum * required, inputs),
        "available_total": money(available, inputs),
        "required_total": money(required, inputs),
    }
    for row in inputs.available:
        amount = float(row.amount) * parameters.available[row.category]
        fields[f"available.{row.id}"] = money(amount, inputs)
    for row in inputs.required:
        amount = float(row.amount) * parameters.required[row.category]
        fields[f"required.{row.id}"] = money(amount, inputs)
    return capital_result(
        inputs,
        rules,
        headline="nsfr",
        fields=fields,
        labels={"status": _status(available >= parameters.minimum * required)},
    )


def _status(is_met: bool) -> str:
    return "met" if is_met else "breached"


def _weighed(table: str, rows: tuple[LiquidityRow, ...], factors: Mapping[str, float]) -> float:
    return sum(float(row.amount) * _factor(table, row, factors) for row in rows)


def _factor(table: str, row: LiquidityRow, factors: Mapping[str, float]) -> float:
    if row.category not in factors:
        raise InputError(
            field=f"{table}.{row.id}.category",
            expected=f"one of {', '.join(factors)}",
            actual=repr(row.category),
        )
    return factors[row.category]


def _levels(inputs: LcrInput, parameters: LcrParameters) -> dict[str, float]:
    """Assets after haircuts by level."""
    levels = {"level1": 0.0, "level1_covered": 0.0, "level2a": 0.0, "level2b": 0.0}
    for row in inputs.assets:
        kept = 1.0 - _factor("assets", row, parameters.haircuts)
        name = "level2b" if row.category.startswith("level2b") else row.category
        levels[name] += float(row.amount) * kept
    return levels


def _stock(levels: dict[str, float], inputs: LcrInput, parameters: LcrParameters) -> float:
    """Assets less what exceeds the caps, measured as if secured transactions were unwound."""
    unwind = inputs.unwind
    first = max(levels["level1"] + float(unwind.level1), 0.0)
    covered = max(levels["level1_covered"] + float(unwind.level1_covered), 0.0)
    second = max(levels["level2a"] + float(unwind.level2a), 0.0)
    third = max(levels["level2b"] + float(unwind.level2b), 0.0)
    room = float("inf")
    held = covered
    if parameters.covered_cap is not None:
        room = parameters.covered_cap / (1.0 - parameters.covered_cap) * first
        held = min(covered, room)
    best = first + held
    level2_room = parameters.level2_cap / (1.0 - parameters.level2_cap) * best
    level2a = min(second, level2_room, room - held)
    level2b_room = parameters.level2b_cap / (1.0 - parameters.level2b_cap) * (best + level2a)
    level2b = min(third, level2b_room, level2_room - level2a, room - held - level2a)
    excess = first + covered + second + third - (best + level2a + level2b)
    return max(sum(levels.values()) - excess, 0.0)
