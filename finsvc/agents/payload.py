"""What a model gets to see of a tool call: a flat map whose keys are the references to cite."""

from finsvc.domain.calls import ToolCall
from finsvc.domain.references import Reference, unit_key
from finsvc.domain.rendering import (
    WHOLE_RESULT,
    format_quantity,
    row_label,
    sentence_fields,
    sentence_name,
    table_rows,
)
from finsvc.domain.results import CalculatorResult


def _label(call: ToolCall, field: str) -> str:
    return str(Reference(call=call.id, field=field, unit=None, decimals=None))


# The model cites a table as a whole; a few rows tell it what the table holds.
_ROWS_SHOWN = 3


def _table_text(result: CalculatorResult, rows: list[str]) -> str:
    """Print the first rows of a table as the answer will, and say when there are more."""
    shown = "; ".join(
        f"{row_label(result, name)} {format_quantity(item.value, item.unit, item.decimals)}"
        for name, item in ((name, result.fields[name]) for name in rows[:_ROWS_SHOWN])
    )
    return f"{shown}; and more" if len(rows) > _ROWS_SHOWN else shown


def _whole_text(result: CalculatorResult) -> str:
    """Say what the sentence that states the whole result will name."""
    return "states " + ", ".join(sentence_name(result, name) for name in sentence_fields(result))


def payload(call: ToolCall) -> dict[str, str]:
    """Return the references a model may cite for this call, with what each stands for.

    An erring call offers its message alone.
    """
    if call.error is not None or call.result is None:
        message = call.error.message if call.error else "no result"
        return {_label(call, "error"): message}
    shown: dict[str, str] = {}
    for name in call.shown:
        item = call.result.fields.get(name)
        rows = table_rows(call.result, name)
        if item is not None:
            unit = unit_key(item.unit)
            reference = Reference(call=call.id, field=name, unit=unit, decimals=item.decimals)
            shown[str(reference)] = f"{item.value:f}"
        elif rows:
            shown[_label(call, name)] = _table_text(call.result, list(rows))
        elif name in call.labels:
            shown[_label(call, name)] = call.labels[name]
        elif name == WHOLE_RESULT:
            shown[_label(call, name)] = _whole_text(call.result)
    return shown
