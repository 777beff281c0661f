"""Wrong answers made from correct ones, by class; a mutant that changes nothing is not made."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from finsvc.domain.calls import ToolCall
from finsvc.domain.rendering import format_quantity
from finsvc.domain.results import Quantity
from tests.finsvc.validator.mutation_cases import (
    DATES,
    HORIZONS,
    LEVELS,
    NAMES,
    PAIRS,
    SCENARIOS,
    Answer,
)

REFERENCE = re.compile(r"\[\[(c\d)\.([A-Za-z_.:\-0-9]+)\|([^|\]]+)\|(\d+)\]\]")
_CODES = ("USD", "EUR", "GBP", "JPY")
_WORDS = {
    "rose": "fell",
    "fell": "rose",
    "lost": "gained",
    "gained": "lost",
    "higher": "lower",
    "lower": "higher",
    "shows no breach": "shows breach",
    "shows breach": "shows no breach",
}
_DIGIT_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A result figure of an answer's text and the quantity it prints."""

    start: int
    text: str
    item: Quantity
    call: ToolCall
    field: str

    def put(self, text: str, new: str) -> str:
        """The text with another figure in its place."""
        return text[: self.start] + new + text[self.start + len(self.text) :]


def printed(answer: Answer) -> list[Printed]:
    """Result figures in the text, found by what the renderer printed."""
    found: dict[int, Printed] = {}
    for call in answer.calls:
        for field, item in call.result.fields.items() if call.result else ():
            text = format_quantity(item.value, item.unit, item.decimals)
            for match in re.finditer(rf"(?<![\w.,-]){re.escape(text)}(?![\w/])", answer.text):
                known = found.get(match.start())
                if known is None or len(known.text) < len(text):
                    found[match.start()] = Printed(
                        start=match.start(), text=text, item=item, call=call, field=field
                    )
    return [found[start] for start in sorted(found)]


def _formatted(item: Quantity, value: Decimal, *, places: int = 0) -> str:
    return format_quantity(value, item.unit, item.decimals + places)


def _digit(spot: Printed, rng: Random) -> str:
    places = [i for i, c in enumerate(spot.text) if c.isdigit()]
    at = rng.choice(places)
    digit = rng.choice([d for d in "123456789" if d != spot.text[at]])
    return spot.text[:at] + digit + spot.text[at + 1 :]


def _sign(spot: Printed, rng: Random) -> str:
    """The other sign."""
    return spot.text[1:] if spot.text.startswith("-") else f"-{spot.text}"


def _scale(spot: Printed, rng: Random) -> str:
    factor = rng.choice([Decimal(10) ** power for power in (3, 6, -3)])
    word = rng.choice([" thousand", " million", ""])
    if word:
        number, _, unit = spot.text.partition(" ")
        bare = number.rstrip("%")
        return f"{bare}{word}{number[len(bare) :]} {unit}".strip()
    return _formatted(spot.item, spot.item.value * factor, places=3)


def _unit(spot: Printed, rng: Random) -> str:
    if spot.item.unit == "%":
        bare = spot.text.rstrip("%")
        return rng.choice([f"{bare} bps", f"{bare} basis points", bare])
    if spot.item.unit == "1":
        return f"{spot.text}{rng.choice(['%', ' bps', ' USD'])}"
    return spot.text.split(" ")[0] + rng.choice(["%", " bps", ""])


def _currency(spot: Printed, rng: Random) -> str:
    number, _, unit = spot.text.partition(" ")
    if "/" in unit:
        first, second = unit.split("/")
        return f"{number} {second}/{first}"
    if len(unit) != 3:
        return ""
    return f"{number} {rng.choice([code for code in _CODES if code != unit])}"


def _rounding(spot: Printed, rng: Random) -> str:
    """A neighbour in the last place, or a figure cut where rounding would raise it."""
    step = Decimal(1).scaleb(-spot.item.decimals)
    return _formatted(spot.item, spot.item.value + step * rng.choice([1, -1, 2]))


def _fabricated(spot: Printed, rng: Random) -> str:
    factor = Decimal(str(round(rng.uniform(1.1, 9), 3)))
    return _formatted(spot.item, spot.item.value * factor + Decimal("7.31"))


def _in_words(spot: Printed, rng: Random) -> str:
    """A wrong number in words, in the figure's unit."""
    word = f"{rng.choice(['twenty', 'forty', 'ninety'])}-{rng.choice(_DIGIT_WORDS)}"
    scale = " thousand" if spot.item.unit in _CODES else ""
    unit = " percent" if spot.item.unit == "%" else f" {spot.item.unit}".removesuffix(" 1")
    return f"{word}{scale}{unit}"


NUMBERS: Mapping[str, Callable[[Printed, Random], str]] = {
    "digit": _digit,
    "sign": _sign,
    "scale": _scale,
    "unit": _unit,
    "currency": _currency,
    "rounding": _rounding,
    "fabricated": _fabricated,
    "number_word": _in_words,
}


def _is_same(spot: Printed, new: str) -> bool:
    zero = spot.item.value == 0 or not re.search(r"[1-9]", spot.text)
    return not new or new == spot.text or zero


def number_mutants(answer: Answer, rng: Random) -> Iterator[tuple[str, str]]:
    """Class and text of answers with one figure changed."""
    spots = printed(answer)
    if not spots:
        return
    for name, change in NUMBERS.items():
        for spot in rng.sample(spots, min(2, len(spots))):
            new = change(spot, rng)
            # "Lost 5 USD" says the same as "lost -5 USD".
            is_loss = name == "sign" and re.search(r"\b(?:lost|fell)\b", answer.text)
            if not (_is_same(spot, new) or is_loss):
                yield name, spot.put(answer.text, new)


