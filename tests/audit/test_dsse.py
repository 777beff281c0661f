import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from audit.dsse import (
    open_envelope,
    parse_envelope,
    pre_authentication_encoding,
    seal,
)
from audit.errors import FormatError, SignatureError
from tests.audit.support import make_signer, vectors


class P256Verifier:
    """The key kind of the specification's example."""

    def __init__(self, x: int, y: int) -> None:
        self._key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()

    def is_valid(self, message: bytes, signature: bytes) -> bool:
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        try:
            self._key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


def test_pre_authentication_encoding_public_cases_are_equal():
    for case in vectors("audit/dsse/vectors.json")["pae_cases"]:
        encoded = pre_authentication_encoding(
            case["payloadType"], bytes.fromhex(case["payload_hex"])
        )
        assert encoded.hex() == case["pae_hex"]


def test_open_envelope_public_cases_scored_as_published():
    data = vectors("audit/dsse/vectors.json")
    verifier = P256Verifier(int(data["key"]["x"]), int(data["key"]["y"]))
    for case in data["envelope_cases"]:
        encoded = json.dumps(case["envelope"]).encode()
        threshold = case.get("threshold", 1)
        if case["expect"] == "accept":
            body = open_envelope(parse_envelope(encoded), [verifier], threshold=threshold)
            assert body == b"hello world", case["id"]
        else:
            with pytest.raises((FormatError, SignatureError)):
                open_envelope(parse_envelope(encoded), [verifier, verifier], threshold=threshold)


def test_seal_then_open_gives_the_body():
    signer = make_signer()
    envelope = parse_envelope(seal(b"{}", signer=signer))
    assert open_envelope(envelope, [signer.verifier]) == b"{}"
    with pytest.raises(SignatureError):
        open_envelope(envelope, [make_signer(seed=2).verifier])


def test_seal_is_canonical_json():
    encoded = seal(b"{}", signer=make_signer())
    plain = json.dumps(json.loads(encoded), sort_keys=True, separators=(",", ":"))
    assert encoded == plain.encode()


@pytest.mark.parametrize(
    "envelope",
    [
        b"[]",
        b"{",
        b'{"payload":"","payload":"","payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":NaN,"payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":"","payloadType":"t","signatures":["x"]}',
        b'{"payload":"","payloadType":"t","signatures":[{"keyid":"x"}]}',
        b'{"payload":"=","payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":"\xc3\xa9","payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":1,"payloadType":"t","signatures":[{"sig":""}]}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_parse_envelope_malformed_is_refused(envelope: bytes):
    with pytest.raises(FormatError):
        parse_envelope(envelope)
