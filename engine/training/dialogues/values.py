"""Samplers of slot values: (text before, span, text after) by slot kind.

A slot in a template is `{argument}` or `{argument:kind}`; the kind names a sampler here and
defaults to the argument. Conventions for spans are listed in the package's DESIGN.md.
"""

from collections.abc import Callable
from random import Random

from engine.training.dialogues import dates, entities, names, words
from engine.training.dialogues.entities import Value, plain
from engine.training.dialogues.names import pick

_QUANTITIES = (
    "100 200 250 300 500 500 750 1,000 1000 1,500 2,000 2500 3000 5,000 5000 10,000 10000 12,500 20,000 "
    "25,000 50,000 100,000 1 10 40 75 1.5k 10k 5k"
).split()
_AMOUNTS = (
    "1m 2m 5m 3m 10m 2.5m 5mm 1.5mm 20m 50m 100m 1bn 1.5bn 2bn 250k 500k 100k 75k 10k 1k 5M 10M 3M 1B 750K 1.25m "
    "1,000 5,000 10,000 25,000 100,000 250,000 1,000,000 2,500,000 10,000,000 100 500 1000 10000 250000 "
    "1000000 2500000 50 20 1 99.95 1,234.56 12345.67 7.5 300 42 3.2m 0.5m 12m"
).split()
_AMOUNT_WORDS = (
    "5 million;1 million;2.5 million;10 million;100 million;1.5 billion;2 billion;half a million;"
    "a million;one million;two million;ten million;a hundred thousand;100 thousand;fifty thousand;"
    "three hundred;one thousand;twenty;a thousand;a hundred;250 thousand;five million;1.2 million;"
    "quarter of a million;ten thousand;one;500 grand;2 mio;5 mio;3 mn;1.5 mln;one billion;a billion"
).split(";")


def _book_name(rng: Random) -> str:
    return "sample" if rng.random() < 0.06 else names.name(rng)


def _sample_book(rng: Random) -> Value:
    value = rng.random()
    if value < 0.55:
        return Value("the ", "sample book")
    if value < 0.7:
        return plain(pick(rng, ("sample", "Sample", "sample", "SAMPLE")))
    if value < 0.8:
        return Value("the ", "sample portfolio")
    if value < 0.87:
        return plain("sample book")
    if value < 0.92:
        return Value(pick(rng, ("our ", "my ", "this ", "that ")), "sample book")
    return Value(pick(rng, ("book ", "the book ", "portfolio ")), "sample")


def _invented_book(rng: Random) -> Value:
    text = names.name(rng)
    value = rng.random()
    if value < 0.4:
        return plain(text)
    if value < 0.66:
        return Value("the ", f"{text} {pick(rng, words.FUND_NOUNS)}")
    if value < 0.72:
        return plain(f"{text} {pick(rng, words.FUND_NOUNS)}")
    if value < 0.78:
        return Value(pick(rng, ("my ", "our ", "the ", "that ")), f"{text} {pick(rng, words.FUND_NOUNS)}")
    if value < 0.82:
        noun = pick(rng, ("book", "book", "portfolio", "desk", "account", "fund"))
        suffix = pick(rng, ("7", "12", "3", "1", "42", "104", "2B", "9", "5", "17"))
        return plain(f"{noun} {suffix}")
    if value < 0.94 and not text[0].isdigit():
        noun = pick(rng, ("book", "book", "portfolio", "fund", "account"))
        article = pick(rng, ("", "", "the ", "my ", "our "))
        link = pick(rng, (" ", " ", " ", " ", " called ", " named "))
        return Value(article + noun + link, text)
    if value < 0.97:
        quote = pick(rng, ('"', "'", '"'))
        return Value(quote, text, quote)
    return plain(text)


def book(rng: Random) -> Value:
    """A named book: the sample book or an invented name."""
    return _sample_book(rng) if rng.random() < 0.22 else _invented_book(rng)


def bare_book(rng: Random) -> Value:
    """A book's name alone, for text that brings its own article or noun."""
    return plain(_book_name(rng))


