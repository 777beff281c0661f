from random import Random

import pytest

from engine.training.dialogues.grammar import (
    Piece,
    compile_template,
    expand,
    lines,
    listed,
    slots_of,
    worded,
)


def test_expand_choices_reaches_every_alternative() -> None:
    rng = Random(1)
    texts = {"".join(piece.text for piece in expand("a[b|c[d|e]|]f", rng)) for _ in range(200)}
    assert texts == {"abf", "acdf", "acef", "af"}


def test_expand_slot_keeps_name_and_kind() -> None:
    assert expand("VaR of {portfolio:book}?", Random(1)) == [
        Piece("VaR of "),
        Piece("", "portfolio:book"),
        Piece("?"),
    ]


def test_expand_broken_bar_becomes_a_bar() -> None:
    assert expand("a ¦ b", Random(1)) == [Piece("a | b")]


def test_compile_open_bracket_raises() -> None:
    with pytest.raises(IndexError):
        compile_template("a[b|c")


def test_slots_of_nested_choices_finds_all() -> None:
    assert slots_of("[{a}|[{b:x}|c]] {d}") == {"a", "b:x", "d"}


def test_tables_are_split_by_line_semicolon_and_space() -> None:
    assert lines("\n one \n\n two\n") == ("one", "two")
    assert listed("a b;c\nd;") == ("a b", "cd")
    assert worded("a b\n c") == ("a", "b", "c")
