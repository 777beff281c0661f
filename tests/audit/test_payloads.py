import hashlib
import os
import zlib
from dataclasses import replace

import pytest

from audit.errors import FormatError, PayloadError
from audit.filesystem import RealFileSystem
from audit.payloads import (
    Encoding,
    Payload,
    PayloadReference,
    load_payload,
    pack,
    payload_path,
    store_payloads,
)

REFERENCE = pack(b"x" * 100).reference


def store(folder, *payloads: Payload) -> None:
    (folder / "payloads").mkdir(exist_ok=True)
    store_payloads(folder, payloads, RealFileSystem())


def test_pack_repetitive_content_is_compressed():
    payload = pack(b"x" * 1000)
    assert payload.reference.encoding is Encoding.ZLIB
    assert len(payload.stored) < 100


def test_pack_random_content_is_stored_as_it_is():
    content = os.urandom(1000)
    payload = pack(content)
    assert payload.reference.encoding is Encoding.IDENTITY
    assert payload.stored == content


@pytest.mark.parametrize("content", [b"", b"x" * 1000, bytes(range(256))])
def test_store_then_load_gives_the_content(tmp_path, content: bytes):
    payload = pack(content)
    store(tmp_path, payload, payload)
    assert load_payload(tmp_path, payload.reference) == content


def test_reference_json_round_trips():
    assert PayloadReference.parse(REFERENCE.to_json(), field="x") == REFERENCE


@pytest.mark.parametrize(
    "change",
    [
        {"encoding": "gzip"},
        {"sha256": "0" * 63},
        {"sha256": "A" * 64},
        {"stored_sha256": "../" + "0" * 61},
        {"size_bytes": -1},
        {"size_bytes": None},
    ],
)
def test_reference_malformed_is_refused(change: dict[str, object]):
    with pytest.raises(FormatError):
        PayloadReference.parse(REFERENCE.to_json() | change, field="x")


def test_reference_that_is_no_object_is_refused():
    with pytest.raises(FormatError):
        PayloadReference.parse([], field="x")


def test_load_missing_payload_is_refused(tmp_path):
    with pytest.raises(PayloadError, match="readable"):
        load_payload(tmp_path, REFERENCE)


def test_load_changed_payload_is_refused(tmp_path):
    payload = pack(b"x" * 1000)
    store(tmp_path, payload)
    path = payload_path(tmp_path, payload.reference.stored_sha256)
    path.write_bytes(payload.stored + b"x")
    with pytest.raises(PayloadError, match="its own digest"):
        load_payload(tmp_path, payload.reference)


@pytest.mark.parametrize(
    ("stored", "claims"),
    [
        (b"not zlib", {}),
        (zlib.compress(b"y" * 100), {}),
        (zlib.compress(b"x" * 101), {}),
        (zlib.compress(b"x" * 100), {"size_bytes": 99}),
    ],
    ids=["garbage", "other content", "longer than promised", "size does not fit"],
)
def test_load_stored_bytes_of_another_content_are_refused(tmp_path, stored: bytes, claims):
    digest = hashlib.sha256(stored).hexdigest()
    reference = replace(REFERENCE, stored_sha256=digest, **claims)
    store(tmp_path, Payload(reference, stored))
    with pytest.raises(PayloadError):
        load_payload(tmp_path, reference)