def position(rng: Random) -> Value:
    """An ad-hoc position: shares, an amount of an instrument, cash or a pair."""
    quantity, name = pick(rng, tuple(_QUANTITIES)), entities.instrument_name(rng)
    value = rng.random()
    if value < 0.22:
        noun = pick(rng, (" shares", " shares", " stock", ""))
        return plain(f"{quantity} {name}{noun}")
    if value < 0.36:
        return plain(f"{quantity} shares of {name}")
    if value < 0.48:
        side = pick(rng, ("long", "short"))
        shares = pick(rng, ("", " shares of", ""))
        return plain(f"{side} {quantity}{shares} {name}")
    if value < 0.54:
        lead = pick(rng, ("a position of ", "a holding of ", "a position in ", "a long position in "))
        return Value(lead, f"{quantity} {name}{pick(rng, ('', ' shares'))}")
    if value < 0.74:
        return plain(f"{money_text(rng)} {pick(rng, ('of', 'in', 'of', 'worth of'))} {name}")
    if value < 0.88:
        return _cash(rng)
    if value < 0.94:
        side = pick(rng, ("long ", "short ", "", "long "))
        return plain(f"{side}{pick(rng, tuple(_AMOUNTS))} {entities.pair(rng).span}")
    other = entities.instrument_name(rng)
    join = pick(rng, (" plus ", " + ", " against short "))
    return plain(f"{quantity} {name}{join}{pick(rng, tuple(_QUANTITIES))} {other}")


def _cash(rng: Random) -> Value:
    if rng.random() < 0.4:
        return plain(f"{pick(rng, tuple(_AMOUNT_WORDS))} {entities.currency(rng)}")
    return plain(money_text(rng))


def money_text(rng: Random) -> str:
    """An amount with its currency in one span: 5m USD, EUR 3m, $2,000,000."""
    amount = pick(rng, tuple(_AMOUNTS))
    value = rng.random()
    if value < 0.45:
        return f"{amount} {entities.currency(rng)}"
    if value < 0.75:
        return f"{entities.currency_code(rng)} {amount}"
    return f"{pick(rng, entities.SYMBOLS)}{amount}"


def portfolio(rng: Random) -> Value:
    """A book or ad-hoc position."""
    value = rng.random()
    if value < 0.68:
        return book(rng)
    if value < 0.9:
        return position(rng)
    if value < 0.97:
        stock = pick(rng, ("", "", " stock", " shares"))
        return plain(entities.instrument_name(rng) + stock)
    return entities.pair(rng)


_LEVELS = ("99", "99", "95", "95", "97.5", "90", "99.9", "99.5", "98", "97", "96", "92.5", "75", "80")
_PERCENT = ("%", "%", "%", "%", " %", " percent", " per cent", " pct", "pct", "percent", "pc")
_LEVEL_WORDS = (
    "ninety-nine percent;ninety-five percent;ninety nine percent;ninety five percent;ninety percent;"
    "ninety-nine per cent;ninety-five per cent"
).split(";")


def percent_level(rng: Random) -> Value:
    """A confidence level that may stand before "confidence" or "VaR"."""
    if rng.random() < 0.82:
        return plain(pick(rng, _LEVELS) + pick(rng, _PERCENT))
    if rng.random() < 0.75:
        return plain(pick(rng, ("0.99", "0.95", "0.975", "0.9", "0.999", "0.90", ".99", ".95", "0.98")))
    return plain(pick(rng, tuple(_LEVEL_WORDS)))


def confidence(rng: Random) -> Value:
    """A confidence level in any form."""
    value = rng.random()
    if value < 0.86:
        return percent_level(rng)
    if value < 0.96:
        ordinal = pick(rng, ("95th", "99th", "97.5th", "90th", "99.9th", "98th"))
        return Value(pick(rng, ("the ", "")), f"{ordinal} {pick(rng, ('percentile', 'percentile', 'quantile'))}")
    return plain(pick(rng, ("99", "95", "97.5", "90")))


_METHODS = (
    "historical;historical;historical simulation;historic;hist sim;historical sim;hist;parametric;parametric;"
    "variance-covariance;variance covariance;var-covar;delta-normal;delta normal;normal;Gaussian;Monte Carlo;"
    "Monte Carlo;Monte-Carlo;monte carlo;MC;MC simulation;Monte Carlo simulation;simulated;analytic;analytical;"
    "simulation;bootstrap;empirical;full revaluation;VCV"
).split(";")


def method(rng: Random) -> Value:
    """A calculation method."""
    return plain(pick(rng, tuple(_METHODS)))


