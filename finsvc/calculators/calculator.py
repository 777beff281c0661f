"""What a calculator is: a pure function with schemas, a version and a second method."""

import gc
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from finsvc.calculators.computation import Computation, finish
from finsvc.calculators.inputs.base import CalculatorInput
from finsvc.calculators.inputs.glossary import described
from finsvc.calculators.second.opinion import SecondKind
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView
from finsvc.domain.results import CalculatorResult, SecondOpinion, Tolerance

InputT = TypeVar("InputT", bound=CalculatorInput)

_SHOWN_INPUT_CHARACTERS = 80
_SHOWN_MISSING = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field of the output, or all rows of a table when ``is_table``.

    ``unit`` is a unit of `Quantity` or the words "base currency", "quote currency" where it
    depends on the inputs; ``meaning`` states what a positive value says. ``by_method`` holds
    tolerances that differ from ``tolerance`` under a method.
    """

    name: str
    unit: str
    meaning: str
    tolerance: Tolerance
    is_table: bool = False
    is_optional: bool = False
    by_method: Mapping[str, Tolerance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculator:
    """A registered calculator.

    ``second_kind`` declares what makes the second method independent. ``rule_set`` names the rules
    and their date that the figures follow, "" where no rule prescribes them. ``formula`` and
    ``source`` go to the calculator's page; "" leaves them to the docstrings of its module.
    ``needs_human`` marks proposals: a person decides, whatever the figures say.
    """

    name: str
    version: str
    summary: str
    input_model: type[CalculatorInput]
    outputs: tuple[FieldSpec, ...]
    second_kind: SecondKind
    compute: Callable[[CalculatorInput, MarketView], Computation]
    second: Callable[[CalculatorInput, MarketView], SecondOpinion]
    rule_set: str = ""
    formula: str = ""
    source: str = ""
    needs_human: bool = False

    @property
    def tolerances(self) -> Mapping[str, Tolerance]:
        """Declared tolerances, keyed as `finsvc.calculators.comparison` reads them."""
        declared = {spec.name: spec.tolerance for spec in self.outputs}
        for spec in self.outputs:
            for method, tolerance in spec.by_method.items():
                declared[f"{spec.name}@{method}"] = tolerance
        return declared

    @property
    def input_schema(self) -> dict[str, object]:
        """JSON Schema of the inputs, every field with its meaning."""
        return described(self.input_model.model_json_schema(mode="validation"))

    @property
    def output_schema(self) -> dict[str, object]:
        """JSON Schema of the result document."""
        return result_schema(self.name, self.version, self.outputs)

    @property
    def digest(self) -> str:
        """Digest of name, version and the source of all calculators."""
        text = f"{self.name}\n{self.version}\n{source_digest()}"
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def parse(self, document: object) -> CalculatorInput:
        """Validate a JSON document.

        Raises:
            InputError: names the first field that is wrong, what was expected and what came.
        """
        try:
            with _no_collection():
                return self.input_model.model_validate(document)
        except ValidationError as error:
            raise input_error(error, document) from error

    def run(self, inputs: CalculatorInput, market: MarketView) -> CalculatorResult:
        """Compute the result; the same inputs and snapshot give the same bytes.

        Raises:
            InputError: the inputs cannot be computed on this market.
        """
        with _named_fields(), _no_collection():
            return finish(
                self.compute(inputs, market),
                calculator=self.name,
                version=self.version,
                inputs=inputs,
                market=market,
            )

    def confirm(self, inputs: CalculatorInput, market: MarketView) -> SecondOpinion:
        """Compute the same by the second method, on a market of the caller's choice.

        Raises:
            InputError: as for `run`.
        """
        with _named_fields():
            return self.second(inputs, market)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Let a table of 100,000 rows be read without the collector walking it again and again.

    Reading and computing make no cycles to speak of, so that little waits to be collected; it
    halves the time of reading. Of threads that overlap, the one that paused the collector resumes
    it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _named_fields() -> Iterator[None]:
    """Blame the caller's input where terms derived from it (an earlier coupon) are not possible."""
    try:
        yield
    except ValidationError as error:
        raise input_error(error) from error


