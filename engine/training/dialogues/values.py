"""Samplers of slot values: (text before, span, text after) by slot kind.

A slot in a template is `{argument}` or `{argument:kind}`; the kind names a sampler here and
defaults to the argument. Conventions for spans are listed in the package's DESIGN.md.
"""

from collections.abc import Callable
from random import Random

from engine.training.dialogues import dates, entities, names, words
from engine.training.dialogues.entities import Value, plain
from engine.training.dialogues.grammar import listed
from engine.training.dialogues.names import pick
from engine.training.dialogues.portfolios import (
    AMOUNT_WORDS,
    AMOUNTS,
    bare_book,
    book,
    money_text,
    portfolio,
    position,
)
from engine.training.dialogues.scenarios import named_scenario, scenario, shock, shock_clause

_LEVELS = (
    "99",
    "99",
    "95",
    "95",
    "97.5",
    "90",
    "99.9",
    "99.5",
    "98",
    "97",
    "96",
    "92.5",
    "75",
    "80",
    "99.0",
    "5",
    "1",
)
_PERCENT = ("%", "%", "%", "%", " %", " percent", " per cent", " pct", "pct", "percent", "pc")
_LEVEL_WORDS = listed(
    "ninety-nine percent;ninety-five percent;ninety nine percent;ninety five percent;"
    "ninety percent;"
    "ninety-nine per cent;ninety-five per cent"
)


def percent_level(rng: Random) -> Value:
    """A confidence level that may stand before "confidence" or "VaR"."""
    if rng.random() < 0.82:
        return plain(pick(rng, _LEVELS) + pick(rng, _PERCENT))
    if rng.random() < 0.75:
        return plain(
            pick(rng, ("0.99", "0.95", "0.975", "0.9", "0.999", "0.90", ".99", ".95", "0.98"))
        )
    return plain(pick(rng, _LEVEL_WORDS))


def confidence(rng: Random) -> Value:
    """A confidence level in any form."""
    value = rng.random()
    if value < 0.86:
        return percent_level(rng)
    if value < 0.96:
        ordinal = pick(rng, ("95th", "99th", "97.5th", "90th", "99.9th", "98th"))
        return Value(
            pick(rng, ("the ", "")),
            f"{ordinal} {pick(rng, ('percentile', 'percentile', 'quantile'))}",
        )
    return plain(pick(rng, ("99", "95", "97.5", "90")))


_METHODS = listed(
    "historical;historical;historical simulation;historic;hist sim;historical sim;"
    "hist;parametric;parametric;"
    "variance-covariance;variance covariance;var-covar;delta-normal;delta normal;"
    "normal;Gaussian;Monte Carlo;"
    "Monte Carlo;Monte-Carlo;monte carlo;MC;MC simulation;Monte Carlo simulation;"
    "simulated;analytic;analytical;"
    "simulation;bootstrap;empirical;full revaluation;VCV"
)


def method(rng: Random) -> Value:
    """A calculation method."""
    return plain(pick(rng, _METHODS))


def by(rng: Random) -> Value:
    """The dimension of an exposure."""
    return plain(
        pick(
            rng,
            listed(
                "currency;currency;sector;sector;instrument;name;industry;position;asset class;"
                "issuer;country;"
                "stock;security;asset;currencies;sectors;instruments;ccy;underlying;line"
            ),
        )
    )


def by_adjective(rng: Random) -> Value:
    """The dimension before the noun "exposure"."""
    return plain(
        pick(
            rng,
            (
                "currency",
                "currency",
                "sector",
                "sector",
                "FX",
                "instrument",
                "industry",
                "single-name",
                "ccy",
            ),
        )
    )


def limit(rng: Random) -> Value:
    """The name of a limit."""
    value = rng.random()
    if value < 0.75:
        kind = pick(
            rng,
            listed(
                "VaR;VaR;sector;sector;single-name;single name;currency;concentration;position;"
                "stop-loss;leverage;"
                "issuer;country;ES;stress;loss;notional;gross exposure;net exposure;liquidity;FX;"
                "delta;vega;equity;"
                "counterparty;drawdown;value-at-risk;exposure"
            ),
        )
        article = pick(rng, ("the ", "its ", "the ", "their ", ""))
        return Value(article, f"{kind} {pick(rng, ('limit', 'limit', 'limit', 'cap', 'limits'))}")
    return Value(pick(rng, ("the ", "its ", "")), f"{names.cased_word(rng)} limit")


def _measure(rng: Random) -> Value:
    kinds = (
        "VaR",
        "VaR",
        "ES",
        "leverage",
        "currency exposure",
        "sector exposure",
        "drawdown",
        "delta",
    )
    return plain(pick(rng, kinds))


def _today(rng: Random) -> Value:
    return plain(pick(rng, ("today", "today", "yesterday", "this morning")))


def threshold(rng: Random) -> Value:
    """A share of a book's value."""
    number = pick(
        rng,
        (
            "5",
            "10",
            "10",
            "10",
            "15",
            "20",
            "25",
            "8",
            "2",
            "30",
            "3",
            "2.5",
            "7.5",
            "12",
            "40",
            "1",
        ),
    )
    if rng.random() < 0.06:
        return plain(
            pick(
                rng, ("0.1", "0.05", "0.25", "ten percent", "five percent", "a tenth", "a quarter")
            )
        )
    return plain(number + pick(rng, _PERCENT))


