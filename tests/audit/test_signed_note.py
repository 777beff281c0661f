import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import AuditError, FormatError, SignatureError
from audit.signed_note import (
    Verifier,
    decode_note,
    is_key_name,
    open_note,
    parse_note,
    sign_note,
)
from tests.audit.support import make_signer, unbase64, vectors
from tests.data import test_data

CASES = "audit/c2sp/signed-note.json"


def test_open_note_public_cases_scored_as_published():
    cases = vectors(CASES)["cases"]
    assert len(cases) == 17
    for case in cases:
        verifiers = [Verifier.parse(vkey) for vkey in case["trusted_vkeys"]]
        if case["expect"] == "accept":
            note = open_note(decode_note(unbase64(case["note_b64"])), verifiers)
            assert [item.name for item in note.verified] == case["verified"], case["id"]
            assert [item.name for item in note.unverified] == case["unverified"], case["id"]
        else:
            with pytest.raises((FormatError, SignatureError)):
                open_note(decode_note(unbase64(case["note_b64"])), verifiers)


def test_verifier_public_good_keys_round_trip():
    vkeys = vectors(CASES)["valid_vkeys"]
    assert [Verifier.parse(vkey).vkey for vkey in vkeys] == vkeys


def test_verifier_public_bad_keys_are_all_refused():
    vkeys = vectors(CASES)["invalid_vkeys"]
    assert len(vkeys) == 128
    for vkey in vkeys:
        with pytest.raises(FormatError):
            Verifier.parse(vkey)


def test_verifier_public_key_of_wrong_length_is_refused():
    with pytest.raises(FormatError, match="32 bytes"):
        Verifier("log", b"short")


def test_verifier_name_with_space_is_refused():
    with pytest.raises(FormatError, match="key name"):
        Verifier("a b", bytes(32))


def test_is_valid_wycheproof_ed25519_scored_as_published():
    groups = json.loads(test_data("audit/wycheproof/ed25519_test.json").read_text())["testGroups"]
    num_cases = 0
    for group in groups:
        verifier = Verifier("log", bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            num_cases += 1
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            assert verifier.is_valid(message, signature) == (case["result"] == "valid"), case
    assert num_cases == 151


def test_sign_note_two_signers_opens_with_either():
    signers = [make_signer("one"), make_signer("two", seed=2)]
    note = sign_note("text\n\nmore\n", *signers)
    for signer in signers:
        opened = open_note(note, [signer.verifier])
        assert opened.text == "text\n\nmore\n"
        assert [item.name for item in opened.verified] == [signer.verifier.name]
        assert len(opened.unverified) == 1


def test_open_note_repeated_signature_of_known_key_counts_once():
    signer = make_signer("one")
    note = sign_note("text\n", signer, signer)
    assert len(open_note(note, [signer.verifier]).verified) == 1


def test_sign_note_without_final_newline_is_refused():
    with pytest.raises(FormatError, match="final newline"):
        sign_note("text", make_signer())


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\x01b", "\ud800"])
def test_is_key_name_forbidden_characters_are_refused(name: str):
    assert not is_key_name(name)


def test_parse_note_signature_of_key_id_only_is_refused():
    with pytest.raises(FormatError, match="over 4 bytes"):
        parse_note("text\n\n— name AAAAAA==\n")


def test_parse_note_base64_with_loose_bits_is_refused():
    with pytest.raises(FormatError, match="canonical"):
        parse_note("text\n\n— name AAAAAAF=\n")


@given(st.text())
def test_open_note_any_text_raises_only_audit_errors(text: str):
    with pytest.raises(AuditError):
        open_note(text, [make_signer().verifier])