def input_error(error: ValidationError, document: object = None) -> InputError:
    """Turn the first complaint of pydantic into an error that names the field of a document."""
    complaints = error.errors(include_url=False)
    first = complaints[0]
    path = _path(first["loc"], document)
    if first["type"] == "missing":
        missing = [item["loc"] for item in complaints[1:] if item["type"] == "missing"]
        others = [_path(location, document) for location in missing]
        more = f"; {', '.join(others[:_SHOWN_MISSING])} missing too" if others else ""
        return InputError(field=path, expected="a value", actual=f"nothing{more}")
    message = first["msg"].removeprefix("Value error, ").removeprefix("expected ")
    message = message.removeprefix("Input should be ")
    actual = repr(first["input"])
    if len(actual) > _SHOWN_INPUT_CHARACTERS:
        actual = actual[:_SHOWN_INPUT_CHARACTERS] + "..."
    return InputError(field=path, expected=message, actual=actual)


def _path(location: tuple[int | str, ...], document: object) -> str:
    """Join the parts of a location, less the tags of alternatives, which no document holds."""
    kept: list[str] = []
    node, last = document, len(location) - 1
    for place, part in enumerate(location):
        if isinstance(node, Mapping) and part not in node and place < last:
            continue
        kept.append(str(part))
        if isinstance(node, Mapping):
            node = node.get(part)
        elif isinstance(node, list | tuple) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            node = None
    return ".".join(kept) or "inputs"


def bind_compute(
    model: type[InputT], function: Callable[[InputT, MarketView], Computation]
) -> Callable[[CalculatorInput, MarketView], Computation]:
    """Let a function of one input model take any, refusing those of another calculator."""

    @wraps(function)
    def call(inputs: CalculatorInput, market: MarketView) -> Computation:
        return function(_checked(model, inputs), market)

    return call


def bind_second(
    model: type[InputT], function: Callable[[InputT, MarketView], SecondOpinion]
) -> Callable[[CalculatorInput, MarketView], SecondOpinion]:
    """Do the same for a second method."""

    @wraps(function)
    def call(inputs: CalculatorInput, market: MarketView) -> SecondOpinion:
        return function(_checked(model, inputs), market)

    return call


def _checked(model: type[InputT], inputs: CalculatorInput) -> InputT:
    if not isinstance(inputs, model):
        raise InputError(field="inputs", expected=model.__name__, actual=type(inputs).__name__)
    return inputs


@cache
def source_digest() -> str:
    """SHA-256 over path and content of every module and rule file here, in order of path."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted((*root.rglob("*.py"), *root.rglob("*.json"))):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def result_schema(name: str, version: str, outputs: tuple[FieldSpec, ...]) -> dict[str, object]:
    """JSON Schema of the document that `result_to_json` writes for a calculator."""
    decimal = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
    text_map = {"type": "object", "additionalProperties": {"type": "string"}}

    def quantity(spec: FieldSpec) -> dict[str, object]:
        return {
            "type": "object",
            "description": f"{spec.meaning} Unit: {spec.unit}.",
            "properties": {
                "value": decimal,
                "unit": {"type": "string"},
                "decimals": {"type": "integer", "minimum": 0},
            },
            "required": ["value", "unit", "decimals"],
            "additionalProperties": False,
        }

    scalars = {spec.name: quantity(spec) for spec in outputs if not spec.is_table}
    tables = {
        rf"^{spec.name}\.[A-Za-z0-9_:-]+$": quantity(spec) for spec in outputs if spec.is_table
    }
    properties: dict[str, object] = {
        "calculator": {"const": name},
        "version": {"const": version},
        "headline": {"type": "string"},
        "value": {"anyOf": [decimal, {"type": "null"}]},
        "unit": {"type": ["string", "null"]},
        "currency": {"type": ["string", "null"]},
        "as_of": {"type": "string", "format": "date"},
        "method": {"type": "string"},
        "parameters": text_map,
        "inputs_digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
        "data_snapshot": {"type": "string"},
        "fields": {
            "type": "object",
            "properties": scalars,
            "patternProperties": tables,
            "required": [
                spec.name for spec in outputs if not spec.is_table and not spec.is_optional
            ],
            "additionalProperties": False,
        },
        "labels": text_map,
        "notes": {"type": "array", "items": {"type": "string"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Result of {name}",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
