"""Questions that need two or three calls.

Slot keys with a suffix `_n` belong to call n, keys without one are shared by every call that has
the argument.
"""

from random import Random

from engine.training.dialogues import external, wrappers
from engine.training.dialogues.catalogue import INTENTS
from engine.training.dialogues.clauses import (
    PHRASES,
    SUBJECTS,
    attach,
    base_clause,
    dress,
    noun_question,
    own_clause,
    present,
    subject_slot,
)
from engine.training.dialogues.drafts import Call, around, keys_of, lower_first, split_slot
from engine.training.dialogues.grammar import Piece, expand
from engine.training.dialogues.names import pick
from engine.training.dialogues.phrases_follow import PRONOUN_CLAUSES

_Parts = tuple[list[Piece], list[str]]

_PORTFOLIO_GROUP = (
    "value_at_risk",
    "expected_shortfall",
    "value_at_risk",
    "expected_shortfall",
    "exposure",
    "limit_check",
    "large_exposures",
    "positions",
    "stress_test",
)
_INSTRUMENT_GROUP = ("price", "volatility", "beta", "drawdown")
_DOUBLED = (
    "scenario",
    "by",
    "confidence",
    "greek",
    "as_of",
    "horizon",
    "method",
    "limit",
    "window",
    "to",
    "strike",
    "benchmark",
    "start",
    "threshold",
    "second",
)
# What the first of several questions about one subject says holds for the later ones too.
_SHARED = ("as_of", "confidence", "horizon", "method", "window")
_JOINERS = (
    ", and ",
    " and ",
    ", and ",
    "? And ",
    ". Also, ",
    ". Then ",
    "; ",
    ", plus ",
    " as well as ",
    ", also ",
    "? Also ",
    "? ",
    ". ",
    " + ",
    ", then ",
    ". And ",
    ", and also ",
    " & ",
    "? And also ",
    ". In addition, ",
)


def calls_of(intents: list[str], pieces: list[Piece]) -> list[Call]:
    """The calls behind the pieces: `argument_n` for call n, else the shared `argument`."""
    held = set(keys_of(pieces))
    calls: list[Call] = []
    for number, intent in enumerate(intents, 1):
        keys: dict[str, str] = {}
        for argument in INTENTS[intent].arguments:
            for key in (f"{argument.name}_{number}", argument.name):
                if key in held:
                    keys[argument.name] = key
                    break
        calls.append(Call(intent, keys))
    return calls


def _suffixed(pieces: list[Piece], number: int) -> list[Piece]:
    result: list[Piece] = []
    for piece in pieces:
        if piece.slot is None:
            result.append(piece)
            continue
        key, _, kind = piece.slot.partition(":")
        result.append(Piece("", f"{key}_{number}:{kind}" if kind else f"{key}_{number}"))
    return result


def _listed(items: list[list[Piece]], rng: Random) -> list[Piece]:
    """`A and B`, `A, B and C`, `A and of B`, `A / B`, ..."""
    last = pick(
        rng, (" and ", " and ", " and ", ", ", " & ", " / ", " and also ", " as well as ", ", and ")
    )
    middle = " / " if last == " / " else ", "
    result: list[Piece] = []
    for idx, item in enumerate(items):
        if idx:
            result.append(Piece(last if idx == len(items) - 1 else middle))
        result.extend(item)
    return result


def _doubled(pieces: list[Piece], argument: str, count: int, rng: Random) -> list[Piece]:
    """The pieces with the slot of `argument` turned into a list of slots."""
    result: list[Piece] = []
    for idx, piece in enumerate(pieces):
        if piece.slot is None or split_slot(piece.slot)[1] != argument:
            result.append(piece)
            continue
        key, _, kind = piece.slot.partition(":")
        kind = f":{kind}" if kind else ""
        items = [[Piece("", f"{key}_{number}{kind}")] for number in range(1, count + 1)]
        before = pieces[idx - 1].text if idx else ""
        word = before.split(" ")[-2] if before.endswith(" ") and before.count(" ") > 1 else ""
        if (
            word in ("of", "for", "on", "by", "in", "under", "to", "at", "with")
            and rng.random() < 0.3
        ):
            items = [items[0], *([Piece(f"{word} "), *item] for item in items[1:])]
        result.extend(_listed(items, rng))
    return result


