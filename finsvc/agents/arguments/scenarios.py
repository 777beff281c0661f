"""Stress scenarios: named stretches of history and custom shocks."""

import re
from decimal import Decimal

from finsvc.agents.arguments.currencies import find_currency, find_pair
from finsvc.agents.arguments.instruments import find_instrument
from finsvc.agents.arguments.levels import PERCENT_PATTERN, read_percent
from finsvc.agents.arguments.spans import Parsed, Span, read_span
from finsvc.domain.errors import UnknownNameError
from finsvc.domain.scenarios import (
    HISTORICAL_SCENARIOS,
    Scenario,
    Shock,
    ShockKind,
    ShockScenario,
)

_SCENARIO = "a scenario such as 2008, covid or equities -20%"
_SHOCK = "a shock with its direction, such as equities -20% or EUR up 5%"

_HISTORICAL = {
    "financial_crisis": (
        "2008;gfc;2008 crisis;2008 financial crisis;global financial crisis;financial crisis;"
        "financial crisis of 2008;great financial crisis;2007-2009;2007-09;2008-2009;2008-09;"
        "credit crunch;credit crisis;crisis of 2008;2008 crash;crash of 2008;subprime crisis;"
        "subprime;great recession;2008 gfc;2008 global financial crisis"
    ),
    "lehman": (
        "lehman;lehman crisis;lehman collapse;lehman brothers;lehman brothers collapse;"
        "lehman default;lehman bankruptcy;collapse of lehman;collapse of lehman brothers;"
        "lehman failure;lehman moment"
    ),
    "covid": (
        "covid;covid-19;covid 19;covid19;covid crash;covid-19 crash;covid 19 crash;2020;"
        "2020 crash;march 2020;march 2020 crash;coronavirus;coronavirus crash;pandemic;"
        "2020 pandemic;pandemic crash;covid sell-off;covid selloff;covid crisis;corona;"
        "corona crash;crash of 2020;covid pandemic;february-march 2020;2020 covid crash;"
        "covid shock;covid crash of 2020"
    ),
    "dot_com": (
        "dot-com;dotcom;dot com;dot-com crash;dotcom crash;dot com crash;dot-com bust;"
        "dotcom bust;dot com bust;dot-com bubble;dotcom bubble;dot com bubble;tech bubble;"
        "2000 crash;2000-2002;internet bubble;tech wreck;crash of 2000;tech bubble burst"
    ),
}
_BY_WORDING = {
    wording: key for key, wordings in _HISTORICAL.items() for wording in wordings.split(";")
} | {scenario.name.removeprefix("the ").lower(): key for key, scenario in (
    HISTORICAL_SCENARIOS.items()
)} | {key: key for key in HISTORICAL_SCENARIOS}  # fmt: skip
_SCENARIO_NOUN = re.compile(
    r"^(?:a )?(?:repeat|rerun|replay) of (?:the )?| (?:stress )?(?:scenario|stress|event)$"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split(";"))


_EQUITY_WORDS = _words(
    "equities;equity;stocks;stock;shares;all equities;all stocks;all shares;us equities;us stocks;"
    "market;markets;stock market;stock markets;equity market;equity markets;share prices;"
    "stock prices;equity prices;all us stocks"
)
_SECTOR_WORDS = {
    "tech": "Information Technology",
    "technology": "Information Technology",
    "it stocks": "Information Technology",
    "it sector": "Information Technology",
    "information technology": "Information Technology",
    "energy": "Energy",
    "financials": "Financials",
    "financial": "Financials",
    "banks": "Financials",
    "bank": "Financials",
    "health care": "Health Care",
    "healthcare": "Health Care",
    "industrials": "Industrials",
    "industrial": "Industrials",
    "consumer staples": "Consumer Staples",
    "staples": "Consumer Staples",
    "consumer discretionary": "Consumer Discretionary",
    "discretionary": "Consumer Discretionary",
}
_SECTOR_TAIL = re.compile(r" (?:stocks|shares|sector|names|equities|stock|companies)$")

_SIZE = re.compile(
    rf"(?P<sign>[+-] ?)?(?P<size>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+|[a-z]+(?:-[a-z]+)?)"
    rf" ?{PERCENT_PATTERN})(?![a-z])"
)
_DOWN = _words(
    "down;fall;falls;fell;falling;drop;drops;dropped;dropping;lose;loses;lost;losing;crash;crashes;"
    "crashed;crashing;decline;declines;declined;declining;sink;sinks;sank;sinking;plunge;plunges;"
    "plunged;plunging;weaken;weakens;weakened;weakening;slide;slides;slid;sliding;tank;tanks;"
    "tanked;tanking;sell-off;selloff;loss;haircut;decrease;decreases;decreased;lower;correction;"
    "sold;off;tumble;tumbles;tumbled;depreciate;depreciates;depreciated;depreciation;cheaper;"
    "collapse;collapses;collapsed;slump;slumps;slumped;drawdown;minus"
)
_UP = _words(
    "up;rise;rises;rose;rising;rally;rallies;rallied;rallying;gain;gains;gained;gaining;strengthen;"
    "strengthens;strengthened;strengthening;jump;jumps;jumped;jumping;increase;increases;increased;"
    "higher;appreciate;appreciates;appreciated;appreciation;climb;climbs;climbed;surge;surges;"
    "surged;plus"
)
_FILLERS = _words(
    "a;an;the;in;of;on;for;by;to;move;moves;moved;shock;shocked;another;are;is;were;was;be;go;goes;"
    "went;if;when;all;with;price;prices;would;further"
)
_SEPARATOR = re.compile(r" ?[,;] (?:and )?| and | with | plus | while | but ")


