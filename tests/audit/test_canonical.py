import json
import struct

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import canonical_bytes, count_field, parse_count, parse_json, text_field
from audit.errors import FormatError, RecordError
from tests.data import test_data


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_canonical_bytes_public_documents_are_equal(name: str):
    value = json.loads(test_data(f"audit/jcs/input/{name}.json").read_bytes())
    expected = bytes.fromhex(test_data(f"audit/jcs/outhex/{name}.txt").read_text())
    assert canonical_bytes(value) == expected


def test_canonical_bytes_public_numbers_are_equal():
    lines = test_data("audit/jcs/es6-numbers-10000.txt").read_text().split()
    assert len(lines) == 10_000
    for line in lines:
        bits, expected = line.split(",")
        (number,) = struct.unpack(">d", bytes.fromhex(bits.rjust(16, "0")))
        assert canonical_bytes(number) == expected.encode()


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53, "\ud800", {1: "x"}, {"x": object()}]
)
def test_canonical_bytes_not_i_json_is_refused(value: object):
    with pytest.raises(RecordError):
        canonical_bytes(value)


def test_canonical_bytes_too_deep_is_refused():
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(RecordError):
        canonical_bytes(value)


def test_parse_json_huge_integer_is_refused():
    with pytest.raises(FormatError):
        parse_json(b"9" * 5_000, field="x")


@pytest.mark.parametrize("text", ["", "00", "01", "+1", "-1", " 1", "0x1", "\u0661", "1" * 20])
def test_parse_count_other_spelling_is_refused(text: str):
    with pytest.raises(FormatError):
        parse_count(text, field="size")


@pytest.mark.parametrize("value", [True, -1, 1.0, "1", None])
def test_count_field_not_a_count_is_refused(value: object):
    with pytest.raises(FormatError):
        count_field({"n": value}, "n", field="x")


def test_text_field_missing_is_refused():
    with pytest.raises(FormatError, match=r"x\.n"):
        text_field({}, "n", field="x")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(st.text() | st.sampled_from(["\uffff", "\U00010000", "é"]), inner)
    ),
    max_leaves=12,
)


@given(value=PLAIN)
def test_canonical_bytes_fast_and_slow_way_agree(value):
    try:
        expected = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        with pytest.raises(RecordError):
            canonical_bytes(value)
    else:
        assert canonical_bytes(value) == expected


@pytest.mark.parametrize("number", [2**53 - 1, 1 - 2**53, 999_999_999_999_999, 0, -1])
@pytest.mark.parametrize("wrap", [lambda n: n, lambda n: [n], lambda n: {"a": [0, n]}])
def test_canonical_bytes_large_integers_are_written_in_full(number: int, wrap):
    assert canonical_bytes(wrap(number)) == rfc8785.dumps(wrap(number))


@pytest.mark.parametrize(
    "wrap", [lambda n: n, lambda n: [n], lambda n: {"a": n}, lambda n: [0, -n]]
)
def test_canonical_bytes_integer_beyond_a_double_is_refused_anywhere(wrap):
    with pytest.raises(RecordError):
        canonical_bytes(wrap(2**53))