def same_tool(available: list[str], rng: Random) -> _Parts | None:
    """One tool for two or three subjects, or for two values of another argument."""
    intent = pick(rng, available)
    is_noun = rng.random() < 0.08
    noun = pick(rng, PHRASES[intent].nouns)
    pieces = expand(noun, rng) if is_noun else base_clause(intent, rng)
    held = present(pieces)
    keys = keys_of(pieces)
    if len(keys) != len(set(keys)):
        return None
    subject = SUBJECTS[intent]
    if rng.random() < 0.6 and subject in held and intent != "correlation" and subject != "amount":
        argument, count = subject, 3 if rng.random() < 0.25 else 2
    else:
        options = [name for name in _DOUBLED if name in held]
        if "end" in held or any(piece.slot == "start" for piece in pieces):
            options = [name for name in options if name != "start"]
        if not options:
            return None
        argument, count = pick(rng, options), 3 if rng.random() < 0.12 else 2
    pieces = _doubled(pieces, argument, count, rng)
    if is_noun:
        pieces = [Piece(pick(rng, ("compare ", "compare ", "contrast "))), *pieces]
    return pieces, [intent] * count


def _head(intent: str, rng: Random) -> list[Piece]:
    return expand(pick(rng, PHRASES[intent].heads), rng)


def _adjectives(intents: list[str], rng: Random) -> list[Piece]:
    if not {"value_at_risk", "expected_shortfall"} & {intents[0]} or rng.random() < 0.5:
        return []
    options = (
        "{confidence:level} ",
        "{horizon:adjective} ",
        "{horizon:adjective} {confidence:level} ",
        "{method} ",
    )
    return expand(pick(rng, options), rng)


def joined_heads(available: list[str], rng: Random) -> _Parts | None:
    """Several figures of one subject: "VaR and ES of the sample book"."""
    group = _PORTFOLIO_GROUP if rng.random() < 0.65 else _INSTRUMENT_GROUP
    options = sorted({name for name in group if name in available})
    count = 3 if rng.random() < 0.25 else 2
    if len(options) < count:
        return None
    intents = rng.sample(options, count)
    if {"value_at_risk", "expected_shortfall"} <= set(options) and rng.random() < 0.35:
        intents[:2] = rng.sample(["value_at_risk", "expected_shortfall"], 2)
        if len(set(intents)) < count:
            return None
    heads = [_head(intent, rng) for intent in intents]
    if pick(rng, (True, False)):
        heads[0] = [*_adjectives(intents, rng), *heads[0]]
    slot = Piece(
        "",
        next(
            (subject_slot(name) for name in intents if ":" in subject_slot(name)),
            subject_slot(intents[0]),
        ),
    )
    value = rng.random()
    listed = _listed(heads, rng)
    if value < 0.5:
        noun = [
            Piece(pick(rng, ("the ", "", "both the ", "the "))),
            *listed,
            Piece(pick(rng, (" of ", " for ", " of ", " on "))),
            slot,
        ]
        return noun_question(noun, rng), intents
    if value < 0.6:
        return [
            slot,
            Piece(pick(rng, (": ", " - ", ", ", " "))),
            *listed,
            Piece(pick(rng, ("", "?", " please"))),
        ], intents
    if value < 0.75:
        link = pick(
            rng, (" and its ", ", and its ", ". Also its ", " and the ", " plus ", ", also ")
        )
        noun = [
            *heads[0],
            Piece(pick(rng, (" of ", " for "))),
            slot,
            Piece(link),
            *_listed(heads[1:], rng),
        ]
        return noun_question(noun, rng), intents
    if value < 0.9:
        template = expand(pick(rng, wrappers.SUBJECT_FIRST), rng)
        pieces = around(template, listed, rng)
        return [slot if piece.slot == "subject" else piece for piece in pieces], intents
    figures = pick(
        rng,
        (
            "I need {n} figures for {subject}: @",
            "report @ for {subject}",
            "{subject}'s @",
            "both figures for {subject}: @",
            "please send @. It is for {subject}.",
        ),
    ).replace("{n}", ("two", "three")[count - 2])
    pieces = around(expand(figures, rng), listed, rng)
    return [slot if piece.slot == "subject" else piece for piece in pieces], intents


def _follow_up(intent: str, rng: Random) -> list[Piece]:
    """A second clause whose subject is a pronoun."""
    table = PHRASES[intent]
    if intent in PRONOUN_CLAUSES and rng.random() < 0.6:
        return [*expand(pick(rng, PRONOUN_CLAUSES[intent]), rng), Piece(pick(rng, ("?", "?", "")))]
    noun = expand(pick(rng, table.bare), rng)
    if noun and noun[0].text.startswith("the "):
        noun = [Piece(noun[0].text[4:]), *noun[1:]]
    lead = pick(
        rng, ("its ", "its ", "the ", "what is its ", "what's its ", "give me its ", "I need its ")
    )
    return [Piece(lead), *noun, Piece(pick(rng, ("?", "", "?")))]


