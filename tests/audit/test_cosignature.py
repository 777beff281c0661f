import json
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from audit.canonical import encode_base64
from audit.checkpoint import Checkpoint
from audit.cosignature import (
    CosignatureKind,
    CosignatureVerifier,
    Cosigner,
    add_cosignatures,
    cosigned_message,
    verify_cosignatures,
)
from audit.errors import AuditError, FormatError, SignatureError
from audit.receipt import Receipt, parse_tlog_proof
from audit.rfc6962 import leaf_hash, node_hash
from tests.audit.support import ORIGIN, make_signer, vectors
from tests.data import test_data

NAME = "witness.example/w1"
TIME_S = 1_795_000_000
CHECKPOINT = Checkpoint(origin=ORIGIN, size=7, root=bytes(range(32)))
ED25519 = Cosigner(NAME, Ed25519PrivateKey.from_private_bytes(bytes(32)))
ML_DSA = Cosigner(NAME, MLDSA44PrivateKey.from_seed_bytes(bytes(32)))
BOTH = pytest.mark.parametrize("cosigner", [ED25519, ML_DSA], ids=["ed25519", "ml-dsa-44"])


def signed(checkpoint: Checkpoint = CHECKPOINT) -> str:
    return checkpoint.sign(make_signer())


def test_verify_cosignatures_public_cases_scored_as_published():
    cases = vectors("audit/c2sp/cosignature-v1.json")["cases"]
    assert len(cases) == 3
    for case in cases:
        verifier = CosignatureVerifier.parse(case["vkey"])
        assert verifier.vkey == case["vkey"]
        if case["expect"] == "accept":
            (found,) = verify_cosignatures(case["note"], [verifier])
            assert found.time_s == 1_767_139_200, case["id"]
        else:
            with pytest.raises(SignatureError):
                verify_cosignatures(case["note"], [verifier])


def test_is_valid_wycheproof_ml_dsa_44_scored_as_published():
    path = test_data("audit/wycheproof/mldsa_44_verify_test.json")
    num_cases = 0
    for group in json.loads(path.read_text())["testGroups"]:
        key = bytes.fromhex(group["publicKey"])
        for case in group["tests"]:
            num_cases += 1
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            context = bytes.fromhex(case.get("ctx", ""))
            assert is_valid(key, message, signature, context) == (case["result"] == "valid"), case
    assert num_cases == 180


def is_valid(key: bytes, message: bytes, signature: bytes, context: bytes) -> bool:
    try:
        verifier = CosignatureVerifier("w", CosignatureKind.ML_DSA_44, key)
        if not context:
            return verifier.is_valid(message, signature)
        MLDSA44PublicKey.from_public_bytes(key).verify(signature, message, context)
    except (FormatError, InvalidSignature, ValueError):
        return False
    return True


@BOTH
def test_cosign_then_verify_gives_the_time(cosigner: Cosigner):
    note = signed() + cosigner.cosign(CHECKPOINT, time_s=TIME_S)
    (found,) = verify_cosignatures(note, [cosigner.verifier])
    assert (found.time_s, found.verifier) == (TIME_S, cosigner.verifier)
    assert CosignatureVerifier.parse(cosigner.verifier.vkey) == cosigner.verifier


@BOTH
def test_cosignature_of_another_checkpoint_is_refused(cosigner: Cosigner):
    line = cosigner.cosign(CHECKPOINT, time_s=TIME_S)
    for change in ({"size": 8}, {"root": bytes(32)}, {"origin": "other.example/log"}):
        fields = {"origin": ORIGIN, "size": 7, "root": CHECKPOINT.root} | change
        with pytest.raises(SignatureError, match="a wrong one"):
            verify_cosignatures(signed(Checkpoint(**fields)) + line, [cosigner.verifier])


@BOTH
def test_cosignature_with_another_time_is_refused(cosigner: Cosigner):
    kept = cosigner.cosign(CHECKPOINT, time_s=TIME_S)
    other = cosigner.cosign(CHECKPOINT, time_s=TIME_S + 1)
    # Base64 character 14 lies within the eight bytes of time.
    assert kept[:30] == other[:30]
    mixed = other.split(" ")[2][:17] + kept.split(" ")[2][17:]
    assert mixed not in {other.split(" ")[2], kept.split(" ")[2]}
    with pytest.raises(SignatureError):
        verify_cosignatures(signed() + f"— {NAME} {mixed}", [cosigner.verifier])


def test_ml_dsa_message_is_that_of_the_specification():
    message = cosigned_message(CHECKPOINT, ML_DSA.verifier, time_s=TIME_S)
    assert message == (
        b"subtree/v1\n\0"
        + bytes([len(NAME)])
        + NAME.encode()
        + TIME_S.to_bytes(8, "big")
        + bytes([len(ORIGIN)])
        + ORIGIN.encode()
        + bytes(8)
        + (7).to_bytes(8, "big")
        + CHECKPOINT.root
    )


def test_ml_dsa_leaves_extension_lines_out_and_ed25519_does_not():
    longer = Checkpoint(origin=ORIGIN, size=7, root=CHECKPOINT.root, extensions=("more",))
    verify_cosignatures(
        signed(longer) + ML_DSA.cosign(CHECKPOINT, time_s=TIME_S), [ML_DSA.verifier]
    )
    with pytest.raises(SignatureError):
        verify_cosignatures(
            signed(longer) + ED25519.cosign(CHECKPOINT, time_s=TIME_S), [ED25519.verifier]
        )


