"""References: the only way a number gets into an answer.

A template is text with references. ``[[c1.var|USD|0]]`` is a number (call, field, unit, decimals);
``[[c1.subject]]`` is a label or, when it names a table, all of its rows.
"""

import re
from dataclasses import dataclass

from finsvc.domain.identifiers import CallId

REFERENCE_PATTERN = re.compile(
    r"\[\[(?P<call>c[1-9][0-9]?)\.(?P<field>[A-Za-z][A-Za-z0-9_.:\-]*)"
    r"(?:\|(?P<unit>[^|\[\]]+)\|(?P<decimals>[0-9]{1,2}))?\]\]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A parsed reference; ``unit`` and ``decimals`` are None for labels and tables."""

    call: CallId
    field: str
    unit: str | None
    decimals: int | None

    @property
    def is_number(self) -> bool:
        """Whether the reference stands for one number."""
        return self.unit is not None

    def __str__(self) -> str:
        if self.unit is None:
            return f"[[{self.call}.{self.field}]]"
        return f"[[{self.call}.{self.field}|{self.unit}|{self.decimals}]]"


def unit_key(unit: str) -> str:
    """How a reference writes a unit: without spaces, so that it is one word to a grammar."""
    return unit.replace(" ", "_")


def split_template(template: str) -> tuple[str | Reference, ...]:
    """Split a template into literal text and references, in order; empty text is left out."""
    parts: list[str | Reference] = []
    position = 0
    for match in REFERENCE_PATTERN.finditer(template):
        if match.start() > position:
            parts.append(template[position : match.start()])
        decimals = match["decimals"]
        parts.append(
            Reference(
                call=CallId(match["call"]),
                field=match["field"],
                unit=match["unit"],
                decimals=None if decimals is None else int(decimals),
            )
        )
        position = match.end()
    if position < len(template):
        parts.append(template[position:])
    return tuple(parts)
