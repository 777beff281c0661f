from pathlib import Path

import pytest

from finsvc.adapters.identities import LocalIdentities
from finsvc.domain.errors import StateError
from finsvc.domain.policy import Principal

ANA = Principal(id="ana", roles=frozenset({"analyst", "book:sample"}))
BOB = Principal(id="bob", roles=frozenset())


def test_key_is_stored_as_a_hash_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "identities.json"
    identities = LocalIdentities(path)
    assert identities.is_empty
    first, second = identities.create(ANA), identities.create(BOB)
    assert first not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    again = LocalIdentities(path)
    assert not again.is_empty
    assert again.authenticate(first) == ANA
    assert again.authenticate(second) == BOB


@pytest.mark.parametrize("key", ["", "fsk_", "fsk_" + "a" * 43, "\u00fc"])
def test_unknown_key_is_nobody(key: str, tmp_path: Path) -> None:
    identities = LocalIdentities(tmp_path / "identities.json")
    identities.create(ANA)
    assert identities.authenticate(key) is None


def test_session_key_is_never_stored(tmp_path: Path) -> None:
    path = tmp_path / "identities.json"
    identities = LocalIdentities(path)
    key = identities.create_session(ANA)
    assert identities.authenticate(key) == ANA
    assert identities.is_empty
    assert not path.exists()
    identities.create(BOB)
    assert LocalIdentities(path).authenticate(key) is None


@pytest.mark.parametrize("text", ["", "{", "[{}]", '{"a": 1}', '[{"key_hash": "x", "id": "y"}]'])
def test_damaged_file_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "identities.json"
    path.write_text(text)
    with pytest.raises(StateError, match=r"identities\.json: expected a list of identities"):
        LocalIdentities(path)