def _without_mark(pieces: list[Piece]) -> list[Piece]:
    if pieces and pieces[-1].slot is None:
        return [*pieces[:-1], Piece(pieces[-1].text.rstrip("?.! "))]
    return pieces


def _joined(parts: list[list[Piece]], rng: Random) -> list[Piece]:
    result: list[Piece] = []
    for idx, part in enumerate(parts):
        if idx:
            result = _without_mark(result)
            joiner = pick(rng, _JOINERS) if rng.random() < 0.97 else "\n"
            upper = joiner.rstrip().endswith((".", "?")) or joiner == "\n"
            result.append(Piece(joiner))
            result.extend(part if upper else lower_first(part))
        else:
            result.extend(part)
    return result


def _shared(pieces: list[Piece], arguments: set[str]) -> list[Piece]:
    """The pieces of the first part with its slots of `arguments` shared by all parts."""
    result: list[Piece] = []
    for piece in pieces:
        key, _, kind = (piece.slot or "").partition(":")
        name = key.removesuffix("_1")
        if name in arguments:
            result.append(Piece("", f"{name}:{kind}" if kind else name))
        else:
            result.append(piece)
    return result


def compound(available: list[str], rng: Random) -> _Parts | None:
    """Two or three questions in a row, the later ones perhaps about the same subject."""
    count = 3 if rng.random() < 0.15 else 2
    intents = [pick(rng, available)]
    first = base_clause(intents[0], rng)
    subject = SUBJECTS[intents[0]]
    parts = [_suffixed(first, 1)]
    is_shared = rng.random() < 0.5 and subject in ("portfolio", "instrument")
    if is_shared:
        if (
            sum(piece.slot is not None and split_slot(piece.slot)[1] == subject for piece in first)
            != 1
        ):
            return None
        siblings = [name for name in available if SUBJECTS[name] == subject and name != intents[0]]
        # A pair has a rate, not a price.
        if any(piece.slot == "instrument:asset" for piece in first):
            siblings = [name for name in siblings if name != "price"]
        if len(siblings) < count - 1:
            return None
        intents += rng.sample(siblings, count - 1)
        parts += [_suffixed(_follow_up(name, rng), idx) for idx, name in enumerate(intents[1:], 2)]
        parts[0] = _shared(parts[0], {subject, *_SHARED})
    else:
        for number in range(2, count + 1):
            intents.append(pick(rng, available))
            clause = own_clause if rng.random() < 0.5 else base_clause
            parts.append(_suffixed(clause(intents[-1], rng), number))
    return _joined(parts, rng), intents


def from_tables(available: list[str], rng: Random) -> _Parts | None:
    """A frame of the second author for several calls."""
    frames = external.tables().several
    for _ in range(6):
        if not frames:
            return None
        frame = pick(rng, frames)
        if all(intent in available for intent in frame.intents):
            return expand(frame.text, rng), list(frame.intents)
    return None


def several(available: list[str], rng: Random) -> tuple[list[Piece], list[Call]]:
    """A question for two or three calls of the available intents.

    Args:
        available: Canonical intents of the row, at least one.
        rng: Source of randomness.
    """
    while True:
        value = rng.random()
        if external.tables().several and value < 0.35:
            parts = from_tables(available, rng)
        elif value < 0.6:
            parts = same_tool(available, rng)
        elif value < 0.8:
            parts = joined_heads(available, rng)
        else:
            parts = compound(available, rng)
        if parts is None:
            continue
        pieces, intents = parts
        if rng.random() < 0.2 and "as_of" not in present(pieces):
            pieces = around(expand(pick(rng, wrappers.LEADING_DATE), rng), pieces, rng)
        elif (
            rng.random() < 0.25
            and len(set(intents)) > 1
            and value < 0.8
            and "_" not in "".join(keys_of(pieces))
        ):
            pieces = attach(intents[0], pieces, rng)
        calls = calls_of(intents, pieces)
        if _is_complete(calls):
            return dress(pieces, rng), calls


def _is_complete(calls: list[Call]) -> bool:
    return all(
        argument.name in call.keys
        for call in calls
        for argument in INTENTS[call.intent].arguments
        if argument.required
    ) and len({(call.intent, tuple(sorted(call.keys.items()))) for call in calls}) == len(calls)
