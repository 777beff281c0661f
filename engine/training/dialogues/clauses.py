"""One question about one intent: a clause, the arguments around it, and the call behind it."""

from random import Random

from engine.training.dialogues import (
    external,
    phrases_compliance,
    phrases_currency,
    phrases_market,
    phrases_options,
    phrases_risk,
    wrappers,
)
from engine.training.dialogues.catalogue import INTENTS
from engine.training.dialogues.drafts import around, keys_of, lower_first, split_slot
from engine.training.dialogues.grammar import Piece, expand
from engine.training.dialogues.junk import JUNK, JUNK_CLAUSES
from engine.training.dialogues.names import pick
from engine.training.dialogues.phrase_types import Phrases

PHRASES: dict[str, Phrases] = {
    "value_at_risk": phrases_risk.VALUE_AT_RISK,
    "expected_shortfall": phrases_risk.EXPECTED_SHORTFALL,
    "stress_test": phrases_risk.STRESS_TEST,
    "exposure": phrases_risk.EXPOSURE,
    "profit_and_loss": phrases_risk.PROFIT_AND_LOSS,
    "option_price": phrases_options.OPTION_PRICE,
    "option_greek": phrases_options.OPTION_GREEK,
    "price": phrases_market.PRICE,
    "price_change": phrases_market.PRICE_CHANGE,
    "volatility": phrases_market.VOLATILITY,
    "correlation": phrases_market.CORRELATION,
    "beta": phrases_market.BETA,
    "drawdown": phrases_market.DRAWDOWN,
    "convert_currency": phrases_currency.CONVERT_CURRENCY,
    "fx_rate": phrases_currency.FX_RATE,
    "limit_check": phrases_compliance.LIMIT_CHECK,
    "large_exposures": phrases_compliance.LARGE_EXPOSURES,
    "positions": phrases_compliance.POSITIONS,
}

# Subjects that can be left to a lead-in or a pronoun.
SUBJECTS = {name: table.subject for name, table in PHRASES.items()}
_LEADABLE = frozenset({"portfolio", "instrument", "pair"})
_KIND_IN_LEAD = {"limit_check": ":book", "large_exposures": ":book", "positions": ":book"}
_SEPARATORS = (", ", ", ", ", ", " ", "; ", " | ", " / ", " - ")
_ASSET_INTENTS = frozenset({"price_change", "volatility", "beta", "drawdown"})


def subject_slot(intent: str) -> str:
    """The subject slot with the sampler that fits the intent."""
    return SUBJECTS[intent] + _KIND_IN_LEAD.get(intent, "")


def present(pieces: list[Piece]) -> set[str]:
    """Canonical arguments that the pieces hold."""
    return {split_slot(piece.slot)[1] for piece in pieces if piece.slot}


def noun_question(noun: list[Piece], rng: Random) -> list[Piece]:
    """A noun phrase in one of the ways to ask for it."""
    if rng.random() < 0.12:
        return noun
    return around(expand(pick(rng, wrappers.AROUND_NOUN), rng), noun, rng)


def _function_call(intent: str, rng: Random) -> list[Piece]:
    """`var(sample, 99%)`, `var sample 99%`, `var portfolio=sample confidence=99%`."""
    arguments = [
        item.name for item in INTENTS[intent].arguments if item.required or rng.random() < 0.4
    ]
    if intent == "drawdown" and "start" not in arguments and "end" in arguments:
        arguments.remove("end")
    style = rng.random()
    name = pick(rng, PHRASES[intent].functions) if rng.random() < 0.7 else intent
    separator = pick(rng, (", ", ",", ", ")) if style < 0.7 else " "
    is_named = rng.random() < (0.35 if style < 0.7 else 0.5)
    equals = pick(rng, ("=", "=", ": ", " = "))
    pieces = [Piece(name + ("(" if style < 0.7 else " "))]
    for idx, argument in enumerate(arguments):
        slot = "portfolio:book" if argument == "portfolio" else argument
        if argument in ("amount",):
            slot = "amount:digits"
        lead = separator if idx else ""
        pieces.append(Piece(lead + (argument + equals if is_named else "")))
        pieces.append(Piece("", slot))
    pieces.append(Piece(")" if style < 0.7 else ""))
    return pieces


def _terse(intent: str, rng: Random) -> list[Piece]:
    """Arguments and the wanted figure as a list, in any order."""
    table = PHRASES[intent]
    head = Piece(pick(rng, table.functions[:4]).replace("_", " "))
    pieces = [Piece("", slot) for slot in _terse_slots(intent, rng)]
    if rng.random() < 0.3:
        rng.shuffle(pieces)
    pieces.insert(0 if rng.random() < 0.55 else 1, head)
    separator = pick(rng, _SEPARATORS)
    result: list[Piece] = []
    for idx, piece in enumerate(pieces):
        if idx:
            result.append(Piece(separator))
        result.append(piece)
    return result


def _terse_slots(intent: str, rng: Random) -> list[str]:
    slots = []
    for argument in INTENTS[intent].arguments:
        if argument.required or rng.random() < 0.35:
            slots.append("portfolio:book" if argument.name == "portfolio" else argument.name)
    if "end" in slots and "start" not in slots:
        slots.remove("end")
    return slots


