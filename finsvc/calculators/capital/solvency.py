"""Leverage ratio, and capital ratios with buffers and output floor.

Ratios are in percent; a surplus is positive, a shortfall negative. Assets below the output floor
are raised to it before any ratio.
Source: Basel Framework LEV20 to LEV40, RBC20 to RBC40, RBC90, with the rules of the jurisdiction.
"""

from finsvc.calculators.capital.report import capital_result, money, percent
from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.calculators.inputs.capital.solvency import (
    LeverageInput,
    LeverageParameters,
    RatioInput,
    RatioParameters,
)
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

_QUARTERS = 4
_PAYOUTS = (0.0, 0.2, 0.4, 0.6)


def leverage_ratio(inputs: LeverageInput, market: MarketView) -> Computation:
    """Compute the leverage ratio and its exposure measure.

    Raises:
        DateOutOfRangeError: no rules are in force on the day.
        InputError: an item of unknown category, or no exposure.
    """
    rules = rule_set("leverage", LeverageParameters, inputs.jurisdiction, inputs.as_of)
    parameters = rules.parameters
    # Derivatives count like SA-CCR exposure, so with its alpha.
    derivatives = 1.4 * float(inputs.derivatives_replacement_cost + inputs.derivatives_add_on)
    derivatives += float(inputs.written_credit)
    on_balance = float(inputs.on_balance) - float(inputs.deductions)
    if parameters.excludes_central_bank:
        on_balance -= float(inputs.central_bank_claims)
    financing = float(inputs.financing_gross + inputs.financing_add_on)
    off_balance = sum(
        float(row.notional) * _conversion(row.id, row.category, parameters)
        for row in inputs.off_balance
    )
    exposure = on_balance + derivatives + financing + off_balance
    if exposure <= 0.0:
        raise InputError(
            field="on_balance", expected="an exposure above zero", actual=f"{exposure:g}"
        )
    tier1 = float(inputs.tier1)
    required = parameters.minimum + parameters.systemic_share * float(inputs.systemic_buffer)
    fields = {
        "leverage_ratio": percent(tier1 / exposure),
        "requirement": percent(required),
        "surplus": money(tier1 - required * exposure, inputs),
        "exposure_total": money(exposure, inputs),
        "exposure.on_balance": money(on_balance, inputs),
        "exposure.derivatives": money(derivatives, inputs),
        "exposure.financing": money(financing, inputs),
        "exposure.off_balance": money(off_balance, inputs),
    }
    status = "met" if tier1 >= required * exposure else "breached"
    return capital_result(
        inputs, rules, headline="leverage_ratio", fields=fields, labels={"status": status}
    )


def _conversion(row: str, category: str, parameters: LeverageParameters) -> float:
    if category not in parameters.conversion:
        raise InputError(
            field=f"off_balance.{row}.category",
            expected=f"one of {', '.join(parameters.conversion)}",
            actual=repr(category),
        )
    return parameters.conversion[category]


def capital_ratios(inputs: RatioInput, market: MarketView) -> Computation:
    """Compute the three ratios, their requirements and what is left for buffers.

    Raises:
        DateOutOfRangeError: no rules are in force on the day.
        InputError: there are no risk-weighted assets.
    """
    rules = rule_set("capital_ratios", RatioParameters, inputs.jurisdiction, inputs.as_of)
    parameters = rules.parameters
    before = sum(float(amount) for amount in inputs.rwa.values())
    floor = _floor(inputs, parameters)
    assets = max(before, floor)
    if inputs.applies_floor_cap:
        assets = min(assets, _cap(inputs, parameters) * before)
    if assets <= 0.0:
        raise InputError(field="rwa", expected="assets above zero", actual=f"{assets:g}")
    equity = float(inputs.common_equity)
    tier1 = equity + float(inputs.additional_tier1)
    total = tier1 + float(inputs.tier2)
    pillar2 = float(inputs.pillar2)
    needs = (
        parameters.common_equity + parameters.pillar2_equity_share * pillar2,
        parameters.tier1 + parameters.pillar2_tier1_share * pillar2,
        parameters.total + pillar2,
    )
    levels = (equity / assets, tier1 / assets, total / assets)
    buffer = _buffer(inputs, parameters)
    spare = min(level - need for level, need in zip(levels, needs, strict=True))
    fields: dict[str, Figure] = {
        "common_equity_ratio": percent(levels[0]),
        "tier1_ratio": percent(levels[1]),
        "total_ratio": percent(levels[2]),
        "rwa_total": money(assets, inputs),
        "rwa_before_floor": money(before, inputs),
        "output_floor": money(floor, inputs),
        "floor_addition": money(assets - before, inputs),
        "buffer_requirement": percent(buffer),
        "buffer_available": percent(spare),
        "payout_limit": percent(_payout(spare, buffer)),
    }
    for name, level, need in zip(("common_equity", "tier1", "total"), levels, needs, strict=True):
        fields[f"requirement.{name}"] = percent(need + buffer)
        fields[f"surplus.{name}"] = money((level - need - buffer) * assets, inputs)
    status = "breached" if spare < 0.0 else "met" if spare >= buffer else "in_buffer"
    return capital_result(
        inputs, rules, headline="common_equity_ratio", fields=fields, labels={"status": status}
    )


def _floor(inputs: RatioInput, parameters: RatioParameters) -> float:
    if inputs.rwa_standardised is None:
        return 0.0
    steps = [
        step.fraction for step in parameters.output_floor if step.effective_from <= inputs.as_of
    ]
    return max(steps) * float(inputs.rwa_standardised)


def _cap(inputs: RatioInput, parameters: RatioParameters) -> float:
    cap = parameters.floor_increase_cap
    if cap is None or inputs.as_of > cap.effective_to:
        raise InputError(
            field="applies_floor_cap", expected="false, since no cap is in force", actual="true"
        )
    return 1.0 + cap.fraction


def _buffer(inputs: RatioInput, parameters: RatioParameters) -> float:
    """Combined buffer: conservation, countercyclical, institution and systemic risk."""
    institution = (float(inputs.global_systemic), float(inputs.other_systemic))
    systemic = max(institution) if parameters.largest_systemic_only else sum(institution)
    return (
        parameters.conservation
        + float(inputs.countercyclical)
        + systemic
        + float(inputs.systemic_risk)
    )


def _payout(spare: float, buffer: float) -> float:
    """Share of profits that may be paid out, by the quarter of the buffer that is met."""
    if spare >= buffer:
        return 1.0
    if spare <= 0.0:
        return 0.0
    return _PAYOUTS[int(spare / buffer * _QUARTERS)]
