"""Stress scenarios: named crises, invented ones, and custom shocks."""

from random import Random

from engine.training.dialogues import names
from engine.training.dialogues.entities import Value, plain
from engine.training.dialogues.grammar import listed
from engine.training.dialogues.names import pick

_NAMED_SCENARIOS = listed(
    "2008;2008;2008 crisis;2008 financial crisis;GFC;global financial crisis;Lehman;"
    "Lehman crisis;Lehman collapse;"
    "financial crisis;credit crunch;covid;covid;covid crash;Covid-19 crash;COVID;"
    "coronavirus crash;March 2020;"
    "2020;2020 pandemic;pandemic;dot-com crash;dotcom crash;dot com bust;"
    "Black Monday;1987 crash;2022 sell-off;"
    "eurozone crisis;euro crisis;Brexit;taper tantrum;Asian crisis;1998 LTCM crisis;"
    "Russian default;SVB;"
    "2011 downgrade;Volmageddon;9/11;flash crash;oil price war;Swiss franc unpeg;"
    "tech bubble;2000 crash"
)
_BARE_SCENARIOS = frozenset(
    listed("2008;GFC;Lehman;covid;COVID;March 2020;2020;Black Monday;Brexit;SVB;Volmageddon;9/11")
)
_FACTORS = listed(
    "equities;equities;stocks;stocks;equity;shares;all equities;the market;tech;"
    "tech stocks;US equities;"
    "S&P 500;the S&P;energy;financials;banks;EUR;USD;GBP;JPY;CHF;the dollar;the euro;"
    "sterling;EUR/USD;yen;"
    "health care;equity markets;US stocks;FX"
)
_DOWN_VERBS = listed(
    "down;falling;fall;drop;dropping;lose;losing;crash;crashing;up;rise;rising;rally;"
    "gain;gaining;plunge;decline;sink"
)
_MOVE_NOUNS = (
    "fall",
    "drop",
    "decline",
    "crash",
    "rise",
    "rally",
    "gain",
    "plunge",
    "move",
    "shock",
    "loss",
)


def _size(rng: Random) -> str:
    number = pick(
        rng, ("5", "10", "15", "20", "20", "25", "30", "40", "50", "3", "7.5", "2", "12", "35", "1")
    )
    return number + pick(rng, ("%", "%", "%", "%", " percent", " per cent", " pct", " %"))


def shock(rng: Random) -> Value:
    """A custom shock as one span: equities -20%, -20% equities, 10% fall in equities."""
    factor, size = pick(rng, _FACTORS), _size(rng)
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
        return Value(
            pick(rng, ("a ", "")),
            f"{size} {bare} {pick(rng, ('shock', 'crash', 'drop', 'sell-off'))}",
        )
    article = "the " if factor.startswith("the ") else ""
    if value < 0.94:
        return Value(article, f"{bare} {pick(rng, _DOWN_VERBS)} {pick(rng, ('', '', 'by '))}{size}")
    other = pick(rng, _FACTORS).removeprefix("the ")
    return plain(f"{bare} {sign}{size}, {other} {pick(rng, ('-', '+'))}{_size(rng)}")


def shock_clause(rng: Random) -> Value:
    """A shock as a clause after if or when: stocks fell 20%, the dollar rises by 5%."""
    factor = pick(rng, _FACTORS)
    article = "the " if factor.startswith("the ") else ""
    verb = pick(
        rng,
        listed(
            "fall;fell;drop;dropped;lose;lost;crash;crashed;rise;rose;gain;gained;went down;"
            "go down;were down;"
            "tank;tanked;sold off;plunge;decline;declined;jumped;are down;goes up;weakens;"
            "strengthens;slide"
        ),
    )
    return Value(
        article,
        f"{factor.removeprefix('the ')} {verb} {pick(rng, ('', 'by ', 'another '))}{_size(rng)}",
    )


def named_scenario(rng: Random) -> Value:
    """A named scenario, historical or invented."""
    value = rng.random()
    if value < 0.7:
        text = pick(rng, _NAMED_SCENARIOS)
        article = "" if text in _BARE_SCENARIOS else pick(rng, ("the ", "the ", "the ", ""))
        return Value(article, text)
    noun = pick(
        rng, ("scenario", "shock", "crisis", "crash", "stress", "default", "sell-off", "event")
    )
    if value < 0.9:
        article = pick(rng, ("the ", "the ", "a ", ""))
        return Value(article, f"{names.cased_word(rng)} {noun}")
    return plain(names.name(rng))


def scenario(rng: Random) -> Value:
    """A scenario in any form that stands after under or in."""
    return named_scenario(rng) if rng.random() < 0.62 else shock(rng)
