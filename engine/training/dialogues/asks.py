"""Questions that lack something essential, so that the right answer is to ask back."""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from random import Random

from engine.training.dialogues import external
from engine.training.dialogues.clauses import (
    PHRASES,
    SUBJECTS,
    base_clause,
    dress,
    noun_question,
)
from engine.training.dialogues.drafts import lower_first, split_slot
from engine.training.dialogues.grammar import Piece, expand, lines, listed
from engine.training.dialogues.names import pick
from engine.training.dialogues.phrases_options import PARTIAL

# Words that point at a subject without naming it.
_VAGUE: dict[str, tuple[str, ...]] = {
    "portfolio": listed(
        "my book;the book;our book;the portfolio;my portfolio;our portfolio;this position;the position;my position;"
        "it;this book;that book;this;the account;the desk;our position;the fund;my account;our desk;this portfolio;"
        "one of our books;the other book;the same book;everything;a book;some position;them;us"
    ),
    "instrument": listed(
        "the stock;this stock;my stock;the share;it;that stock;the instrument;this name;the name;that one;this;"
        "the security;our stock;the ticker;a stock;some stock;the other one;the company;that share;the asset"
    ),
    "scenario": listed(
        "a scenario;the scenario;a shock;our scenario;a stress;the usual scenario;some crisis;a bad scenario;"
        "that scenario;the other scenario;a market shock;the worst case;stress;an adverse scenario;a stress scenario"
    ),
    "pair": listed(
        "the pair;it;the currency;this pair;that currency pair;the currencies;my currency;our pair;the cross rate"
    ),
    "second": (
        listed("another stock;the other one;something else;the other stock;it;that one;the other")
    ),
    "underlying": (listed("the underlying;it;the stock;my stock;that share;the asset;something")),
}

# Frames with a gap that no pointing word fills, by tool.
_GAPS: dict[str, tuple[str, ...]] = {
    "stress_test": lines("""
[stress|stress test|stress-test|shock] {portfolio}
[run|do|perform] a stress [test|] [on|for] {portfolio}
[the |][stress result|stress loss|stress test result|stress P&L] [of|for] {portfolio}
how [does|would] {portfolio} [behave|do|perform] under stress?
what does {portfolio} lose in a [crisis|stress|shock]?
{portfolio} stress[ test|]
what if things go wrong for {portfolio}?
[run|do] a stress test
stress test
how much would we lose in a crash?
what would happen in a crisis?
"""),
    "profit_and_loss": lines("""
[what is|what's|show|give me|compute] the [P&L|PnL|profit and loss|profit or loss|result] [of|for|on] {portfolio}?
how much did {portfolio} [make|lose|earn]?
how much money did we [make|lose] on {portfolio}?
{portfolio} [P&L|PnL]
[P&L|PnL|pnl] {portfolio}
[is|was] {portfolio} up or down?
{portfolio}'s [P&L|PnL|profit and loss]
how much did we make until {end}?
what is the P&L?
what's our P&L [from|between] {start} and {end}?
how much did we make [since {start}|in {start:period}]?
"""),
    "price_change": lines("""
how much did {instrument} [move|change|rise|fall|gain|lose]?
[what is|what's|show|give me] the [price change|return|performance|change|move] [of|in] {instrument}?
{instrument} [return|change|performance|price change]
how [did|has] {instrument} [perform|performed|done|moved]?
is {instrument} up or down?
by how much did {instrument} [rise|fall|change]?
how much did it move since {start}?
what is the return from {start} to {end}?
what is the price change?
"""),
    "convert_currency": lines("""
convert {from} [to|into] {to}
convert [my|the|our|some] {from} [to|into] {to}
[change|exchange] {from} [to|into] {to}
convert {amount:digits} {from}
convert {amount:digits}[ please|]
convert {amount:digits} [to|into] {to}
how much is {amount:digits} in {to}?
how much is {amount:digits} {from}?
[I want to|can you|please] convert some {from} [to|into] {to}
convert [it|the amount|the money|this] [to|into] {to}
convert [money|an amount|some currency|the cash]
do a currency conversion
exchange {amount:digits} {from}
{amount:digits} in {to}
what is {amount:digits} {from:code} worth?
how many {to} do I get?
what do I get for {amount:digits} {from}?
"""),
    "fx_rate": lines("""
what is the [exchange rate|FX rate|rate|currency rate|fx rate]?
[exchange rate|FX rate|fx|fx rate][ please|?]
[show|give me|get] the [exchange rate|FX rate] [on|as of] {as_of}
what was the [exchange rate|FX rate] on {as_of}?
[the |]exchange rate, please
what is the current exchange rate?
"""),
    "correlation": lines("""
[what is|what's|show|give me] the correlation of {first}?
how correlated is {first}?
{first} correlation
correlation of {first}[ over {window:span}|]
what does {first} correlate with?
[what is|compute|show] the correlation
correlation please
how correlated are they?
how correlated are the two stocks?
does {first} move with the other one?
correlate {first}
"""),
    "option_greek": lines("""
[the |]greek of {underlying} {strike} {option_type} {expiry}
[the |]sensitivity of the {strike} {option_type} on {underlying} expiring {expiry}
how sensitive is the {underlying} {strike} {option_type} expiring {expiry}?
[what is|give me] the [greek|sensitivity] of a {option_type} on {underlying} with strike {strike} and expiry {expiry}?
what is the [delta|gamma|vega]?
"""),
}


