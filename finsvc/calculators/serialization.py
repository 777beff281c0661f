"""Results as JSON documents and back.

The document holds the shape of the design (``value``, ``unit``, ``currency`` of the headline,
``as_of``, ``method`` …) and every field; decimals are strings. Where the headline is a table or a
label, ``value``, ``unit`` and ``currency`` are null.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from finsvc.calculators.calculator import input_error
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import SnapshotDigest
from finsvc.domain.results import CalculatorResult, Quantity

_CURRENCY = re.compile(r"[A-Z]{3}")
_DecimalString = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]


class _QuantityDocument(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    value: _DecimalString
    unit: str
    decimals: Annotated[int, Field(ge=0)]


class _ResultDocument(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    calculator: str
    version: str
    headline: str
    value: _DecimalString | None
    unit: str | None
    currency: str | None
    as_of: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    method: str
    parameters: dict[str, str]
    inputs_digest: str
    data_snapshot: str
    fields: dict[str, _QuantityDocument]
    labels: dict[str, str]
    notes: list[str]


def result_to_json(result: CalculatorResult) -> dict[str, object]:
    """Write a result as a JSON document; equal results give equal documents."""
    headline = result.fields.get(result.headline)
    unit = None if headline is None else headline.unit
    return {
        "calculator": result.calculator,
        "version": result.version,
        "headline": result.headline,
        "value": None if headline is None else f"{headline.value:f}",
        "unit": unit,
        "currency": unit if unit is not None and _CURRENCY.fullmatch(unit) else None,
        "as_of": result.as_of.isoformat(),
        "method": result.method,
        "parameters": dict(result.parameters),
        "inputs_digest": result.inputs_digest,
        "data_snapshot": str(result.data_snapshot),
        "fields": {
            name: {
                "value": f"{quantity.value:f}",
                "unit": quantity.unit,
                "decimals": quantity.decimals,
            }
            for name, quantity in result.fields.items()
        },
        "labels": dict(result.labels),
        "notes": list(result.notes),
    }


def result_from_json(document: object) -> CalculatorResult:
    """Read what `result_to_json` wrote.

    Raises:
        InputError: the document has another shape, or its headline contradicts its fields.
    """
    try:
        parsed = _ResultDocument.model_validate(document)
    except ValidationError as error:
        raise input_error(error) from error
    try:
        as_of = date.fromisoformat(parsed.as_of)
    except ValueError as error:
        raise InputError(field="as_of", expected="a date", actual=parsed.as_of) from error
    result = CalculatorResult(
        calculator=parsed.calculator,
        version=parsed.version,
        headline=parsed.headline,
        fields={
            name: Quantity(value=Decimal(item.value), unit=item.unit, decimals=item.decimals)
            for name, item in parsed.fields.items()
        },
        labels=parsed.labels,
        as_of=as_of,
        method=parsed.method,
        parameters=parsed.parameters,
        notes=tuple(parsed.notes),
        inputs_digest=parsed.inputs_digest,
        data_snapshot=SnapshotDigest(parsed.data_snapshot),
    )
    again = result_to_json(result)
    for field in ("value", "unit", "currency"):
        if again[field] != getattr(parsed, field):
            raise InputError(
                field=field, expected=repr(again[field]), actual=repr(getattr(parsed, field))
            )
    return result
