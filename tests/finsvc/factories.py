"""Values that several tests of the service build."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from finsvc.domain.calls import CallError, ToolCall
from finsvc.domain.identifiers import CallId, SnapshotDigest
from finsvc.domain.results import CalculatorResult, Quantity

AS_OF = date(2022, 12, 28)


def quantity(value: str, unit: str = "USD", decimals: int = 0) -> Quantity:
    return Quantity(value=Decimal(value), unit=unit, decimals=decimals)


def result(
    fields: Mapping[str, Quantity], *, calculator: str = "historical_var", headline: str = "var"
) -> CalculatorResult:
    return CalculatorResult(
        calculator=calculator,
        version="1",
        headline=headline,
        fields=fields,
        labels={"subject": "the sample book"},
        as_of=AS_OF,
        method="historical",
        parameters={"confidence": "0.99"},
        notes=("Prices are adjusted for splits and dividends.",),
        inputs_digest="sha256:" + "0" * 64,
        data_snapshot=SnapshotDigest("sha256:" + "1" * 64),
    )


def call(
    fields: Mapping[str, Quantity] | None = None,
    *,
    call_id: str = "c1",
    name: str = "value_at_risk",
    arguments: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    error: CallError | None = None,
    calculator: str = "historical_var",
    inputs: Mapping[str, object] | None = None,
) -> ToolCall:
    given = {"var": quantity("48211.53")} if fields is None else fields
    shown = {"subject": "the sample book"} if labels is None else labels
    return ToolCall(
        id=CallId(call_id),
        name=name,
        arguments={"portfolio": "sample book"} if arguments is None else arguments,
        calculator=calculator,
        inputs={} if inputs is None else inputs,
        result=None if error else result(given, calculator=calculator),
        labels=shown,
        shown=(*shown, *given),
        defaults=(),
        notes=(),
        error=error,
        policy=None,
    )
