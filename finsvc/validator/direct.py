"""Checks of calls that a calculator's own tool made: its vocabulary, labels beside figures."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from finsvc.calculators.registry import CALCULATORS
from finsvc.domain.calls import ToolCall
from finsvc.validator.numerals import has_numeral

Span = tuple[int, int]

_GAP = r"(?:\s*(?:=|:)\s*|\s+(?:(?:of|is)\s+)?)"
_FIGURE = r"(?P<figure>\S*[0-9]\S*)"
# A stop or comma between a figure and a label parts them.
_BEFORE = re.compile(r"(?P<figure>\S*[0-9](?:[^\s,;:.]|[,.](?=\S))*)\s+$")
_EDGES = "\"'`,.;:!?()[]{}"


def is_proposal(calls: Iterable[ToolCall]) -> bool:
    """Whether a call computed a proposal, which a person decides whatever its figures say."""
    return any(
        call.calculator in CALCULATORS and CALCULATORS[call.calculator].needs_human
        for call in calls
    )


@cache
def vocabulary(calculator: str) -> str:
    """Words that a calculator's definition speaks of: what it takes and what it gives."""
    entry = CALCULATORS[calculator]
    properties = entry.input_schema.get("properties")
    inputs = list(properties) if isinstance(properties, Mapping) else []
    outputs = [f"{spec.name} {spec.meaning}" for spec in entry.outputs]
    return " ".join([entry.name, entry.summary, *inputs, *outputs]).replace("_", " ")


def speaks_of(calls: Iterable[ToolCall], words: str) -> bool:
    """Whether a calculator's own tool was called whose definition has these words."""
    pattern = re.compile(rf"\b{re.escape(words)}s?\b", re.IGNORECASE)
    return any(
        call.is_direct and call.result is not None and pattern.search(vocabulary(call.calculator))
        for call in calls
    )


def names_argument(calls: Iterable[ToolCall], word: str) -> bool:
    """Whether a word is part of an argument's name: "tier1", "zero" of "zero rate"."""
    return any(
        call.is_direct and word.lower() in name.split("_")
        for call in calls
        for name in call.arguments
    )


def mislabelled_arguments(calls: Sequence[ToolCall], message: str) -> list[str]:
    """Arguments, as ``call.name``, whose name stands right beside another figure in the message.

    "Spot 100, strike 105" must not become a strike of 100. Only calculators' own tools, whose
    arguments have the names that desks use, and only names that the message has are judged.
    """
    return [
        f"{call.id}.{name}"
        for call in calls
        if call.is_direct
        for name, value in call.arguments.items()
        if has_numeral(value)
        and not isinstance(call.inputs.get(name), list)
        and _is_beside_another(name, value, message)
    ]


def _is_beside_another(name: str, value: str, message: str) -> bool:
    beside = list(_figures_of(name.replace("_", " "), message))
    own = {word.strip(_EDGES) for word in value.split()}
    return bool(beside) and not any(figure in own for figure in beside)


def _figures_of(label: str, message: str) -> Iterable[str]:
    """Yield figures that directly follow a label, or stand before one that nothing follows."""
    words = re.escape(label).replace(r"\ ", r"[ -]")
    for found in re.finditer(rf"\b{words}\b", message, re.IGNORECASE):
        after = re.match(rf"{_GAP}{_FIGURE}", message[found.end() :])
        before = _BEFORE.search(message[: found.start()])
        chosen = after or before
        if chosen is not None:
            yield chosen["figure"].strip(_EDGES)
