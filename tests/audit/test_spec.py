"""The worked examples of SPEC.md, checked with hashes, AES and Ed25519 alone, and by our code."""

import base64
import hashlib
import hmac
import json
import re
import struct
import zlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.canonical import canonical_bytes
from audit.checkpoint import open_checkpoint
from audit.entry import open_entry
from audit.keyring import Keyring
from audit.segment import FrameKind, read_frame
from audit.signed_note import Verifier
from audit.vault import SecretTree
from tests.audit.support import ORIGIN
from tests.data import ROOT


@pytest.fixture(scope="module")
def spec() -> dict[str, str]:
    text = (ROOT / "audit" / "SPEC.md").read_text()
    return dict(re.findall(r"^```([a-z-]+)\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL))


def unhex(spec: dict[str, str], name: str) -> bytes:
    return bytes.fromhex(spec[f"{name}-hex"])


def test_example_key_is_that_of_the_seed(spec):
    public = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32).public_key().public_bytes_raw()
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4]
    encoded = base64.b64encode(b"\x01" + public).decode()
    assert spec["vkey"] == f"{ORIGIN}+{key_id.hex()}+{encoded}"


def test_example_entry_is_signed_canonical_and_states_its_place(spec):
    envelope = json.loads(spec["entry"])
    body = base64.b64decode(envelope["payload"])
    assert body.decode() == spec["statement"]
    assert canonical_bytes(json.loads(body)) == body
    assert canonical_bytes(envelope) == spec["entry"].encode()
    kind = envelope["payloadType"]
    message = f"DSSEv1 {len(kind)} {kind} {len(body)} ".encode() + body
    verifier = Verifier.parse(spec["vkey"])
    assert verifier.is_valid(message, base64.b64decode(envelope["signatures"][0]["sig"]))
    statement = open_entry(spec["entry"].encode(), index=0, keyring=Keyring.of(verifier))
    assert (statement.log, statement.index) == (ORIGIN, 0)


def test_example_segment_is_header_entry_and_commit(spec):
    data = unhex(spec, "segment")
    entry = spec["entry"].encode()
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    assert leaf == unhex(spec, "leaf-hash")
    header = b"FSVAUDT2" + struct.pack(">Q", 0)
    parts = [header + struct.pack(">I", zlib.crc32(header))]
    for kind, index, content in ((b"E", 0, entry), (b"C", 1, leaf)):
        fields = kind + struct.pack(">IQ", len(content), index)
        parts.append(fields + struct.pack(">I", zlib.crc32(fields + content)) + content)
    assert b"".join(parts) == data
    assert read_frame(data, 20).kind is FrameKind.ENTRY


def test_example_checkpoint_is_signed_and_covers_the_entry(spec):
    checkpoint = open_checkpoint(spec["checkpoint"] + "\n", [Verifier.parse(spec["vkey"])])
    assert (checkpoint.size, checkpoint.root) == (1, unhex(spec, "leaf-hash"))


def test_example_sealed_content_opens_and_is_committed_to(spec):
    slot = 0x0000000300000001
    secret = bytes(range(32))
    for bit in f"{slot:064b}":
        secret = hmac.digest(secret, bytes([int(bit)]), "sha256")
    assert secret == unhex(spec, "slot-secret")
    assert SecretTree({"": bytes(range(32))}).secret(slot) == secret
    key = hmac.digest(secret, b"finsvc-audit payload key v2", "sha256")
    opening = hmac.digest(secret, b"finsvc-audit opening v2", "sha256")
    assert (key, opening) == (unhex(spec, "payload-key"), unhex(spec, "opening"))
    stored = unhex(spec, "stored")
    aad = b"finsvc-audit-payload/v2\n" + ORIGIN.encode()
    content = AESGCM(key).decrypt(stored[:12], stored[12:], aad)
    assert content.decode() == spec["content"]
    assert hmac.digest(opening, content, "sha256") == unhex(spec, "commitment")
