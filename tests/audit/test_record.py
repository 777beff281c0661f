import json
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import canonical_bytes
from audit.errors import FormatError, RecordError
from audit.record import (
    ENTRY_BYTES_MAX,
    INLINE_BYTES_MAX,
    STATEMENT_TYPE,
    Record,
    Subject,
    parse_statement,
)
from audit.segment import PAYLOAD_BYTES_MAX
from tests.audit.support import DRAFTER, ORIGIN, STAMP, TYPE, make_large_record, make_record

# Strings that look like the place where the index is put in.
TRICKY = st.one_of(st.text(), st.sampled_from(['"index":9007199254740991,', '\\"index":1,', '"']))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TRICKY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3),
    max_leaves=8,
)


@given(
    predicate=st.dictionaries(TRICKY, JSON, max_size=3),
    record_id=TRICKY.filter(bool),
    name=TRICKY,
    index=st.integers(0, 2**53 - 1),
)
def test_draft_then_parse_gives_the_record_back(predicate, record_id: str, name: str, index: int):
    subjects = (Subject(name=name, sha256="a" * 64),)
    record = Record(type=TYPE, id=record_id, subjects=subjects, predicate=predicate)
    data = DRAFTER.draft(record).statement(index, STAMP)
    statement = parse_statement(data)
    assert canonical_bytes(json.loads(data)) == data
    assert statement.index == index
    assert statement.stamp == STAMP
    assert statement.log == ORIGIN
    assert (statement.type, statement.id, statement.subjects) == (TYPE, record_id, subjects)
    assert statement.content == predicate
    assert statement.payload_references == ()


def test_draft_large_predicate_becomes_a_payload():
    draft = DRAFTER.draft(make_large_record())
    statement = parse_statement(draft.statement(0, STAMP))
    assert statement.content is None
    assert statement.payload_references == (statement.content_reference,)
    assert statement.content_reference.size_bytes > INLINE_BYTES_MAX


def test_draft_attachments_become_payloads_in_order_of_their_names():
    record = make_record(attachments={"b": b"2", "a": b"1"})
    statement = parse_statement(DRAFTER.draft(record).statement(0, STAMP))
    assert list(statement.attachments) == ["a", "b"]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "no uri"},
        {"type": "nocolon"},
        {"id": ""},
        {"subjects": ()},
        {"subjects": (Subject(name="x", sha256="A" * 64),)},
        {"predicate": {"x": float("nan")}},
        {"id": "\ud800"},
        {"id": "x" * ENTRY_BYTES_MAX},
        {"attachments": {"a": b""}},
        {"attachments": {"a": os.urandom(PAYLOAD_BYTES_MAX + 1)}},
    ],
)
def test_draft_malformed_record_is_refused(change: dict[str, object]):
    with pytest.raises(RecordError):
        DRAFTER.draft(replace(make_record(), **change))


def good_statement() -> dict[str, object]:
    return json.loads(DRAFTER.draft(make_record(attachments={"a": b"1"})).statement(0, STAMP))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("_type",), STATEMENT_TYPE + "x"),
        (("predicateType",), 1),
        (("predicate",), []),
        (("predicate", "id"), None),
        (("predicate", "log"), None),
        (("predicate", "index"), -1),
        (("predicate", "content"), []),
        (("predicate", "content_ref"), {}),
        (("predicate", "attachments"), None),
        (("predicate", "attachments"), [1]),
        (("predicate", "attachments"), [{"name": "a"}]),
        (("predicate", "time"), None),
        (("predicate", "time", "clock"), "sundial"),
        (("predicate", "time", "utc_ns"), "01"),
        (("predicate", "time", "error_us"), -1),
        (("subject",), {}),
        (("subject",), [1]),
        (("subject",), [{"name": "x"}]),
        (("subject",), [{"name": "x", "digest": {}}]),
        (("subject",), [{"digest": {"sha256": "x"}}]),
    ],
)
def test_parse_statement_malformed_is_refused(path: tuple[str, ...], value: object):
    statement = good_statement()
    parent = statement
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    with pytest.raises(FormatError):
        parse_statement(json.dumps(statement).encode())