def _is_slot(piece: Piece, argument: str) -> bool:
    return piece.slot is not None and split_slot(piece.slot)[1] == argument


def _vague(intent: str, argument: str, rng: Random) -> list[Piece] | None:
    """A full question in which a pointing word stands for one argument."""
    pieces = base_clause(intent, rng)
    places = [idx for idx, piece in enumerate(pieces) if _is_slot(piece, argument)]
    if len(places) != 1:
        return None
    at = places[0]
    text = pick(rng, _VAGUE[argument])
    before = pieces[at - 1].text if at else ""
    if before.endswith(("the ", "my ", "our ", "a ", "this ")) and " " in text:
        text = text.split(" ", 1)[1]
    after = pieces[at + 1].text if at + 1 < len(pieces) else ""
    if text in ("it", "this", "them", "us") and (
        not at or not after or not after.startswith((" ", "?", "."))
    ):
        text = "my " + {"portfolio": "book", "instrument": "stock"}.get(argument, "one")
    if before.endswith((",", "(", "=")) or (after[:1].isalpha()):
        return None
    return [*pieces[:at], Piece(text), *pieces[at + 1 :]]


def _option_gap(intent: str, rng: Random) -> list[Piece]:
    noun = expand(pick(rng, PARTIAL), rng)
    if intent == "option_greek":
        return noun_question([Piece("the "), Piece("", "greek"), Piece(" of "), *noun], rng)
    template = pick(
        rng,
        (
            "price @",
            "what is @ worth?",
            "how much is @?",
            "@ price",
            "what does @ cost?",
            "value @",
            "the premium of @",
        ),
    )
    before, _, after = template.partition("@")
    return [Piece(before), *(lower_first(noun) if before else noun), Piece(after)]


def _from_tables(available: list[str], rng: Random) -> tuple[str, list[Piece]] | None:
    frames = external.tables().asks
    for _ in range(6):
        if not frames:
            return None
        frame = pick(rng, frames)
        if frame.tool in available:
            return frame.tool, expand(frame.text, rng)
    return None


def ask(available: list[str], rng: Random) -> tuple[str, list[Piece]]:
    """A tool of the row and a question that lacks some of its required arguments.

    Args:
        available: Canonical intents of the row, at least one.
        rng: Source of randomness.
    """
    while True:
        if external.tables().asks and rng.random() < 0.45:
            found = _from_tables(available, rng)
            if found:
                return found[0], dress(found[1], rng)
        intent = pick(rng, available)
        value = rng.random()
        pieces: list[Piece] | None = None
        if intent in _GAPS and value < 0.5:
            pieces = expand(pick(rng, _GAPS[intent]), rng)
        elif intent in ("option_price", "option_greek") and value < 0.85:
            pieces = _option_gap(intent, rng)
        elif value < 0.75 and SUBJECTS[intent] in ("portfolio", "instrument"):
            pieces = noun_question(expand(pick(rng, PHRASES[intent].bare), rng), rng)
        else:
            options = [name for name in _VAGUE if name in _arguments(intent)]
            pieces = _vague(intent, pick(rng, options), rng) if options else None
        if pieces is not None:
            return intent, dress(pieces, rng)


def _arguments(intent: str) -> tuple[str, ...]:
    subject = SUBJECTS[intent]
    extra = {"stress_test": ("scenario",), "correlation": ("second",)}.get(intent, ())
    return (subject, *extra) if subject in _VAGUE else extra
