"""Decisions and other documents for people."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Mapping[str, object]

_GOOD = frozenset({"verified", "verified_rounded"})
_HASH_CHARACTERS = 16


def show_decision(console: Console, decision: Json) -> None:
    """The answer, every number with its source and second method, calls, receipt and times."""
    console.print(Text(str(decision["answer"])))
    console.print()
    verdict = str(decision["verdict"])
    style = "green" if verdict in _GOOD else "yellow"
    console.print(Text.assemble("Verdict: ", (verdict, style), f" ({decision['decision_id']})"))
    for reason in _rows(decision["reasons"]):
        console.print(Text(f"  {reason['reason']}: {reason['detail']}"))
    _show_claims(console, _rows(decision["claims"]))
    _show_calls(console, _rows(decision["tool_calls"]))
    _show_receipt(console, _mapping(decision["receipt"]))
    timing = _mapping(decision["timing_ms"])
    usage = _mapping(decision["usage"])
    times = ", ".join(f"{name} {value} ms" for name, value in timing.items())
    console.print(
        Text(
            f"Model: {decision['model']}, {usage['prompt_tokens']} tokens read, "
            f"{usage['completion_tokens']} written. Time: {times}."
        )
    )


def show_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A plain table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)


def show_result(console: Console, result: Json) -> None:
    """A calculator's result, each field beside its second method."""
    second = _mapping(result["second"])
    opinions = _mapping(second["fields"])
    console.print(
        Text(f"{result['calculator']} {result['version']}, {result['method']}, {result['as_of']}")
    )
    rows = []
    for name, item in _mapping(result["fields"]).items():
        quantity, opinion = _mapping(item), _mapping(opinions.get(name, {}))
        rows.append(
            (
                name,
                quantity["value"],
                quantity["unit"],
                opinion.get("value") or "-",
                _size(opinion.get("difference")),
                "agrees" if opinion.get("within") else "not confirmed",
            )
        )
    show_table(
        console,
        ("field", "value", "unit", f"second ({second['method']})", "difference", "check"),
        rows,
    )
    for note in _items(result["notes"]):
        console.print(Text(f"Note: {note}"))


def show_explanation(console: Console, found: Json) -> None:
    """Both values of a field and the tree of causes of their difference."""
    unit = found["unit"]
    console.print(
        Text(
            f"{found['calculator']}, {found['field']}: {found['before']} to {found['after']} "
            f"{unit}, change {found['change']}"
        )
    )
    rows: list[tuple[object, ...]] = []
    _add_causes(rows, _rows(found["causes"]), depth=0)
    rows.append(("together only (interaction)", found["interaction"], "", ""))
    show_table(console, ("input", f"effect, {unit}", "before", "after"), rows)


def _add_causes(rows: list[tuple[object, ...]], causes: Sequence[Json], *, depth: int) -> None:
    for cause in causes:
        effect = "not alone" if cause["effect"] is None else cause["effect"]
        rows.append((f"{'  ' * depth}{cause['input']}", effect, cause["before"], cause["after"]))
        _add_causes(rows, _rows(cause["causes"]), depth=depth + 1)


def _size(difference: object) -> str:
    """A difference to two digits: its size is what matters, the document has all of them."""
    if difference is None:
        return "-"
    number = Decimal(str(difference))
    return f"{number:.1e}" if number else "0"


def _show_claims(console: Console, claims: Sequence[Json]) -> None:
    if not claims:
        return
    console.print()
    rows = []
    for claim in claims:
        source, second = _mapping(claim["source"]), claim["second"]
        checked = (
            f"{second['method']}, difference {_size(second['difference'])}"
            if isinstance(second, Mapping)
            else "none"
        )
        rows.append(
            (
                claim["text"],
                f"{source['call']}.{source['field']}",
                checked,
                claim["verdict"],
            )
        )
    show_table(console, ("number", "source", "second method", "verdict"), rows)


def _show_calls(console: Console, calls: Sequence[Json]) -> None:
    if not calls:
        return
    console.print()
    for call in calls:
        arguments = ", ".join(
            f"{name}={value}" for name, value in _mapping(call["arguments"]).items()
        )
        error = call["error"]
        outcome = f" failed: {error['message']}" if isinstance(error, Mapping) else ""
        console.print(Text(f"{call['id']}  {call['name']}({arguments}){outcome}"))


def _show_receipt(console: Console, receipt: Json) -> None:
    lines = str(receipt["checkpoint"]).splitlines()
    # Third line of a C2SP checkpoint.
    root = lines[2] if len(lines) > 2 else ""
    leaf = str(receipt["leaf_hash"])[:_HASH_CHARACTERS]
    console.print()
    console.print(
        Text(
            f"Receipt: record {receipt['index']} of {receipt['tree_size']}, leaf {leaf}..., "
            f"root {root}"
        )
    )


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _rows(value: object) -> list[Json]:
    return [_mapping(item) for item in _items(value)]
