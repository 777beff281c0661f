"""The basis of an answer: what every figure rests on, stated by code in plain sentences."""

from collections.abc import Sequence

from finsvc.domain.calls import ToolCall


def _parameters(call: ToolCall) -> str:
    if call.result is None:
        return ""
    shown = ", ".join(f"{name} {value}" for name, value in call.result.parameters.items())
    return f"; {shown}" if shown else ""


def basis(calls: Sequence[ToolCall]) -> str:
    """State method, date, parameters, defaults and assumptions of each call that has a result.

    Notes that several calls share are stated once.
    """
    lines = []
    notes: dict[str, None] = {}
    for call in calls:
        if call.result is None:
            continue
        as_of = call.result.as_of.isoformat()
        line = f"Basis {call.id}: {call.result.method}, as of {as_of}{_parameters(call)}."
        if call.defaults:
            line += f" Defaults, not given in the question: {', '.join(call.defaults)}."
        lines.append(line)
        notes |= dict.fromkeys((*call.notes, *call.result.notes))
    return "\n".join([*lines, *notes])
