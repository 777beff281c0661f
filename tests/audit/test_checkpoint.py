import pytest

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.errors import FormatError, SignatureError, WrongKeyError
from audit.rfc6962 import EMPTY_ROOT, MerkleTree, leaf_hash, verify_consistency
from audit.signed_note import Verifier, sign_note
from tests.audit.support import make_signer, unbase64, vectors


def test_parse_body_public_cases_scored_as_published():
    cases = vectors("audit/c2sp/checkpoint-body.json")
    for body in cases["accept"]:
        assert Checkpoint.parse_body(body).body == body
    for case in cases["reject"]:
        with pytest.raises(FormatError):
            Checkpoint.parse_body(case["body"])


def test_parse_body_without_final_newline_is_refused():
    with pytest.raises(FormatError, match="final newline"):
        Checkpoint.parse_body("log\n0")


def test_open_checkpoint_tessera_log_gives_roots_of_its_leaves():
    log = vectors("audit/tlog-tiles/tessera-testlog.json")
    verifier = Verifier.parse(log["vkey"])
    tree = MerkleTree()
    for size, case in enumerate(log["checkpoints"]):
        checkpoint = open_checkpoint(case["note"], [verifier])
        assert checkpoint.size == size
        assert checkpoint.root == unbase64(case["root_b64"]) == tree.root()
        if size < len(log["leaves_utf8"]):
            tree.append(leaf_hash(log["leaves_utf8"][size].encode()))
    for old in range(16):
        verify_consistency(
            old_size=old,
            new_size=15,
            old_root=unbase64(log["checkpoints"][old]["root_b64"]),
            new_root=unbase64(log["checkpoints"][15]["root_b64"]),
            proof=tree.consistency_proof(old, 15),
        )


def test_open_checkpoint_signed_by_another_name_than_the_origin_is_refused():
    signer = make_signer("other")
    note = Checkpoint(origin="log", size=0, root=EMPTY_ROOT).sign(signer)
    with pytest.raises(WrongKeyError):
        open_checkpoint(note, [signer.verifier])


def test_open_checkpoint_unknown_key_is_refused():
    note = Checkpoint(origin="log", size=0, root=EMPTY_ROOT).sign(make_signer("log"))
    with pytest.raises(SignatureError):
        open_checkpoint(note, [make_signer("log", seed=2).verifier])


def test_open_checkpoint_signed_text_that_is_no_checkpoint_is_refused():
    signer = make_signer("log")
    with pytest.raises(FormatError):
        open_checkpoint(sign_note("log\nhello\n", signer), [signer.verifier])