def _subject_first(intent: str, rng: Random) -> list[Piece]:
    """The subject in front: "Take the sample book. What is its VaR?"."""
    template = expand(pick(rng, wrappers.SUBJECT_FIRST), rng)
    noun = expand(pick(rng, PHRASES[intent].bare), rng)
    if noun and noun[0].text.startswith("the ") and rng.random() < 0.3:
        noun = [Piece("its " + noun[0].text[4:]), *noun[1:]]
    pieces = around(template, noun, rng)
    slot = subject_slot(intent)
    return [Piece("", slot) if piece.slot == "subject" else piece for piece in pieces]


def own_clause(intent: str, rng: Random) -> list[Piece]:
    """A clause from this package's phrases."""
    table = PHRASES[intent]
    value = rng.random()
    if value < 0.08 and table.subject in _LEADABLE:
        return _subject_first(intent, rng)
    if value < 0.13:
        return _function_call(intent, rng)
    if value < 0.17 and intent not in ("convert_currency", "correlation"):
        return _terse(intent, rng)
    if value < 0.57:
        return noun_question(expand(pick(rng, table.nouns), rng), rng)
    return expand(pick(rng, table.clauses), rng)


def base_clause(intent: str, rng: Random) -> list[Piece]:
    """A complete question that holds every required argument, from either author."""
    if intent in JUNK:
        return expand(pick(rng, JUNK_CLAUSES[intent]), rng)
    frames = external.frames(intent)
    if frames and rng.random() < 0.5:
        pieces = expand(pick(rng, frames), rng)
    else:
        pieces = own_clause(intent, rng)
    if intent in _KIND_IN_LEAD and rng.random() < 0.85:
        pieces = [Piece("", "portfolio:house") if p.slot == "portfolio" else p for p in pieces]
    if intent in _ASSET_INTENTS and rng.random() < 0.12:
        pieces = [Piece("", "instrument:asset") if p.slot == "instrument" else p for p in pieces]
    return pieces


def _attachable(intent: str, held: set[str]) -> list[str]:
    optional = [item.name for item in INTENTS[intent].arguments if not item.required]
    if intent == "drawdown":
        return [] if "start" in held else ["drawdown_period"]
    return [name for name in optional if name not in held and name in wrappers.ATTACH]


def _strip_end(pieces: list[Piece]) -> tuple[list[Piece], str]:
    """The pieces without their final punctuation, and that punctuation."""
    if not pieces or pieces[-1].slot is not None:
        return pieces, ""
    text = pieces[-1].text.rstrip()
    mark = text[-1:] if text[-1:] in "?.!" else ""
    if mark:
        return [*pieces[:-1], Piece(text.rstrip("?.!"))], mark
    return pieces, ""


def attach(intent: str, pieces: list[Piece], rng: Random) -> list[Piece]:
    """The clause with some of the optional arguments that it lacks, in various places."""
    candidates = _attachable(intent, present(pieces))
    chosen = [name for name in candidates if rng.random() < (0.3 if name == "as_of" else 0.26)]
    rng.shuffle(chosen)
    for name in chosen:
        value = rng.random()
        if name == "as_of" and value < 0.28:
            pieces = around(expand(pick(rng, wrappers.LEADING_DATE), rng), pieces, rng)
        elif value < 0.4 and name in wrappers.SENTENCES:
            body, mark = _strip_end(pieces)
            sentence = expand(pick(rng, wrappers.SENTENCES[name]), rng)
            pieces = [*body, Piece((mark or pick(rng, (".", "?", "."))) + " "), *sentence]
        else:
            body, mark = _strip_end(pieces)
            tail = _spaced(expand(pick(rng, wrappers.ATTACH[name]), rng))
            pieces = [*body, *tail, Piece(mark)]
    return pieces


def _spaced(tail: list[Piece]) -> list[Piece]:
    """The tail of a clause, set off by a space unless it starts with punctuation."""
    start = tail[0].text[:1]
    return tail if start in (" ", ",", ";", ":") and start else [Piece(" "), *tail]


def dress(pieces: list[Piece], rng: Random) -> list[Piece]:
    """The clause with greetings, reasons, courtesies and other words around it."""
    value = rng.random()
    if value < 0.13:
        pieces = [_opener(rng), *lower_first(pieces)]
    if rng.random() < 0.14:
        closer = expand(pick(rng, wrappers.CLOSERS), rng)
        body, mark = _strip_end(pieces)
        text = closer[0].text
        if text.startswith(" ") and (text[1:2].isupper()):
            pieces = [*body, Piece(mark or "."), *closer]
        else:
            pieces = [*body, *closer, Piece(mark)]
    return pieces


def _opener(rng: Random) -> Piece:
    text = "".join(piece.text for piece in expand(pick(rng, wrappers.OPENERS), rng))
    return Piece(text + pick(rng, (", ", ", ", ": ", ". ", " - ", "! ", "... ")))


def question(intent: str, rng: Random) -> list[Piece]:
    """A whole question about one intent, before values and noise."""
    pieces = base_clause(intent, rng)
    if intent in INTENTS:
        pieces = attach(intent, pieces, rng)
    return dress(pieces, rng)


def keys_by_argument(pieces: list[Piece]) -> dict[str, str]:
    """The slot key behind each argument; the first of several wins."""
    found: dict[str, str] = {}
    for key in keys_of(pieces):
        found.setdefault(split_slot(key)[1], key)
    return found
