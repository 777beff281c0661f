"""Resolves the risk tools: value at risk, shortfall, stress, exposure, P&L, options."""

from datetime import date

from finsvc.agents.arguments.choices import (
    parse_dimension,
    parse_greek,
    parse_method,
    parse_option_type,
)
from finsvc.agents.arguments.dates import parse_date, parse_period
from finsvc.agents.arguments.durations import parse_horizon_days
from finsvc.agents.arguments.instruments import parse_instrument
from finsvc.agents.arguments.levels import parse_confidence
from finsvc.agents.arguments.options import parse_expiry, parse_strike
from finsvc.agents.arguments.scenarios import parse_scenario
from finsvc.agents.resolution.context import Draft, Resolved, portfolio_json
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.risk import RiskMethod, scenario_input
from finsvc.domain.identifiers import InstrumentId

# Basel 2.5 asks for 99 % over ten days; a question that names neither gets these, stated.
_CONFIDENCE = "0.99"
_HORIZON_DAYS = 10


def _tail_inputs(draft: Draft) -> tuple[dict[str, object], RiskMethod]:
    """Inputs that value at risk and expected shortfall share."""
    argument, as_of = draft.portfolio()
    inputs: dict[str, object] = {
        "portfolio": portfolio_json(argument.portfolio),
        "as_of": as_of.isoformat(),
        "confidence": _CONFIDENCE,
        "horizon_days": _HORIZON_DAYS,
    }
    if "confidence" in draft.spans:
        parsed = parse_confidence(draft.spans["confidence"])
        inputs["confidence"] = decimal_text(draft.take(parsed))
    else:
        draft.default("confidence", "99%")
    if "horizon" in draft.spans:
        inputs["horizon_days"] = draft.take(parse_horizon_days(draft.spans["horizon"]))
    else:
        draft.default("horizon", f"{_HORIZON_DAYS} trading days")
    method = RiskMethod.HISTORICAL
    if "method" in draft.spans:
        method = draft.take(parse_method(draft.spans["method"]))
    else:
        draft.default("method", "historical simulation")
    return inputs, method


def value_at_risk(draft: Draft) -> Resolved:
    """Resolve value at risk; the method chooses the calculator."""
    inputs, method = _tail_inputs(draft)
    return draft.resolved(f"{method.value}_var", inputs, "subject", "var", "as_of")


def expected_shortfall(draft: Draft) -> Resolved:
    """Resolve expected shortfall."""
    inputs, method = _tail_inputs(draft)
    inputs["method"] = method.value
    return draft.resolved("expected_shortfall", inputs, "subject", "es", "as_of")


def stress_test(draft: Draft) -> Resolved:
    """Resolve a stress test, historical or by shocks."""
    argument, as_of = draft.portfolio()
    scenario = draft.take(parse_scenario(draft.text("scenario")))
    draft.labels["scenario"] = scenario.name
    inputs = {
        "portfolio": portfolio_json(argument.portfolio),
        "as_of": as_of.isoformat(),
        "scenario": scenario_input(scenario).document(),
    }
    return draft.resolved("stress_test", inputs, "subject", "scenario", "pnl", "as_of")


def exposure(draft: Draft) -> Resolved:
    """Resolve an exposure table."""
    argument, as_of = draft.portfolio()
    dimension = "currency"
    if "by" in draft.spans:
        dimension = draft.take(parse_dimension(draft.spans["by"])).value
    else:
        draft.default("grouping", "by currency")
    draft.labels["by"] = dimension
    inputs = {
        "portfolio": portfolio_json(argument.portfolio),
        "as_of": as_of.isoformat(),
        "by": dimension,
    }
    return draft.resolved("exposure", inputs, "subject", "by", "exposure", "as_of")


def date_range(
    draft: Draft, instruments: tuple[InstrumentId, ...], *, uses_fx: bool
) -> tuple[date, date]:
    """Two dates, or one span that names a period."""
    context = draft.date_context(instruments, uses_fx=uses_fx, name="start")
    if "end" in draft.spans:
        start = draft.take(parse_date(draft.text("start"), field="start", context=context))
        end = draft.take(parse_date(draft.spans["end"], field="end", context=context))
    else:
        period = draft.take(parse_period(draft.period_text(), context=context))
        start, end = period.start, period.end
    draft.labels |= {"start": start.isoformat(), "end": end.isoformat()}
    return start, end


def profit_and_loss(draft: Draft) -> Resolved:
    """Resolve profit and loss between two dates of a portfolio bought at the first."""
    start, end = date_range(draft, draft.holdings(), uses_fx=True)
    argument = draft.bought(start)
    inputs = {
        "portfolio": portfolio_json(argument.portfolio),
        "start": start.isoformat(),
        "end": end.isoformat(),
    }
    return draft.resolved("profit_and_loss", inputs, "subject", "start", "end", "pnl")


def _option_inputs(draft: Draft) -> dict[str, object]:
    underlying = draft.take(parse_instrument(draft.text("underlying"), field="underlying"))
    as_of = draft.as_of((underlying,), uses_fx=False)
    currency = draft.market.currency(underlying)
    return {
        "underlying": underlying,
        "option_type": draft.take(parse_option_type(draft.text("option_type"))).value,
        "strike": decimal_text(draft.take(parse_strike(draft.text("strike"), currency=currency))),
        "expiry": draft.take(parse_expiry(draft.text("expiry"), as_of=as_of)).isoformat(),
        "as_of": as_of.isoformat(),
    }


def option_price(draft: Draft) -> Resolved:
    """Resolve the price of a European option."""
    return draft.resolved("option_price", _option_inputs(draft), "subject", "price", "as_of")


def option_greek(draft: Draft) -> Resolved:
    """Resolve one sensitivity of a European option: a field of its price."""
    greek = draft.take(parse_greek(draft.text("greek"))).value
    draft.labels["greek"] = greek
    inputs = _option_inputs(draft)
    return draft.resolved("option_price", inputs, "greek", "subject", greek, "as_of")
