"""Turns a template into an answer and its claims; finds what cannot be bound.

The renderer is the only place where a number enters an answer, and it takes every number from a
calculator's result.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from finsvc.domain.calls import ToolCall
from finsvc.domain.references import Reference, split_template, unit_key
from finsvc.domain.rendering import (
    WHOLE_RESULT,
    format_quantity,
    row_label,
    sentence_fields,
    sentence_name,
    table_rows,
)
from finsvc.domain.results import CalculatorResult, Quantity
from finsvc.domain.verdicts import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundNumber:
    """A number of the answer: its printed text, the call and field it stands for.

    ``is_rounded`` has fewer decimals than the field, ``is_cut`` was asked for with more.
    """

    text: str
    call: ToolCall
    field: str
    quantity: Quantity
    is_rounded: bool
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of an answer: printed text, the numbers in it, and whether the model wrote it."""

    text: str
    numbers: tuple[BoundNumber, ...]
    calls: tuple[ToolCall, ...]
    is_literal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something in a template that stops it from being an answer."""

    reason: Reason
    detail: str


def _number(call: ToolCall, reference: Reference, item: Quantity) -> Part | Flaw:
    """Bind a numeric reference; its unit must be the field's.

    More decimals than the calculator declares are cut back to those.
    """
    asked = item.decimals if reference.decimals is None else reference.decimals
    decimals = min(asked, item.decimals)
    if reference.unit != unit_key(item.unit):
        expected = f"[[{call.id}.{reference.field}|{unit_key(item.unit)}|{item.decimals}]]"
        return Flaw(reason=Reason.UNIT_MISMATCH, detail=f"expected {expected}, got {reference}")
    text = format_quantity(item.value, item.unit, decimals)
    bound = BoundNumber(
        text=text,
        call=call,
        field=reference.field,
        quantity=item,
        is_rounded=decimals < item.decimals,
        is_cut=asked > item.decimals,
    )
    return Part(text=text, numbers=(bound,), calls=(call,), is_literal=False)


def _list(call: ToolCall, rows: Mapping[str, Quantity], names: Mapping[str, str]) -> Part:
    """Print fields with their names, each a number of its own."""
    numbers = []
    texts = []
    for field, item in rows.items():
        text = format_quantity(item.value, item.unit, item.decimals)
        numbers.append(
            BoundNumber(text=text, call=call, field=field, quantity=item, is_rounded=False)
        )
        texts.append(f"{names[field]} {text}")
    return Part(text="; ".join(texts), numbers=tuple(numbers), calls=(call,), is_literal=False)


def _table(call: ToolCall, result: CalculatorResult, rows: Mapping[str, Quantity]) -> Part:
    """Print every row of a table."""
    return _list(call, rows, {field: row_label(result, field) for field in rows})


def _whole(call: ToolCall, result: CalculatorResult) -> Part:
    """Print the sentence about a result, made from the calculator's definition."""
    rows = {field: result.fields[field] for field in sentence_fields(result)}
    part = _list(call, rows, {field: sentence_name(result, field) for field in rows})
    title = call.labels.get("title", result.calculator)
    text = f"{title} ({result.method}): {part.text}"
    return Part(text=text, numbers=part.numbers, calls=(call,), is_literal=False)


def _is_shared(field: str, text: str, calls: Mapping[str, ToolCall]) -> bool:
    """Whether several calls have this subject, so that a reader must be told which is meant."""
    return field == "subject" and sum(c.labels.get(field) == text for c in calls.values()) > 1


def _resolve(reference: Reference, calls: Mapping[str, ToolCall]) -> Part | Flaw:
    """Resolve one reference to what is printed in its place."""
    unknown = Flaw(reason=Reason.UNKNOWN_REFERENCE, detail=f"{reference} refers to nothing")
    call = calls.get(reference.call)
    if call is None:
        return unknown
    if call.result is None:
        if call.error is None or reference.field != "error" or reference.is_number:
            return unknown
        return Part(text=call.error.message, numbers=(), calls=(call,), is_literal=False)
    if reference.is_number:
        item = call.result.fields.get(reference.field)
        is_shown = not {reference.field, reference.field.split(".")[0]}.isdisjoint(call.shown)
        return unknown if item is None or not is_shown else _number(call, reference, item)
    if reference.field in call.labels:
        text = call.labels[reference.field]
        if _is_shared(reference.field, text, calls):
            text = f"{text} ({call.id})"
        return Part(text=text, numbers=(), calls=(call,), is_literal=False)
    if reference.field == WHOLE_RESULT and WHOLE_RESULT in call.shown:
        return _whole(call, call.result)
    rows = table_rows(call.result, reference.field)
    return _table(call, call.result, rows) if rows else unknown


def bind(template: str, calls: Mapping[str, ToolCall]) -> tuple[list[Part], list[Flaw]]:
    """Resolve a template's references.

    Returns:
        The answer's parts in order, and the flaws; an answer with a flaw must not leave.
    """
    parts: list[Part] = []
    flaws: list[Flaw] = []
    for piece in split_template(template):
        if isinstance(piece, str):
            parts.append(Part(text=piece, numbers=(), calls=(), is_literal=True))
            if "[[" in piece or "]]" in piece:
                flaws.append(Flaw(reason=Reason.UNKNOWN_REFERENCE, detail=piece.strip()))
            continue
        resolved = _resolve(piece, calls)
        if isinstance(resolved, Flaw):
            flaws.append(resolved)
        else:
            parts.append(resolved)
    return parts, flaws
