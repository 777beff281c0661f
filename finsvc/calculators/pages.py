"""A page for each calculator, written from its own definition.

    finsvc calc pages docs/calculators

writes them all and removes those of calculators that are gone. Nothing on a page is kept anywhere
else: inputs come from the schema, fields, units, signs and tolerances from the declarations,
conventions and sources from the docstrings beside the formulas.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

from finsvc.calculators.calculator import Calculator, FieldSpec
from finsvc.calculators.plots.drawings import DRAWINGS
from finsvc.calculators.registry import CALCULATORS
from finsvc.domain.results import Tolerance, ToleranceKind

_KINDS = {
    "library": "a library",
    "other_algorithm": "another algorithm",
    "reimplementation": "a re-implementation in another style",
}


def _tolerance(tolerance: Tolerance) -> str:
    if tolerance.kind is ToleranceKind.EXACT:
        return "exact"
    if tolerance.kind is ToleranceKind.RELATIVE:
        return f"relative {tolerance.amount:g}"
    if tolerance.kind is ToleranceKind.ABSOLUTE:
        return f"absolute {tolerance.amount:g}"
    return f"{tolerance.amount:g} standard errors"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [_row(columns), _row("---" for _ in columns), *(_row(row) for row in rows), ""]


def _field_row(spec: FieldSpec) -> tuple[str, ...]:
    name = f"`{spec.name}.*`" if spec.is_table else f"`{spec.name}`"
    tolerance = _tolerance(spec.tolerance)
    for method, other in spec.by_method.items():
        tolerance += f"; {method}: {_tolerance(other)}"
    presence = "where defined" if spec.is_optional or spec.is_table else "always"
    return name, spec.unit, spec.meaning, presence, tolerance


def _kind(schema: Mapping[str, object], known: Mapping[str, object]) -> str:
    """Type of an input in a few words; ``known`` holds the schemas that others refer to."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        target = known.get(name)
        choices = target.get("enum") if isinstance(target, Mapping) else None
        return ", ".join(f"`{c}`" for c in choices) if isinstance(choices, list) else name
    for group in ("anyOf", "oneOf"):
        options = schema.get(group)
        if isinstance(options, list):
            return " or ".join(_kind(option, known) for option in options)
    if schema.get("type") == "array":
        items = schema.get("items")
        return f"list of {_kind(items, known)}" if isinstance(items, Mapping) else "list"
    bounds = {
        "exclusiveMinimum": "above",
        "minimum": "from",
        "exclusiveMaximum": "below",
        "maximum": "to",
    }
    limits = [f"{word} {schema[name]}" for name, word in bounds.items() if name in schema]
    words = [str(schema.get("format") or schema.get("type") or "value"), *limits]
    return " ".join(words)


_INPUT_COLUMNS = ("input", "type", "default", "meaning, unit and sign")


def _inputs(calculator: Calculator) -> list[str]:
    schema = calculator.input_schema
    properties = cast("Mapping[str, Mapping[str, object]]", schema["properties"])
    required = cast("list[str]", schema.get("required", []))
    known = cast("Mapping[str, object]", schema.get("$defs", {}))
    rows = [
        (
            f"`{name}`",
            _kind(part, known),
            "required" if name in required else f"`{part.get('default')}`",
            str(part.get("description", "")),
        )
        for name, part in properties.items()
    ]
    text = inspect.cleandoc(calculator.input_model.__doc__ or "")
    return ["## Inputs", "", text, "", *_table(_INPUT_COLUMNS, rows)]


def _behind(function: Callable[..., object]) -> tuple[str, str]:
    """Docstrings of a bound function and of the module that holds it."""
    inner = inspect.unwrap(function)
    module = sys.modules[inner.__module__]
    return inspect.cleandoc(inner.__doc__ or ""), inspect.cleandoc(module.__doc__ or "")


def page(calculator: Calculator) -> str:
    """Markdown of one calculator."""
    what, conventions = _behind(calculator.compute)
    how, independence = _behind(calculator.second)
    lines = [f"# {calculator.name}", "", calculator.summary, "", f"Version {calculator.version}."]
    if calculator.rule_set:
        lines.append(f"Rules: {calculator.rule_set}.")
    if calculator.needs_human:
        lines.append("The result is a proposal: its verdict is always `needs_human`.")
    lines += ["", "## Formula", ""]
    lines += [calculator.formula or what, ""]
    if calculator.source:
        lines += [f"Source: {calculator.source}", ""]
    lines += ["## Conventions", "", conventions, "", *_inputs(calculator)]
    lines += ["## Results", ""]
    columns = ("field", "unit", "meaning and sign", "given", "tolerance")
    lines += _table(columns, (_field_row(spec) for spec in calculator.outputs))
    lines += ["## Second method", ""]
    lines += [f"Independent by {_KINDS[calculator.second_kind.value]}. {how}", "", independence, ""]
    if calculator.name in DRAWINGS:
        lines += ["## Picture", "", f"`finsvc calc run {calculator.name} --plot FILE.svg`", ""]
    return "\n".join(lines)


def index() -> str:
    """Markdown of the list of all pages."""
    rows = [
        (f"[{entry.name}]({entry.name}.md)", entry.version, entry.rule_set, entry.summary)
        for entry in CALCULATORS.values()
    ]
    lines = ["# Calculators", "", *_table(("name", "version", "rules", "computes"), rows)]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Text of every page by file name."""
    texts = {f"{entry.name}.md": page(entry) for entry in CALCULATORS.values()}
    return {"README.md": index(), **texts}


def write(folder: Path) -> None:
    """Write all pages and remove those that belong to nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = pages()
    for path in [path for path in folder.glob("*.md") if path.name not in texts]:
        path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
