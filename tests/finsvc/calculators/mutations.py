"""Documents of inputs, spoilt: what a hurried or hostile caller could send.

A change replaces one part of a valid document: numbers by zero, signs, huge, tiny and malformed
ones, dates by the ends of the calendar, weekends and nonsense, names by unknown ones, tables by
empty, doubled, reversed and shortened ones, anything by nothing.
"""

import re
from random import Random

Path = tuple[str | int, ...]

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

DECIMALS: tuple[object, ...] = (
    *("0", "1", "-1", "0.5", "2", "100", "365", "1000000", "0.99999999", "0.00000001"),
    *("-0.00000001", "999999999999999", "-999999999999999", "1e5", "NaN", "inf", ""),
    *(None, True, [], 0.5),
)
INTEGERS: tuple[object, ...] = (0, 1, -1, 2, 3, 10**9, 2**63, None, "5", 1.5, True)
TEXTS: tuple[object, ...] = ("", "A", "USD", "ZZZ", "x" * 300, "\x00", "Ω", "call", None, 5, {})
DATES: tuple[object, ...] = (
    *("1901-01-01", "2199-12-31", "2022-12-28", "2022-12-27", "2022-12-24", "2000-02-29"),
    *("2023-02-29", "20221228", "", None),
)
_ROWS_MAX = 30


def parts(document: object, path: Path = ()) -> list[tuple[Path, object]]:
    """Every part of a document with its path, of long tables the first rows."""
    found: list[tuple[Path, object]] = [(path, document)]
    if isinstance(document, dict):
        for name, value in document.items():
            found += parts(value, (*path, name))
    elif isinstance(document, list):
        for at, value in enumerate(document[:_ROWS_MAX]):
            found += parts(value, (*path, at))
    return found


def replaced(document: object, path: Path, value: object) -> object:
    """A copy with one part replaced."""
    if not path:
        return value
    if isinstance(document, list):
        copy = list(document)
        copy[int(path[0])] = replaced(copy[int(path[0])], path[1:], value)
        return copy
    assert isinstance(document, dict)
    return {**document, path[0]: replaced(document[path[0]], path[1:], value)}


def without(document: object, path: Path) -> object:
    """A copy with one part left out."""
    if len(path) > 1:
        inner = document[path[0]]  # type: ignore[index] # the path leads through containers
        return replaced(document, path[:1], without(inner, path[1:]))
    if isinstance(document, list):
        return [item for at, item in enumerate(document) if at != path[0]]
    assert isinstance(document, dict)
    return {name: item for name, item in document.items() if name != path[0]}


def _others(document: object, path: Path, value: object, random: Random) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        opposite = value[1:] if value.startswith("-") else f"-{value}"
        return random.choice((*DECIMALS, opposite))
    if isinstance(value, str) and _DATE.fullmatch(value):
        return random.choice(DATES)
    if isinstance(value, str):
        alike = [item for at, item in parts(document) if at and path and at[-1] == path[-1]]
        return random.choice((*TEXTS, *alike, *alike))
    if isinstance(value, int):
        return random.choice(INTEGERS)
    if isinstance(value, list):
        return random.choice(([], value[:1], value + value, value[::-1], value[:-1]))
    return random.choice(({}, None, [], "x", "0", 0))


def mutated(document: object, random: Random) -> object:
    """A document with one change."""
    path, value = random.choice(parts(document)[1:] or [((), document)])
    if path and random.random() < 0.08:
        return without(document, path)
    return replaced(document, path, _others(document, path, value, random))
