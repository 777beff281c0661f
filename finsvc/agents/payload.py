"""What a model gets to see of a tool call: a flat map whose keys are the references to cite."""

from finsvc.domain.calls import ToolCall
from finsvc.domain.references import Reference
from finsvc.domain.rendering import format_quantity, row_label
from finsvc.domain.results import CalculatorResult


def _label(call: ToolCall, field: str) -> str:
    return str(Reference(call=call.id, field=field, unit=None, decimals=None))


def _table_text(result: CalculatorResult, rows: list[str]) -> str:
    """Print the rows of a table as the answer will."""
    return "; ".join(
        f"{row_label(result, name)} {format_quantity(item.value, item.unit, item.decimals)}"
        for name, item in ((name, result.fields[name]) for name in rows)
    )


def payload(call: ToolCall) -> dict[str, str]:
    """Return the references a model may cite for this call, with what each stands for.

    Labels come first, then numbers, then tables; an erring call offers its message alone.
    """
    if call.error is not None or call.result is None:
        message = call.error.message if call.error else "no result"
        return {_label(call, "error"): message}
    shown = {_label(call, name): text for name, text in call.labels.items() if "." not in name}
    tables: dict[str, list[str]] = {}
    for name, item in call.result.fields.items():
        if "." in name:
            tables.setdefault(name.split(".", 1)[0], []).append(name)
            continue
        reference = Reference(call=call.id, field=name, unit=item.unit, decimals=item.decimals)
        shown[str(reference)] = f"{item.value:f}"
    shown |= {_label(call, table): _table_text(call.result, rows) for table, rows in tables.items()}
    return shown