_NAMED_SCENARIOS = (
    "2008;2008;2008 crisis;2008 financial crisis;GFC;global financial crisis;Lehman;Lehman crisis;Lehman collapse;"
    "financial crisis;credit crunch;covid;covid;covid crash;Covid-19 crash;COVID;coronavirus crash;March 2020;"
    "2020;2020 pandemic;pandemic;dot-com crash;dotcom crash;dot com bust;Black Monday;1987 crash;2022 sell-off;"
    "eurozone crisis;euro crisis;Brexit;taper tantrum;Asian crisis;1998 LTCM crisis;Russian default;SVB;"
    "2011 downgrade;Volmageddon;9/11;flash crash;oil price war;Swiss franc unpeg;tech bubble;2000 crash"
).split(";")
_BARE_SCENARIOS = frozenset(
    "2008;GFC;Lehman;covid;COVID;March 2020;2020;Black Monday;Brexit;SVB;Volmageddon;9/11".split(";")
)
_FACTORS = (
    "equities;equities;stocks;stocks;equity;shares;all equities;the market;tech;tech stocks;US equities;"
    "S&P 500;the S&P;energy;financials;banks;EUR;USD;GBP;JPY;CHF;the dollar;the euro;sterling;EUR/USD;yen;"
    "health care;equity markets;US stocks;FX"
).split(";")
_DOWN_VERBS = (
    "down;falling;fall;drop;dropping;lose;losing;crash;crashing;up;rise;rising;rally;gain;gaining;plunge;decline;sink"
).split(";")
_MOVE_NOUNS = ("fall", "drop", "decline", "crash", "rise", "rally", "gain", "plunge", "move", "shock", "loss")


def _size(rng: Random) -> str:
    number = pick(rng, ("5", "10", "15", "20", "20", "25", "30", "40", "50", "3", "7.5", "2", "12", "35", "1"))
    return number + pick(rng, ("%", "%", "%", "%", " percent", " per cent", " pct", " %"))


def shock(rng: Random) -> Value:
    """A custom shock as one span: equities -20%, -20% equities, 10% fall in equities."""
    factor, size = pick(rng, tuple(_FACTORS)), _size(rng)
    bare = factor.removeprefix("the ")
    value = rng.random()
    sign = pick(rng, ("-", "-", "-", "+"))
    if value < 0.26:
        return plain(f"{bare} {sign}{size}")
    if value < 0.4:
        return plain(f"{sign}{size} {bare}")
    if value < 0.46:
        return plain(f"{sign}{size} {pick(rng, ('in', 'on', 'for'))} {factor}")
    if value < 0.66:
        noun = f"{size} {pick(rng, _MOVE_NOUNS)} {pick(rng, ('in', 'in', 'of'))} {factor}"
        return Value(pick(rng, ("a ", "a ", "")), noun)
    if value < 0.74:
        return Value(pick(rng, ("a ", "")), f"{size} {bare} {pick(rng, ('shock', 'crash', 'drop', 'sell-off'))}")
    article = "the " if factor.startswith("the ") else ""
    if value < 0.94:
        return Value(article, f"{bare} {pick(rng, tuple(_DOWN_VERBS))} {pick(rng, ('', '', 'by '))}{size}")
    other = pick(rng, tuple(_FACTORS)).removeprefix("the ")
    return plain(f"{bare} {sign}{size}, {other} {pick(rng, ('-', '+'))}{_size(rng)}")


def shock_clause(rng: Random) -> Value:
    """A shock as a clause after if or when: stocks fell 20%, the dollar rises by 5%."""
    factor = pick(rng, tuple(_FACTORS))
    article = "the " if factor.startswith("the ") else ""
    verb = pick(
        rng,
        tuple(
            "fall;fell;drop;dropped;lose;lost;crash;crashed;rise;rose;gain;gained;went down;go down;were down;"
            "tank;tanked;sold off;plunge;decline;declined;jumped;are down;goes up;weakens;strengthens;slide"
            .split(";")
        ),
    )
    return Value(article, f"{factor.removeprefix('the ')} {verb} {pick(rng, ('', 'by ', 'another '))}{_size(rng)}")


