import json
from dataclasses import replace

import pytest

from audit.canonical import encode_base64
from audit.errors import AuditError, FormatError, ProofError, SignatureError, WrongKeyError
from audit.receipt import Receipt, parse_tlog_proof
from audit.rfc6962 import MerkleTree, leaf_hash
from audit.signed_note import Verifier
from tests.audit.support import make_log, make_signer, vectors

VERIFIER = make_signer().verifier


@pytest.fixture
def receipt(tmp_path) -> Receipt:
    with make_log(tmp_path, num_records=5) as log:
        return log.receipt(2)


def test_receipt_json_round_trips_and_verifies(receipt: Receipt):
    value = json.loads(json.dumps(receipt.to_json()))
    assert list(value) == ["index", "leaf_hash", "tree_size", "proof", "checkpoint"]
    assert Receipt.from_json(value) == receipt
    assert Receipt.from_json(value).verify([VERIFIER]).size == 5


def test_receipt_text_round_trips_and_verifies(tmp_path):
    with make_log(tmp_path, num_records=5) as log:
        entry = log.read(4)
        text = entry.receipt.to_text()
        parsed = parse_tlog_proof(text, entry=entry.envelope)
        assert text.startswith("c2sp.org/tlog-proof@v1\nindex 4\n")
        assert parsed == entry.receipt
        parsed.verify([VERIFIER], entry=entry.envelope)


def test_tlog_proof_of_tessera_log_verifies():
    log = vectors("audit/tlog-tiles/tessera-testlog.json")
    tree = MerkleTree()
    for text in log["leaves_utf8"]:
        tree.append(leaf_hash(text.encode()))
    for index, leaf in enumerate(log["leaves_utf8"]):
        lines = ["c2sp.org/tlog-proof@v1", "extra AAAA", f"index {index}"]
        lines += [encode_base64(item) for item in tree.inclusion_proof(index, 15)]
        text = "\n".join([*lines, "", log["checkpoints"][15]["note"]])
        receipt = parse_tlog_proof(text, entry=leaf.encode())
        assert receipt.verify([Verifier.parse(log["vkey"])]).size == 15


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"index": 3}, ProofError),
        ({"index": 5}, ProofError),
        ({"leaf_hash": b"\0" * 32}, ProofError),
        ({"tree_size": 6}, ProofError),
        ({"proof": ()}, ProofError),
        ({"checkpoint": "hello"}, FormatError),
    ],
)
def test_receipt_changed_is_refused(receipt: Receipt, change, error: type[AuditError]):
    with pytest.raises(error):
        replace(receipt, **change).verify([VERIFIER])


def test_receipt_of_another_entry_is_refused(receipt: Receipt):
    with pytest.raises(ProofError):
        receipt.verify([VERIFIER], entry=b"another")


def test_receipt_with_unknown_key_is_refused(receipt: Receipt):
    with pytest.raises(SignatureError):
        receipt.verify([make_signer(seed=2).verifier])


def test_receipt_of_a_foreign_log_is_refused(receipt: Receipt):
    stranger = make_signer("stranger.example/log")
    note = replace(receipt, checkpoint=receipt.checkpoint)
    forged = note.checkpoint.partition("\n\n")[0] + "\n"
    signature = encode_base64(stranger.verifier.key_id + stranger.sign(forged.encode()))
    forged += f"\n— {stranger.verifier.name} {signature}\n"
    with pytest.raises(WrongKeyError):
        replace(receipt, checkpoint=forged).verify([stranger.verifier])


@pytest.mark.parametrize(
    "change",
    [
        {"proof": None},
        {"proof": ["00" * 32] * 64},
        {"proof": ["zz"]},
        {"proof": [1]},
        {"leaf_hash": "00"},
        {"leaf_hash": "AB" * 32},
        {"index": "2"},
        {"tree_size": None},
        {"checkpoint": 1},
    ],
)
def test_receipt_json_malformed_is_refused(receipt: Receipt, change: dict[str, object]):
    with pytest.raises(FormatError):
        Receipt.from_json(receipt.to_json() | change)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nlog\n1\n",
        "c2sp.org/tlog-proof@v1\n\nlog\n1\n",
        "c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nlog\n1\n",
        "c2sp.org/tlog-proof@v1\nextra AAAA\n\nlog\n1\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nlog\n1\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nlog\n1\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + (encode_base64(b"0" * 32) + "\n") * 64 + "\nlog\n1\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n\nlog\n",
    ],
)
def test_tlog_proof_malformed_is_refused(text: str):
    with pytest.raises(FormatError):
        parse_tlog_proof(text, entry=b"")
