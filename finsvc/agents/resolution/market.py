"""Resolves the market tools: prices, statistics of instruments, currencies."""

from finsvc.agents.arguments.currencies import parse_amount, parse_currency, parse_pair
from finsvc.agents.arguments.durations import parse_window_days
from finsvc.agents.arguments.instruments import parse_instrument
from finsvc.agents.resolution.context import Draft, Resolved
from finsvc.agents.resolution.risk import date_range
from finsvc.calculators.inputs.base import decimal_text
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import InstrumentId

# One year of trading days.
_WINDOW_DAYS = 250
_BENCHMARK = InstrumentId("SPX")


def price(draft: Draft) -> Resolved:
    """Resolve a closing price."""
    instrument = draft.take(parse_instrument(draft.text("instrument")))
    as_of = draft.as_of((instrument,), uses_fx=False)
    inputs = {"instrument": instrument, "as_of": as_of.isoformat()}
    return draft.resolved("close", inputs, "subject", "close", "as_of")


def price_change(draft: Draft) -> Resolved:
    """Resolve a price change between two dates."""
    instrument = draft.take(parse_instrument(draft.text("instrument")))
    start, end = date_range(draft, (instrument,), uses_fx=False)
    inputs = {"instrument": instrument, "start": start.isoformat(), "end": end.isoformat()}
    return draft.resolved("price_change", inputs, "subject", "change", "start", "end")


def _window(draft: Draft) -> int:
    if "window" in draft.spans:
        return draft.take(parse_window_days(draft.spans["window"]))
    draft.default("window", f"{_WINDOW_DAYS} trading days")
    return _WINDOW_DAYS


def volatility(draft: Draft) -> Resolved:
    """Resolve a realised volatility."""
    instrument = draft.take(parse_instrument(draft.text("instrument")))
    as_of = draft.as_of((instrument,), uses_fx=False)
    inputs = {
        "instrument": instrument,
        "as_of": as_of.isoformat(),
        "window_days": _window(draft),
    }
    return draft.resolved("volatility", inputs, "subject", "volatility", "as_of")


def correlation(draft: Draft) -> Resolved:
    """Resolve the correlation of two instruments."""
    first = draft.take(parse_instrument(draft.text("first"), field="first"))
    second = draft.take(parse_instrument(draft.text("second"), field="second"))
    as_of = draft.as_of((first, second), uses_fx=False)
    inputs = {
        "first": first,
        "second": second,
        "as_of": as_of.isoformat(),
        "window_days": _window(draft),
    }
    return draft.resolved("correlation", inputs, "subject", "correlation", "as_of")


def beta(draft: Draft) -> Resolved:
    """Resolve a beta; without a benchmark to the S&P 500."""
    instrument = draft.take(parse_instrument(draft.text("instrument")))
    benchmark = _BENCHMARK
    if "benchmark" in draft.spans:
        benchmark = draft.take(parse_instrument(draft.spans["benchmark"], field="benchmark"))
    else:
        draft.default("benchmark", draft.market.name(benchmark))
    as_of = draft.as_of((instrument, benchmark), uses_fx=False)
    draft.labels["benchmark"] = draft.market.name(benchmark)
    inputs = {
        "instrument": instrument,
        "benchmark": benchmark,
        "as_of": as_of.isoformat(),
        "window_days": _window(draft),
    }
    return draft.resolved("beta", inputs, "subject", "benchmark", "beta", "as_of")


def drawdown(draft: Draft) -> Resolved:
    """Resolve a maximum drawdown; without dates over all the data there is."""
    instrument = draft.take(parse_instrument(draft.text("instrument")))
    if "start" in draft.spans:
        start, end = date_range(draft, (instrument,), uses_fx=False)
    elif "end" in draft.spans:
        raise InputError(field="start", expected="a start with the end", actual="nothing")
    else:
        start, end = draft.market.date_range((instrument,), uses_fx=False)
        draft.default("period", f"{start.isoformat()} to {end.isoformat()}, all the data")
    inputs = {"instrument": instrument, "start": start.isoformat(), "end": end.isoformat()}
    return draft.resolved("drawdown", inputs, "subject", "drawdown", "start", "end")


def convert_currency(draft: Draft) -> Resolved:
    """Resolve a conversion; a currency inside the amount must be the one converted from."""
    amount = draft.take(parse_amount(draft.text("amount")))
    source = draft.take(parse_currency(draft.text("from"), field="from"))
    target = draft.take(parse_currency(draft.text("to"), field="to"))
    if amount.currency not in (None, source):
        raise InputError(
            field="amount", expected=f"an amount in {source}", actual=f"one in {amount.currency}"
        )
    as_of = draft.as_of((), uses_fx=True)
    inputs = {
        "amount": decimal_text(amount.value),
        "from_currency": source,
        "to_currency": target,
        "as_of": as_of.isoformat(),
    }
    return draft.resolved("fx_convert", inputs, "amount", "converted", "as_of")


def fx_rate(draft: Draft) -> Resolved:
    """Resolve an exchange rate."""
    pair = draft.take(parse_pair(draft.text("pair")))
    as_of = draft.as_of((), uses_fx=True)
    inputs = {"base": pair.base, "quote": pair.quote, "as_of": as_of.isoformat()}
    return draft.resolved("fx_rate", inputs, "subject", "rate", "as_of")