def named_scenario(rng: Random) -> Value:
    """A named scenario, historical or invented."""
    value = rng.random()
    if value < 0.7:
        text = pick(rng, tuple(_NAMED_SCENARIOS))
        article = "" if text in _BARE_SCENARIOS else pick(rng, ("the ", "the ", "the ", ""))
        return Value(article, text)
    noun = pick(rng, ("scenario", "shock", "crisis", "crash", "stress", "default", "sell-off", "event"))
    if value < 0.9:
        article = pick(rng, ("the ", "the ", "a ", ""))
        return Value(article, f"{names.cased_word(rng)} {noun}")
    return plain(names.name(rng))


def scenario(rng: Random) -> Value:
    """A scenario in any form that stands after under or in."""
    return named_scenario(rng) if rng.random() < 0.62 else shock(rng)


def by(rng: Random) -> Value:
    """The dimension of an exposure."""
    return plain(
        pick(
            rng,
            tuple(
                "currency;currency;sector;sector;instrument;name;industry;position;asset class;issuer;country;"
                "stock;security;asset;currencies;sectors;instruments;ccy;underlying;line".split(";")
            ),
        )
    )


def by_adjective(rng: Random) -> Value:
    """The dimension before the noun "exposure"."""
    return plain(
        pick(rng, ("currency", "currency", "sector", "sector", "FX", "instrument", "industry", "single-name", "ccy"))
    )


def limit(rng: Random) -> Value:
    """The name of a limit."""
    value = rng.random()
    if value < 0.75:
        kind = pick(
            rng,
            tuple(
                "VaR;VaR;sector;sector;single-name;single name;currency;concentration;position;stop-loss;leverage;"
                "issuer;country;ES;stress;loss;notional;gross exposure;net exposure;liquidity;FX;delta;vega;equity;"
                "counterparty;drawdown;value-at-risk;exposure".split(";")
            ),
        )
        article = pick(rng, ("the ", "its ", "the ", "their ", ""))
        return Value(article, f"{kind} {pick(rng, ('limit', 'limit', 'limit', 'cap', 'limits'))}")
    return Value(pick(rng, ("the ", "its ", "")), f"{names.cased_word(rng)} limit")


def threshold(rng: Random) -> Value:
    """A share of a book's value."""
    number = pick(rng, ("5", "10", "10", "10", "15", "20", "25", "8", "2", "30", "3", "2.5", "7.5", "12", "40", "1"))
    if rng.random() < 0.06:
        return plain(pick(rng, ("0.1", "0.05", "0.25", "ten percent", "five percent", "a tenth", "a quarter")))
    return plain(number + pick(rng, _PERCENT))


def strike(rng: Random) -> Value:
    """A strike price."""
    value = rng.random()
    if value < 0.5:
        return plain(str(pick(rng, (4000, 3800, 4200, 4500, 3500, 3900, 4100, 3000, 5000, 3750, 4050))))
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
        pick(rng, ("delta", "delta", "gamma", "gamma", "vega", "vega", "theta", "theta", "rho", "rho", "Delta", "Vega"))
    )


def amount(rng: Random) -> Value:
    """An amount without its currency."""
    if rng.random() < 0.75:
        return plain(pick(rng, tuple(_AMOUNTS)))
    return plain(pick(rng, tuple(_AMOUNT_WORDS)))


def amount_digits(rng: Random) -> Value:
    """An amount that starts with a digit, for the place after a symbol or code."""
    return plain(pick(rng, tuple(_AMOUNTS)))


def _currency(rng: Random) -> Value:
    return plain(entities.currency(rng))


def _symbol(rng: Random) -> Value:
    return plain(pick(rng, entities.SYMBOLS))


def _code(rng: Random) -> Value:
    return plain(entities.currency_code(rng))


def _single_position(rng: Random) -> Value:
    return position(rng)


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
    return Value(pick(rng, ("the ", "")), f"{names.cased_word(rng)} {pick(rng, ('team', 'desk', 'office', 'unit'))}")


def _item(rng: Random) -> Value:
    return plain(pick(rng, words.ITEMS) if rng.random() < 0.4 else names.name(rng))


def _company(rng: Random) -> Value:
    return plain(names.company(rng))


SAMPLERS: dict[str, Callable[[Random], Value]] = {
    "portfolio": portfolio,
    "book": book,
    "bare": bare_book,
    "position": _single_position,
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