def test_verify_cosignatures_counts_different_witnesses():
    line = ED25519.cosign(CHECKPOINT, time_s=TIME_S)
    keys = [ED25519.verifier, ML_DSA.verifier]
    with pytest.raises(SignatureError, match="2 of trusted witnesses"):
        verify_cosignatures(signed() + line + line, keys, threshold=2)
    # Two keys of one witness are one witness.
    note = signed() + line + ML_DSA.cosign(CHECKPOINT, time_s=TIME_S)
    with pytest.raises(SignatureError, match="2 of trusted witnesses"):
        verify_cosignatures(note, keys, threshold=2)
    assert len(verify_cosignatures(note, keys)) == 2
    second = Cosigner("witness.example/w2", Ed25519PrivateKey.from_private_bytes(bytes([2] * 32)))
    note += second.cosign(CHECKPOINT, time_s=TIME_S)
    assert len(verify_cosignatures(note, [*keys, second.verifier], threshold=2)) == 3


def test_verify_cosignatures_without_a_time_is_refused():
    data = encode_base64(ED25519.verifier.key_id + bytes(8))
    with pytest.raises(FormatError, match="a time and a signature"):
        verify_cosignatures(signed() + f"— {NAME} {data}\n", [ED25519.verifier])


def test_add_cosignatures_keeps_those_by_trusted_witnesses_once():
    ours, stranger = ED25519.cosign(CHECKPOINT, time_s=1), ML_DSA.cosign(CHECKPOINT, time_s=1)
    note, found = add_cosignatures(signed(), stranger + ours + ours, [ED25519.verifier])
    assert note == signed() + ours
    assert [item.time_s for item in found] == [1]
    again, _ = add_cosignatures(note, ours, [ED25519.verifier])
    assert again == note


@pytest.mark.parametrize("lines", ["", "nonsense\n", "\n\nno note\n"])
def test_add_cosignatures_of_nonsense_is_refused(lines: str):
    with pytest.raises(AuditError):
        add_cosignatures(signed(), lines, [ED25519.verifier])


@pytest.mark.parametrize("time_s", [-1, 1 << 63])
def test_cosign_time_out_of_range_is_refused(time_s: int):
    with pytest.raises(FormatError, match="cosignature time"):
        ED25519.cosign(CHECKPOINT, time_s=time_s)


def test_ml_dsa_cosign_of_a_very_long_origin_is_refused():
    with pytest.raises(FormatError, match="255 bytes"):
        ML_DSA.cosign(Checkpoint(origin="o" * 256, size=0, root=bytes(32)), time_s=0)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name+00+AAAA",
        f"{NAME}+00000000+{encode_base64(bytes([4]) + bytes(32))}",
        f"{NAME}+00000000+{encode_base64(bytes([1]) + bytes(32))}",
        f"{NAME}+00000000+{encode_base64(bytes([6]) + bytes(32))}",
        f"a b+00000000+{encode_base64(bytes([4]) + bytes(32))}",
        f"{'n' * 256}+00000000+{encode_base64(bytes([4]) + bytes(32))}",
    ],
)
def test_verifier_key_malformed_is_refused(vkey: str):
    with pytest.raises(FormatError):
        CosignatureVerifier.parse(vkey)


def make_receipt(size_bits: int, *cosigners: Cosigner) -> tuple[Receipt, bytes]:
    """A receipt in a tree of 2**size_bits entries, of which only the path is made."""
    entry = b"x" * 2_000
    node, proof = leaf_hash(entry), []
    for level in range(size_bits):
        proof.append(level.to_bytes(32, "big"))
        node = node_hash(node, proof[-1])
    checkpoint = Checkpoint(origin=ORIGIN, size=1 << size_bits, root=node)
    note = signed(checkpoint) + "".join(one.cosign(checkpoint, time_s=1) for one in cosigners)
    receipt = Receipt(
        index=0,
        leaf_hash=leaf_hash(entry),
        tree_size=1 << size_bits,
        proof=tuple(proof),
        checkpoint=note,
    )
    return receipt, entry


def test_receipt_of_a_million_entries_is_short():
    plain, _ = make_receipt(20, ED25519)
    assert len(plain.to_text().encode()) <= 2_048
    assert len(json.dumps(plain.to_json()).encode()) <= 2_048
    cosigned, _ = make_receipt(20, ED25519, ML_DSA)
    assert len(cosigned.to_text().encode()) <= 6_144
    assert len(json.dumps(cosigned.to_json()).encode()) <= 6_144


# With the long suites, which run without the tracing of coverage.
@pytest.mark.slow
def test_receipt_of_a_million_entries_is_checked_within_five_milliseconds():
    keys = [make_signer().verifier]
    cosigned, entry = make_receipt(20, ED25519, ML_DSA)
    durations = []
    for _ in range(20):
        start = time.perf_counter()
        receipt = parse_tlog_proof(cosigned.to_text(), entry=entry)
        receipt.verify(keys, entry=entry)
        verify_cosignatures(receipt.checkpoint, [ED25519.verifier, ML_DSA.verifier])
        durations.append(time.perf_counter() - start)
    # The machine may be busy with other work; the bar is for the check itself.
    assert min(durations) <= 0.005
