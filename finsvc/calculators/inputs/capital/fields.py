"""Field types that several capital inputs share."""

import re
from typing import Annotated, Protocol

from pydantic import Field, StringConstraints

from finsvc.calculators.inputs.base import NumberText

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_-]")

RowId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
"""Identifier of a row, unique in its table; it names the row in results and errors."""

Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,80}$")]
"""Name of a risk factor, obligor or reference, compared exactly."""

Fraction = Annotated[NumberText, Field(ge=0, le=1)]
"""A decimal from 0 to 1; 0.05 is five percent."""

Positive = Annotated[NumberText, Field(gt=0)]
"""A decimal above zero."""

NonNegative = Annotated[NumberText, Field(ge=0)]
"""A decimal of zero or more."""


class Identified(Protocol):
    """A row with an identifier."""

    @property
    def id(self) -> str:
        """Identifier of the row."""


def refuse_repeated(table: str, rows: tuple[Identified, ...]) -> None:
    """Refuse two rows of one identifier.

    Raises:
        ValueError: names the table and the identifier.
    """
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise ValueError(f"expected distinct ids in {table}, {row.id} comes twice")
        seen.add(row.id)


def field_part(name: str) -> str:
    """Write a name as a part of a field name: other characters become their code in colons.

    Two names never share a part, since no plain part holds a colon.
    """
    return _NOT_PLAIN.sub(lambda match: f":{ord(match.group()):x}:", name)
