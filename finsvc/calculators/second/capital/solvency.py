"""Second methods of leverage and capital ratios: exact decimals, amounts instead of ratios."""

from decimal import Decimal

from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.calculators.inputs.capital.solvency import (
    LeverageInput,
    LeverageParameters,
    RatioInput,
    RatioParameters,
)
from finsvc.calculators.second.opinion import Number, opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_HUNDRED = Decimal(100)


def _exact(factor: float) -> Decimal:
    return Decimal(repr(factor))


def confirm_leverage_ratio(inputs: LeverageInput, market: MarketView) -> SecondOpinion:
    """Compute the leverage ratio again."""
    rules = rule_set("leverage", LeverageParameters, inputs.jurisdiction, inputs.as_of).parameters
    alpha = Decimal("1.4")
    derivatives = inputs.written_credit + alpha * inputs.derivatives_replacement_cost
    derivatives += alpha * inputs.derivatives_add_on
    reserves = inputs.central_bank_claims if rules.excludes_central_bank else Decimal(0)
    on_balance = inputs.on_balance - inputs.deductions - reserves
    financing = inputs.financing_gross + inputs.financing_add_on
    off_balance = sum(
        (row.notional * _exact(rules.conversion[row.category]) for row in inputs.off_balance),
        Decimal(0),
    )
    exposure = on_balance + derivatives + financing + off_balance
    required = _exact(rules.minimum) + _exact(rules.systemic_share) * inputs.systemic_buffer
    values: dict[str, Number] = {
        "leverage_ratio": inputs.tier1 * _HUNDRED / exposure,
        "requirement": required * _HUNDRED,
        "surplus": inputs.tier1 - required * exposure,
        "exposure_total": exposure,
        "exposure.on_balance": on_balance,
        "exposure.derivatives": derivatives,
        "exposure.financing": financing,
        "exposure.off_balance": off_balance,
    }
    return opinion("exact decimals", values)


def confirm_capital_ratios(inputs: RatioInput, market: MarketView) -> SecondOpinion:
    """Compute the capital ratios again, comparing amounts of capital."""
    rules = rule_set(
        "capital_ratios", RatioParameters, inputs.jurisdiction, inputs.as_of
    ).parameters
    before = sum(inputs.rwa.values(), Decimal(0))
    past = [step for step in rules.output_floor if step.effective_from <= inputs.as_of]
    floor = _exact(past[-1].fraction) * (inputs.rwa_standardised or Decimal(0))
    assets = floor if floor > before else before
    if inputs.applies_floor_cap and rules.floor_increase_cap is not None:
        assets = min(assets, before + _exact(rules.floor_increase_cap.fraction) * before)
    buffer = _exact(rules.conservation) + inputs.countercyclical + inputs.systemic_risk
    buffer += max(inputs.global_systemic, inputs.other_systemic)
    held = inputs.common_equity
    spares, values = [], dict[str, Number]()
    for name, minimum, share, more in (
        ("common_equity", rules.common_equity, rules.pillar2_equity_share, Decimal(0)),
        ("tier1", rules.tier1, rules.pillar2_tier1_share, inputs.additional_tier1),
        ("total", rules.total, 1.0, inputs.tier2),
    ):
        held += more
        need = _exact(minimum) + _exact(share) * inputs.pillar2
        spares.append(held - need * assets)
        values[f"{name}_ratio"] = held * _HUNDRED / assets
        values[f"requirement.{name}"] = (need + buffer) * _HUNDRED
        values[f"surplus.{name}"] = held - (need + buffer) * assets
    spare = min(spares)
    values |= {
        "rwa_total": assets,
        "rwa_before_floor": before,
        "output_floor": floor,
        "floor_addition": assets - before,
        "buffer_requirement": buffer * _HUNDRED,
        "buffer_available": spare * _HUNDRED / assets,
        "payout_limit": _payout(spare, buffer * assets),
    }
    return opinion("exact decimals, amounts of capital", values)


def _payout(spare: Decimal, buffer: Decimal) -> Decimal:
    if spare >= buffer:
        return _HUNDRED
    for quarter, limit in ((3, 60), (2, 40), (1, 20)):
        if 4 * spare >= quarter * buffer:
            return Decimal(limit)
    return Decimal(0)
