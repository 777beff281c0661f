import hashlib
import os
import zlib
from dataclasses import replace

import pytest

from audit.errors import FormatError, PayloadError, PayloadLockedError, PayloadShreddedError
from audit.payloads import (
    Encoding,
    Payload,
    PayloadReference,
    Sealer,
    open_payload,
    pack,
)
from tests.audit.support import ORIGIN, make_vault

REFERENCE = pack(b"x" * 100).reference


def opened(payload: Payload, vault=None):
    return open_payload(payload.reference, [b"other", payload.stored], origin=ORIGIN, vault=vault)


@pytest.fixture
def vault(tmp_path):
    return make_vault(tmp_path / "vault")


def seal(vault, content: bytes = b"content " * 40, *, data_subject: str = "client") -> Payload:
    return Sealer(vault, origin=ORIGIN, size=3).seal(content, data_subject=data_subject)


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
def test_pack_then_open_gives_the_content(content: bytes):
    assert opened(pack(content)).content == content
    assert opened(pack(content)).opening is None


@pytest.mark.parametrize("content", [b"", b"x" * 1000, os.urandom(300)])
def test_seal_then_open_gives_the_content_and_what_proves_it(vault, content: bytes):
    payload = seal(vault, content)
    found = opened(payload, vault)
    assert (found.content, found.opening) == (content, payload.opening)
    assert payload.reference.commits_to(content, found.opening)
    assert not payload.reference.commits_to(content + b"x", found.opening)
    assert not payload.reference.commits_to(content, None)


def test_seal_shows_nothing_and_uses_a_slot_once(vault):
    sealer = Sealer(vault, origin=ORIGIN, size=3)
    one, two = (sealer.seal(b"secret text", data_subject="client") for _ in range(2))
    assert one.reference.key.slot + 1 == two.reference.key.slot
    assert one.reference.key.slot >> 32 == 3
    assert one.reference.commitment != two.reference.commitment
    assert hashlib.sha256(b"secret text").hexdigest() not in str(one.reference.to_json())
    assert b"secret" not in one.stored


def test_open_sealed_without_the_vault_is_refused(vault):
    with pytest.raises(PayloadLockedError):
        opened(seal(vault))


def test_open_sealed_after_its_key_was_destroyed_says_so(vault):
    payload = seal(vault)
    vault.destroy_slots([(payload.reference.key.subject_id, payload.reference.key.slot)])
    with pytest.raises(PayloadShreddedError):
        opened(payload, vault)


def test_open_sealed_bytes_of_another_key_are_refused(vault):
    one, two = seal(vault), seal(vault, data_subject="other")
    mixed = Payload(replace(one.reference, stored_sha256=two.reference.stored_sha256), two.stored)
    with pytest.raises(PayloadError, match="under its key"):
        opened(mixed, vault)


def test_open_sealed_for_another_log_is_refused(vault):
    payload = seal(vault)
    with pytest.raises(PayloadError, match="under its key"):
        open_payload(payload.reference, [payload.stored], origin="other", vault=vault)


def test_open_sealed_bytes_too_short_are_refused(vault):
    payload = seal(vault)
    reference = replace(payload.reference, stored_sha256=hashlib.sha256(b"x").hexdigest())
    with pytest.raises(PayloadError):
        opened(Payload(reference, b"x"), vault)


def test_reference_json_round_trips(vault):
    for reference in (REFERENCE, seal(vault).reference):
        assert PayloadReference.parse(reference.to_json(), field="x") == reference


@pytest.mark.parametrize(
    "change",
    [
        {"encoding": "gzip"},
        {"sha256": "0" * 63},
        {"sha256": "A" * 64},
        {"stored_sha256": "../" + "0" * 61},
        {"size_bytes": -1},
        {"size_bytes": None},
        {"key": None},
        {"key": 7, "commitment": "0" * 64},
        {"key": {"slot": "0" * 16, "subject": "x"}, "commitment": "0" * 64},
        {"key": {"slot": "0", "subject": "0" * 32}, "commitment": "0" * 64},
        {"key": {"slot": "0" * 16, "subject": "0" * 32}},
    ],
)
def test_reference_malformed_is_refused(change: dict[str, object]):
    with pytest.raises(FormatError):
        PayloadReference.parse(REFERENCE.to_json() | change, field="x")


def test_reference_that_is_no_object_is_refused():
    with pytest.raises(FormatError):
        PayloadReference.parse([], field="x")


def test_open_missing_payload_is_refused():
    with pytest.raises(PayloadError, match="before the entry"):
        open_payload(REFERENCE, [], origin=ORIGIN, vault=None)


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
def test_open_stored_bytes_of_another_content_are_refused(stored: bytes, claims):
    digest = hashlib.sha256(stored).hexdigest()
    reference = replace(REFERENCE, stored_sha256=digest, **claims)
    with pytest.raises(PayloadError):
        opened(Payload(reference, stored))