def parse_scenario(text: str, *, field: str = "scenario") -> Parsed[Scenario]:
    """Read a scenario: "2008", "the covid crash", "equities -20%", "tech down 30%, EUR +5%".

    Raises:
        UnknownNameError: a name that is no known scenario.
        InputError: a shock without direction, with an unknown target, or of -100 % or worse.
    """
    span = read_span(text, field=field, expected=_SCENARIO)
    for wording in (span.text, _SCENARIO_NOUN.sub("", span.text)):
        key = _BY_WORDING.get(wording.removeprefix("the "))
        if key is not None:
            return _historical(key)
    sizes = _sizes(span.text)
    if not sizes:
        raise UnknownNameError(
            field=field,
            kind="scenario",
            actual=span.written,
            known=(*HISTORICAL_SCENARIOS, "equities -20%"),
        )
    return _custom(span, len(sizes))


def _historical(key: str) -> Parsed[Scenario]:
    scenario = HISTORICAL_SCENARIOS[key]
    note = (
        f"The scenario {scenario.name.removeprefix('the ')} runs from the close of"
        f" {scenario.start.isoformat()} to the close of {scenario.end.isoformat()}."
    )
    return Parsed(value=scenario, notes=(note,))


def _sizes(text: str) -> list[re.Match[str]]:
    return [found for found in _SIZE.finditer(text) if read_percent(found["size"]) is not None]


def _custom(span: Span, count: int) -> Parsed[Scenario]:
    parts = [span.text] if count == 1 else _SEPARATOR.split(span.text)
    if len(parts) != count:
        raise span.rejected(_SHOCK)
    shocks: list[Shock] = []
    notes: list[str] = []
    for part in parts:
        shock, note = _shock(span, part)
        shocks.append(shock)
        notes.extend(note)
    if len({(shock.kind, shock.target) for shock in shocks}) != len(shocks):
        raise span.rejected("at most one shock for each target")
    name = ", ".join(_name(shock) for shock in shocks)
    return Parsed(value=ShockScenario(name=name, shocks=tuple(shocks)), notes=tuple(notes))


def _shock(span: Span, text: str) -> tuple[Shock, tuple[str, ...]]:
    sizes = _sizes(text)
    if len(sizes) != 1:
        raise span.rejected(_SHOCK)
    found = sizes[0]
    size = read_percent(found["size"])
    words = f"{text[: found.start()]} {text[found.end() :]}".split()
    signs = {-1 for word in words if word in _DOWN} | {1 for word in words if word in _UP}
    if found["sign"]:
        signs.add(-1 if found["sign"].startswith("-") else 1)
    if size is None or size == 0 or len(signs) != 1:
        raise span.rejected(_SHOCK)
    fraction = size * signs.pop()
    if fraction <= -1:
        raise span.rejected("a fall of less than 100 %")
    rest = " ".join(word.rstrip(":") for word in words if word not in _DOWN | _UP)
    return _target(span, rest, fraction)


def _target(span: Span, text: str, fraction: Decimal) -> tuple[Shock, tuple[str, ...]]:
    words = text.split(" ")
    while words and words[0] in _FILLERS and " ".join(words) not in _EQUITY_WORDS:
        words = words[1:]
    while words and words[-1] in _FILLERS:
        words = words[:-1]
    body = " ".join(words)
    if body in _EQUITY_WORDS:
        return Shock(kind=ShockKind.EQUITY, target=None, fraction=fraction), ()
    sector = _SECTOR_WORDS.get(body) or _SECTOR_WORDS.get(_SECTOR_TAIL.sub("", body))
    if sector is not None:
        return Shock(kind=ShockKind.SECTOR, target=sector, fraction=fraction), ()
    return _named_target(span, body, fraction)


def _named_target(span: Span, body: str, fraction: Decimal) -> tuple[Shock, tuple[str, ...]]:
    currency, instrument = find_currency(body), find_instrument(body)
    # "EUR and GBP down 10%" moves two currencies; it is no pair.
    pair = None if " and " in body else find_pair(body)
    if currency is not None:
        return Shock(kind=ShockKind.CURRENCY, target=currency, fraction=fraction), ()
    if pair is not None:
        note = f"A move of {pair.base}/{pair.quote} is read as a move of {pair.base}."
        return Shock(kind=ShockKind.CURRENCY, target=pair.base, fraction=fraction), (note,)
    if instrument == "SPX":
        note = "A move of the S&P 500 is read as the same move of every stock and the index."
        return Shock(kind=ShockKind.EQUITY, target=None, fraction=fraction), (note,)
    if instrument is not None:
        return Shock(kind=ShockKind.INSTRUMENT, target=instrument, fraction=fraction), ()
    raise span.rejected("a shock to equities, a sector, an instrument or a currency of the data")


def _name(shock: Shock) -> str:
    percent = f"{shock.fraction * 100:+f}"
    if "." in percent:
        percent = percent.rstrip("0").rstrip(".")
    return f"{shock.target or 'equities'} {percent}%"
