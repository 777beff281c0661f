import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import LogFailedError, PayloadShreddedError, VaultError
from audit.filesystem import RealFileSystem
from audit.vault import SLOT_BITS, SecretTree, Vault
from tests.audit.support import ORIGIN, PASSPHRASE, make_vault

SLOTS = st.integers(0, 2**SLOT_BITS - 1) | st.integers(0, 600)


@pytest.fixture
def vault(tmp_path):
    return make_vault(tmp_path / "vault")


def reload(tmp_path, passphrase: bytes = PASSPHRASE) -> Vault:
    return Vault.load(tmp_path / "vault", passphrase=passphrase)


@given(destroyed=st.lists(SLOTS, max_size=6), kept=st.lists(SLOTS, max_size=6))
def test_tree_destroying_takes_these_slots_and_no_others(destroyed, kept):
    whole, punctured = SecretTree({"": b"k" * 32}), SecretTree({"": b"k" * 32})
    for slot in destroyed:
        punctured.destroy(slot)
    again = SecretTree(punctured.nodes)
    for slot in [*kept, *(slot ^ 1 for slot in destroyed), *destroyed]:
        expected = None if slot in destroyed else whole.secret(slot)
        assert punctured.secret(slot) == again.secret(slot) == expected
        assert punctured.secret(slot) == expected


def test_tree_destroyed_secret_is_in_none_of_the_kept_ones():
    tree = SecretTree({"": b"k" * 32})
    secrets = {tree.secret(slot) for slot in (5, 6)}
    tree.destroy(5)
    tree.destroy(6)
    tree.destroy(5)
    assert not secrets & set(tree.nodes.values())
    assert len(tree.nodes) <= 2 * SLOT_BITS


def test_load_gives_the_same_secrets(tmp_path, vault):
    subject = vault.subject_id("client")
    assert vault.subject_id("client") == subject
    again = reload(tmp_path)
    assert again.find_subject("client") == subject
    assert again.find_subject("other") is None
    assert again.secret(subject, 7) == vault.secret(subject, 7)
    assert (again.origin, again.search_key) == (ORIGIN, vault.search_key)


def test_destroy_slots_and_subject_last_over_reloading(tmp_path, vault):
    one, two = vault.subject_id("one"), vault.subject_id("two")
    vault.destroy_slots([(one, 1), ("unknown", 1)])
    vault.destroy_subject(two)
    vault.destroy_subject(two)
    for opened in (vault, reload(tmp_path)):
        opened.secret(one, 2)
        for place in ((one, 1), (two, 1)):
            with pytest.raises(PayloadShreddedError):
                opened.secret(*place)
        assert opened.find_subject("two") is None


def test_file_holds_neither_names_nor_secrets(tmp_path, vault):
    subject = vault.subject_id("Jane Doe")
    data = (tmp_path / "vault").read_bytes()
    assert b"Jane" not in data
    assert subject.encode() not in data
    assert vault.search_key not in data


def test_load_with_another_passphrase_is_refused(tmp_path, vault):
    with pytest.raises(VaultError, match="passphrase"):
        reload(tmp_path, b"another")


def test_load_absent_file_is_refused(tmp_path):
    with pytest.raises(VaultError, match="readable"):
        reload(tmp_path)


def test_load_any_changed_byte_is_refused(tmp_path, vault):
    data = (tmp_path / "vault").read_bytes()
    for offset in (0, 8, 9, 30, len(data) - 1):
        changed = bytearray(data)
        changed[offset] ^= 1
        (tmp_path / "vault").write_bytes(changed)
        with pytest.raises(VaultError):
            reload(tmp_path)
    (tmp_path / "vault").write_bytes(data[:20])
    with pytest.raises(VaultError):
        reload(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        {"origin": ORIGIN, "search_key": "zz", "subjects": {}},
        {"origin": ORIGIN, "search_key": "00", "subjects": []},
        {"origin": ORIGIN, "search_key": "00", "subjects": {"a": 1}},
        {"origin": ORIGIN, "search_key": "00", "subjects": {"a": {"name": "x", "nodes": 1}}},
        {"origin": ORIGIN, "search_key": "00", "subjects": {"a": {"name": "x", "nodes": [1]}}},
        {
            "origin": ORIGIN,
            "search_key": "00",
            "subjects": {"a": {"name": "x", "nodes": [["2", ""]]}},
        },
        {"search_key": "00", "subjects": {}},
    ],
)
def test_load_other_contents_under_the_right_key_are_refused(tmp_path, vault, content):
    data = (tmp_path / "vault").read_bytes()
    head, nonce = data[:25], b"n" * 12
    sealed = vault._cipher.encrypt(nonce, json.dumps(content).encode(), head)
    assert isinstance(vault._cipher, AESGCM)
    (tmp_path / "vault").write_bytes(head + nonce + sealed)
    with pytest.raises(VaultError, match="contents"):
        reload(tmp_path)


def test_create_over_a_vault_is_refused(tmp_path, vault):
    with pytest.raises(VaultError):
        make_vault(tmp_path / "vault")


def test_new_subject_that_cannot_be_made_durable_is_not_used(tmp_path):
    class FullDisk(RealFileSystem):
        is_full = False

        def sync(self, descriptor: int) -> None:
            if self.is_full:
                raise OSError("no space")

    files = FullDisk()
    vault = Vault.create(tmp_path / "vault", origin=ORIGIN, passphrase=PASSPHRASE, files=files)
    files.is_full = True
    with pytest.raises(LogFailedError):
        vault.subject_id("client")
    assert vault.find_subject("client") is None


def test_tree_remembers_few_places(monkeypatch):
    monkeypatch.setattr("audit.vault._REMEMBERED_MAX", 2)
    tree = SecretTree({"": b"k" * 32})
    slots = [number << 20 for number in range(6)]
    first = [tree.secret(slot) for slot in slots]
    assert [tree.secret(slot) for slot in slots] == first
    assert len(tree._near) <= 2
