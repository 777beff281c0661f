"""A tiny template language for phrases: `[a|b|]` chooses, `{slot}` names an argument.

`¦` is a literal bar. Choices nest; every alternative is equally likely, an empty one leaves the
text out. Templates are compiled once and expanded with a random source into pieces: literal text
or a slot name.
"""

from dataclasses import dataclass
from functools import cache
from random import Random

_Node = str | tuple[str, str] | list["_Sequence"]
_Sequence = tuple["_Node", ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Literal `text` (slot is None) or the place of argument `slot` (text is empty)."""

    text: str
    slot: str | None = None


def _parse_sequence(source: str, position: int, closers: str) -> tuple[_Sequence, int]:
    nodes: list[_Node] = []
    literal: list[str] = []

    def flush() -> None:
        if literal:
            nodes.append("".join(literal).replace("¦", "|"))
            literal.clear()

    while position < len(source) and source[position] not in closers:
        char = source[position]
        if char == "[":
            flush()
            choices: list[_Sequence] = []
            while source[position] != "]":
                sequence, position = _parse_sequence(source, position + 1, "|]")
                choices.append(sequence)
            nodes.append(choices)
            position += 1
        elif char == "{":
            flush()
            end = source.index("}", position)
            nodes.append(("slot", source[position + 1 : end]))
            position = end + 1
        else:
            literal.append(char)
            position += 1
    flush()
    return tuple(nodes), position


@cache
def compile_template(source: str) -> _Sequence:
    """The parsed form of a template; malformed brackets raise IndexError or ValueError."""
    sequence, position = _parse_sequence(source, 0, "")
    if position != len(source):
        msg = f"template is not read to its end at {position}: {source!r}"
        raise ValueError(msg)
    return sequence


def expand(source: str, rng: Random) -> list[Piece]:
    """One random expansion of the template."""
    pieces: list[Piece] = []
    _expand(compile_template(source), rng, pieces)
    return pieces


def _expand(sequence: _Sequence, rng: Random, pieces: list[Piece]) -> None:
    for node in sequence:
        if isinstance(node, str):
            pieces.append(Piece(node))
        elif isinstance(node, tuple):
            pieces.append(Piece("", str(node[1])))
        else:
            _expand(node[int(rng.random() * len(node))], rng, pieces)


@cache
def slots_of(source: str) -> frozenset[str]:
    """Every slot name that some expansion of the template can contain."""
    found: set[str] = set()

    def walk(sequence: _Sequence) -> None:
        for node in sequence:
            if isinstance(node, tuple):
                found.add(str(node[1]))
            elif isinstance(node, list):
                for choice in node:
                    walk(choice)

    walk(compile_template(source))
    return frozenset(found)


def lines(table: str) -> tuple[str, ...]:
    """The non-empty lines of a compact string table, stripped of indentation."""
    return tuple(line.strip() for line in table.splitlines() if line.strip())


def listed(table: str) -> tuple[str, ...]:
    """The entries of a compact table that are set off by semicolons."""
    return tuple(entry for entry in table.replace("\n", "").split(";") if entry)


def worded(table: str) -> tuple[str, ...]:
    """The words of a compact table."""
    return tuple(table.split())