def strike(rng: Random) -> Value:
    """A strike price."""
    value = rng.random()
    if value < 0.025:
        return plain(pick(rng, ("ATM", "at-the-money", "at the money")))
    if value < 0.5:
        return plain(
            str(pick(rng, (4000, 3800, 4200, 4500, 3500, 3900, 4100, 3000, 5000, 3750, 4050)))
        )
    if value < 0.62:
        return plain(pick(rng, ("4,000", "3,800", "4,200", "4,500", "1,200", "12,500", "3,950")))
    if value < 0.9:
        return plain(str(int(5 + rng.random() * 500)))
    if value < 0.96:
        return plain(f"{5 + rng.random() * 300:.{1 + int(rng.random() * 2)}f}")
    return Value("", f"${int(20 + rng.random() * 400)}")


def option_type(rng: Random) -> Value:
    """Call or put."""
    return plain(pick(rng, ("call", "put", "call", "put", "Call", "CALL", "PUT", "Put")))


def option_plural(rng: Random) -> Value:
    """Calls or puts."""
    return plain(pick(rng, ("calls", "puts")))


def greek(rng: Random) -> Value:
    """A sensitivity."""
    return plain(
        pick(
            rng,
            (
                "delta",
                "delta",
                "gamma",
                "gamma",
                "vega",
                "vega",
                "theta",
                "theta",
                "rho",
                "rho",
                "Delta",
                "Vega",
            ),
        )
    )


def amount(rng: Random) -> Value:
    """An amount without its currency."""
    if rng.random() < 0.75:
        return plain(pick(rng, AMOUNTS))
    return plain(pick(rng, AMOUNT_WORDS))


def amount_digits(rng: Random) -> Value:
    """An amount that starts with a digit, for the place after a symbol or code."""
    if rng.random() < 0.2:
        number = pick(rng, ("5", "1", "2.5", "10", "3", "100", "1.5", "20", "0.5", "12"))
        return plain(
            number + pick(rng, (" million", " million", " billion", " mn", " mio", " mil"))
        )
    return plain(pick(rng, AMOUNTS))


def _currency(rng: Random) -> Value:
    return plain(entities.currency(rng))


def _symbol(rng: Random) -> Value:
    return plain(pick(rng, entities.SYMBOLS))


def _code(rng: Random) -> Value:
    return plain(entities.currency_code(rng))


def _free_name(rng: Random) -> Value:
    return plain(names.name(rng))


def _person(rng: Random) -> Value:
    return plain(names.person(rng))


def _place(rng: Random) -> Value:
    return plain(names.place(rng))


def _money(rng: Random) -> Value:
    return plain(money_text(rng))


def _text(rng: Random) -> Value:
    count = 1 + int(rng.random() * 3)
    text = " ".join(names.plain_word(rng).lower() for _ in range(count))
    quote = pick(rng, ("'", '"', '"'))
    return Value(quote, text, quote)


def _language(rng: Random) -> Value:
    return plain(pick(rng, words.LANGUAGES))


def _department(rng: Random) -> Value:
    if rng.random() < 0.5:
        return plain(pick(rng, words.DEPARTMENTS))
    return Value(
        pick(rng, ("the ", "")),
        f"{names.cased_word(rng)} {pick(rng, ('team', 'desk', 'office', 'unit'))}",
    )


def _item(rng: Random) -> Value:
    return plain(pick(rng, words.ITEMS) if rng.random() < 0.4 else names.name(rng))


def _company(rng: Random) -> Value:
    return plain(names.company(rng))


SAMPLERS: dict[str, Callable[[Random], Value]] = {
    "portfolio": portfolio,
    "book": book,
    "bare": bare_book,
    "position": position,
    "confidence": confidence,
    "level": percent_level,
    "horizon": dates.horizon,
    "adjective": dates.horizon_adjective,
    "noun": dates.horizon_noun,
    "method": method,
    "as_of": dates.day,
    "calendar": dates.calendar_day,
    "scenario": scenario,
    "named": named_scenario,
    "shock": shock,
    "clause": shock_clause,
    "by": by,
    "dimension": by_adjective,
    "start": dates.day,
    "end": dates.day,
    "period": dates.period,
    "relative": dates.relative_period,
    "instrument": entities.instrument,
    "asset": entities.asset,
    "first": entities.instrument,
    "second": entities.instrument,
    "benchmark": entities.benchmark,
    "underlying": entities.underlying,
    "window": dates.window,
    "span": dates.window_noun,
    "stretch": dates.window_adjective,
    "amount": amount,
    "digits": amount_digits,
    "from": _currency,
    "to": _currency,
    "symbol": _symbol,
    "code": _code,
    "pair": entities.pair,
    "joined": entities.pair_joined,
    "per": entities.pair_per,
    "worth": entities.pair_worth,
    "limit": limit,
    "measure": _measure,
    "today": _today,
    "house": book,
    "threshold": threshold,
    "strike": strike,
    "option_type": option_type,
    "plural": option_plural,
    "expiry": dates.expiry,
    "tenor": dates.expiry_adjective,
    "later": dates.expiry_in,
    "greek": greek,
    "name": _free_name,
    "person": _person,
    "place": _place,
    "company": _company,
    "money": _money,
    "text": _text,
    "language": _language,
    "department": _department,
    "item": _item,
}