def _swapped(text: str, options: tuple[str, ...], rng: Random) -> Iterator[str]:
    """The text with one of some words replaced by another of them."""
    for word in options:
        if re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text):
            other = rng.choice([option for option in options if option != word])
            yield re.sub(rf"(?<![\w.]){re.escape(word)}(?!\w)", other, text, count=1)


def _operands(answer: Answer, rng: Random) -> Iterator[str]:
    """Another figure of the same results in the place of the one asked for."""
    for spot in printed(answer):
        table = spot.field.split(".")[0]
        others = [
            format_quantity(item.value, item.unit, item.decimals)
            for name, item in (spot.call.result.fields.items() if spot.call.result else ())
            if name != spot.field and (item.unit == spot.item.unit or "." not in spot.field)
        ]
        others = [text for text in others if text != spot.text]
        if others and table != "converted":
            yield spot.put(answer.text, rng.choice(others))


def word_mutants(answer: Answer, rng: Random) -> Iterator[tuple[str, str]]:
    """Class and text of answers whose words no longer fit their figures."""
    text = answer.text
    names = (*NAMES, "sample book")
    for new in _swapped(text, names, rng):
        yield "entity", new.replace("the sample book", "the other sample book")
    for options in (DATES, HORIZONS, ("60 days", "120 days", "500 days")):
        for new in _swapped(text, options, rng):
            yield "period", new
    for new in _swapped(text, LEVELS, rng):
        yield "basis", new
    for new in _operands(answer, rng):
        yield "operand", new
    for word, other in _WORDS.items():
        if re.search(rf"\b{word}\b", text):
            yield "comparison", re.sub(rf"\b{word}\b", other, text, count=1)


def _reference_mutants(answer: Answer, rng: Random) -> Iterator[tuple[str, str]]:
    """References written out with another figure, or changed in unit, places or field."""
    spots = {(str(spot.call.id), spot.field): spot for spot in printed(answer)}
    for match in REFERENCE.finditer(answer.template):
        call, field, unit, places = match.groups()
        before, after = answer.template[: match.start()], answer.template[match.end() :]
        spot = spots.get((call, field))
        if spot is None:
            continue
        for name, change in NUMBERS.items():
            new = change(spot, rng)
            if not _is_same(spot, new):
                yield name, f"{before}{new}{after}"
        yield "unit", f"{before}[[{call}.{field}|{'bp' if unit == '%' else '%'}|{places}]]{after}"
        yield "currency", f"{before}[[{call}.{field}|CHF|{places}]]{after}"
        yield "rounding", f"{before}[[{call}.{field}|{unit}|{int(places) + 1}]]{after}"
        result = spot.call.result
        for name, item in result.fields.items() if result else ():
            if name not in spot.call.shown and "." not in name:
                reference = f"[[{call}.{name}|{item.unit}|{item.decimals}]]"
                yield "operand", f"{before}{reference}{after}"


def bound_mutants(answer: Answer, rng: Random) -> Iterator[tuple[str, str]]:
    """Class and template of answers whose references or own words were changed."""
    yield from _reference_mutants(answer, rng)
    for word, other in _WORDS.items():
        if re.search(rf"\b{word}\b", answer.template):
            yield "comparison", re.sub(rf"\b{word}\b", other, answer.template, count=1)
    kinds = (("entity", NAMES), ("period", DATES), ("period", HORIZONS), ("basis", LEVELS))
    for name, options in kinds:
        for new in _swapped(answer.template, options, rng):
            yield name, new
    if "[[c1.subject]]" in answer.template:
        for other in rng.sample(NAMES, 2):
            if other not in answer.text:
                yield "entity", answer.template.replace("[[c1.subject]]", other)


ARGUMENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "confidence": ("confidence", LEVELS),
    "horizon": ("horizon", HORIZONS),
    "window": ("horizon", ("60 days", "120 days", "500 days")),
    "as_of": ("date", DATES),
    "start": ("date", DATES),
    "end": ("date", DATES),
    "instrument": ("instrument", NAMES),
    "first": ("instrument", NAMES),
    "second": ("instrument", NAMES),
    "portfolio": ("book", ("sample book", *(f"500 {name} shares" for name in NAMES))),
    "scenario": ("scenario", SCENARIOS),
    "pair": ("currency", PAIRS),
    "from": ("currency", _CODES),
    "to": ("currency", _CODES),
    "amount": ("currency", ("5m GBP", "750,000 USD", "2m EUR")),
}


def argument_mutants(answer: Answer, rng: Random) -> Iterator[tuple[str, int, Mapping[str, str]]]:
    """Class, call and arguments that differ from the question's: other values, or left out."""
    for number, (tool, arguments) in enumerate(answer.request.tools):
        required = {"portfolio", "instrument", "first", "second", "pair", "from", "to", "amount"}
        for name, value in arguments.items():
            if name not in ARGUMENTS:
                continue
            kind, options = ARGUMENTS[name]
            for other in options:
                if other != value:
                    yield kind, number, {**arguments, name: other}
            if name not in required | {"start", "scenario"} and tool != "option_greek":
                yield kind, number, {n: v for n, v in arguments.items() if n != name}
        if {"start", "end"} <= arguments.keys():
            swapped = {**arguments, "start": arguments["end"], "end": arguments["start"]}
            yield "date", number, swapped
