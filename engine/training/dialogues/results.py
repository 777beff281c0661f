"""Tool results whose keys are references, and the sentence that cites them.

A result is a flat JSON map; keys are `[[cN.field|unit|decimals]]` for numbers and `[[cN.field]]`
for text. The numbers are noise of a realistic size: the model only ever copies keys.
"""

from random import Random

from engine.training.dialogues import entities, names, synonyms
from engine.training.dialogues.catalogue import FINAL_ERROR, Field
from engine.training.dialogues.names import pick
from engine.training.dialogues.views import ToolView, compact_json

_SCALES = {"%": 60.0, "1": 2.0, "ms": 400.0, "days": 500.0, "shares": 1e6, "contracts": 500.0}
_STATUS = (
    "ok",
    "ok",
    "within limits",
    "breach",
    "breached",
    "warning",
    "pass",
    "fail",
    "2 breaches",
)
_LINES = (
    "AAPL 12500.00 USD",
    "MSFT 8400.50 USD",
    "EUR 3000000.00 EUR",
    "Technology 41.2 %",
    "Energy 12.7 %",
    "USD 1203344.10",
    "GBP -50211.00",
    "SPX 4000 call 10 contracts",
    "JPM 200 shares",
    "KO 5000 shares",
    "VaR limit 50000 used 48211",
    "sector limit 40 % used 41.2 %",
    "Health care 9.8 %",
    "cash 100000 USD",
)
_ERRORS = (
    "{date} is not a trading day",
    "{date} is not a trading day",
    "no data before 1990-01-02",
    "no data after {date}",
    "{date} is in the future",
    "unknown book {name}",
    "unknown book {name}",
    "unknown instrument {name}",
    "unknown instrument {name}",
    "unknown currency {code}",
    "unknown scenario {name}",
    "unknown limit {name}",
    "the book {name} is empty",
    "no price for {name} on {date}",
    "no rate for {code} on {date}",
    "confidence must lie between 0 and 1",
    "the horizon {name} was not understood",
    "the date {name} was not understood",
    "the end lies before the start",
    "expiry lies before the valuation date",
    "the strike must be positive",
    "not allowed by policy",
    "{name} has no limits",
    "too few observations for this window",
    "ambiguous name {name}",
    "service not available",
    "end date missing",
)


def _iso(rng: Random) -> str:
    year, month, day = (
        1990 + int(rng.random() * 37),
        1 + int(rng.random() * 12),
        1 + int(rng.random() * 28),
    )
    return f"{year}-{month:02d}-{day:02d}"


def reference(number: int, field: Field) -> str:
    """The key of a field: `[[c1.var|USD|0]]`, or `[[c1.subject]]` for text."""
    if field.unit:
        return f"[[c{number}.{field.name}|{field.unit}|{field.decimals}]]"
    return f"[[c{number}.{field.name}]]"


def _subject(spans: dict[str, str], rng: Random) -> str:
    for key in ("portfolio", "instrument", "pair", "underlying", "place", "person", "company"):
        if key in spans:
            text = spans[key].replace("\\", "")
            value = rng.random()
            if value < 0.45:
                return text
            if value < 0.6:
                return f"the {text}"
            if value < 0.8:
                return f"{text} ({names.ticker(rng)})"
            return names.name(rng)
    if "first" in spans and "second" in spans:
        return f"{spans['first']} and {spans['second']}"
    return names.name(rng)


def _table(rng: Random) -> str:
    longest = 12 if rng.random() < 0.06 else 3
    return "; ".join(pick(rng, _LINES) for _ in range(1 + int(rng.random() * longest)))


def _text_value(field: str, spans: dict[str, str], rng: Random) -> str:
    if field == "subject":
        return _subject(spans, rng)
    if field in ("start", "end", "as_of"):
        return _iso(rng)
    if field == "status":
        return pick(rng, _STATUS)
    if field in ("exposure", "limits", "exposures", "positions"):
        return _table(rng)
    if field in ("greek", "by", "scenario", "benchmark"):
        return spans.get(field, "S&P 500")
    if field in ("value", "comment", "source", "desk", "trader"):
        return names.name(rng)
    return _iso(rng)


def _number(field: Field, unit: str, rng: Random) -> str:
    scale = _SCALES.get(unit, 5000.0 if field.decimals else 10.0 ** (3 + rng.random() * 4))
    decimals = max(field.decimals, 2 if unit.isupper() else field.decimals)
    sign = -1 if rng.random() < 0.35 and unit != "shares" else 1
    return f"{sign * rng.random() * scale:.{decimals}f}"


def _units(rng: Random) -> dict[str, str]:
    home = "USD" if rng.random() < 0.6 else entities.currency_code(rng)
    source, target = entities.two_codes(rng)
    return {"CUR": home, "FROM": source, "TO": target, "RATE": f"{target}/{source}"}


def _decimals(field: Field, is_canonical: bool, rng: Random) -> int:
    if rng.random() < (0.9 if is_canonical else 0.6):
        return field.decimals
    return int(rng.random() * 5)


def _placed(view: ToolView, units: dict[str, str], rng: Random) -> dict[str, Field]:
    """The cited fields by canonical name, with the row's names, units and decimals."""
    placed: dict[str, Field] = {}
    for field in view.intent.fields:
        unit = units.get(field.unit, field.unit)
        decimals = _decimals(field, view.canonical, rng)
        placed[field.name] = Field(view.field_names.get(field.name, field.name), unit, decimals)
    return placed


def _extras(taken: set[str], view: ToolView, units: dict[str, str], rng: Random) -> list[Field]:
    extras: list[Field] = []
    if "as_of" not in taken and rng.random() < (0.75 if view.canonical else 0.4):
        extras.append(Field("as_of"))
    likely = 0.25 if view.canonical else 0.7
    for _ in range(int(rng.random() * 5) if rng.random() < likely else 0):
        name, unit, decimals = pick(rng, synonyms.DISTRACTORS)
        if name not in taken and all(name != extra.name for extra in extras):
            extras.append(Field(name, units.get(unit, unit), decimals))
    return extras


def result(view: ToolView, number: int, spans: dict[str, str], rng: Random) -> tuple[str, str]:
    """The result of call `number` as JSON text, and the sentence that answers with it.

    Args:
        view: The called tool.
        number: 1-based number of the call in the dialogue.
        spans: Copied text by canonical argument; only flavours labels.
        rng: Source of the noise.
    """
    units = _units(rng)
    placed = _placed(view, units, rng)
    entries = [
        (
            reference(number, field),
            _number(field, field.unit, rng) if field.unit else _text_value(name, spans, rng),
        )
        for name, field in placed.items()
    ]
    for extra in _extras({field.name for field in placed.values()}, view, units, rng):
        value = _number(extra, extra.unit, rng) if extra.unit else _text_value(extra.name, {}, rng)
        entries.append((reference(number, extra), value))
    if rng.random() < (0.15 if view.canonical else 0.6):
        rng.shuffle(entries)
    final = view.intent.final
    for name, field in placed.items():
        final = final.replace(f"<{name}>", reference(number, field))
    return compact_json(dict(entries)), final


def error(view: ToolView, number: int, rng: Random) -> tuple[str, str]:
    """An error result of call `number` as JSON text, and the sentence that reports it."""
    key = reference(number, Field(view.field_names.get("error", "error")))
    text = pick(rng, _ERRORS)
    filled = text.format(date=_iso(rng), name=names.name(rng), code=entities.currency_code(rng))
    return compact_json({key: filled}), FINAL_ERROR.replace("<error>", key)
