"""What is known about a text's subject: results, their inputs, and everything they imply."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finsvc.domain.results import CalculatorResult, Quantity
from finsvc.validator.free_text.vocabulary import stem
from finsvc.validator.tracing import EntityIndex

_ISO = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_THRESHOLD = re.compile(r"(-?\d+(?:\.\d+)?) (%|[A-Z]{3})")
# Labels that a text may state word for word; what is inside them is no figure of its own.
_PAIR = re.compile(r"[A-Z]{3}(?:/| to )[A-Z]{3}")
_QUOTED = frozenset({"subject", "scenario", "benchmark"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number that a result was computed with."""

    name: str
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One result with what it implies.

    ``entities`` are the codes the result is about, ``subjects`` those in its subject's name,
    ``row_entities`` those of table rows by field, ``dates`` every day among parameters, labels and
    inputs, ``quoted`` texts a claim may repeat.
    """

    id: str
    result: CalculatorResult
    entities: frozenset[str]
    subjects: frozenset[str]
    row_entities: Mapping[str, frozenset[str]]
    units: frozenset[str]
    dates: frozenset[date]
    parameters: tuple[Parameter, ...]
    methods: frozenset[str]
    quoted: tuple[str, ...]
    labels: Mapping[str, str]

    @property
    def stems(self) -> frozenset[str]:
        """Names of fields without rows."""
        return frozenset(stem(name) for name in self.result.fields)

    def field(self, name: str) -> Quantity:
        """A field of the result."""
        return self.result.fields[name]


def _texts(value: object) -> Iterator[str]:
    """Every text inside a document."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield str(value)


def _dates(texts: Iterator[str]) -> frozenset[date]:
    found = set()
    for text in texts:
        for match in _ISO.finditer(text):
            try:
                found.add(date.fromisoformat(match.group()))
            except ValueError:
                continue
    return frozenset(found)


def _parameter(name: str, text: str) -> Parameter | None:
    threshold = _THRESHOLD.fullmatch(text)
    if threshold is not None:
        return Parameter(name=name, value=Decimal(threshold[1]), unit=threshold[2])
    if not _NUMBER.fullmatch(text):
        return None
    value = Decimal(text)
    if name.endswith("_days"):
        return Parameter(name=name, value=value, unit="days")
    if name in ("confidence", "threshold") or name.endswith(("rate", "yield", "volatility")):
        return Parameter(name=name, value=value * 100, unit="%")
    return Parameter(name=name, value=value, unit="")


def _parameters(result: CalculatorResult, inputs: Mapping[str, object]) -> Iterator[Parameter]:
    given = {name: str(value) for name, value in inputs.items() if isinstance(value, int | str)}
    for name, text in {**given, **result.parameters}.items():
        found = _parameter(name, text)
        if found is not None:
            yield found


def _positions(portfolio: object) -> Iterator[Parameter]:
    """Sizes of positions, which a text may repeat."""
    rows = portfolio.get("positions") if isinstance(portfolio, Mapping) else None
    for row in rows if isinstance(rows, Sequence) else ():
        size = _parameter("quantity", str(row.get("quantity"))) if "quantity" in row else None
        if size is not None:
            unit = "shares" if row.get("kind") == "stock" else "contracts"
            yield Parameter(name="quantity", value=size.value, unit=unit)


def _codes(texts: Iterator[str], index: EntityIndex) -> frozenset[str]:
    return frozenset(entity.code for text in texts for entity in index.find(text))


def gather(
    evidence_id: str,
    result: CalculatorResult,
    *,
    inputs: Mapping[str, object],
    labels: Mapping[str, str],
    index: EntityIndex,
) -> Evidence:
    """Collect what one result implies.

    Args:
        evidence_id: How findings name it.
        result: The result.
        inputs: The calculator's inputs, {} where they are not known.
        labels: Texts shown for the result beside its own.
        index: Knows the names of instruments, currencies and books.
    """
    shown = {**result.labels, **labels}
    rows = {name for name in shown if name in result.fields}
    portfolio = inputs.get("portfolio")
    own = {name: value for name, value in inputs.items() if name != "portfolio"}
    subject = [text for name, text in shown.items() if name not in rows]
    quoted = [
        text
        for name, text in shown.items()
        if (name in rows and "(" in text) or (name in _QUOTED and not _PAIR.fullmatch(text))
    ]
    entities = _codes(iter([*subject, *_texts(own)]), index)
    base = portfolio.get("base_currency") if isinstance(portfolio, Mapping) else None
    subjects = _codes(iter([shown.get("subject", "")]), index)
    if not subjects:
        entities |= _codes(_texts(portfolio), index)
    units = frozenset(part for item in result.fields.values() for part in item.unit.split("/"))
    words = result.method.replace("_", " ").casefold().split()
    return Evidence(
        id=evidence_id,
        result=result,
        entities=entities,
        subjects=subjects,
        row_entities={
            name: _codes(iter([shown.get(name, ""), re.split(r"[.:]", name)[-1]]), index)
            for name in result.fields
            if "." in name
        },
        units=units | ({str(base)} if base else frozenset()),
        dates=_dates(_texts([shown, dict(result.parameters), own])) | {result.as_of},
        parameters=(*_parameters(result, own), *_positions(portfolio)),
        methods=frozenset(words),
        quoted=tuple(sorted(quoted, key=len, reverse=True)),
        labels=shown,
    )
