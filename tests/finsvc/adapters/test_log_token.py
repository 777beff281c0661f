from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audit.signed_note import Verifier
from finsvc.adapters import log_token
from finsvc.adapters.log_keys import LogKeys
from finsvc.settings_audit import AuditSettings

ORIGIN = "finsvc.local/a"


class StandInToken:
    """Key pairs by label, as a token that forgets nothing it was not told to."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    @contextmanager
    def open_session(
        self, path: Path, *, token: str, pin: str, is_writing: bool
    ) -> Iterator["StandInToken"]:
        assert (str(path), token, pin, is_writing) == ("lib.so", "finsvc", "5678", True)
        yield self


def test_keys_are_made_in_the_token_and_destroyed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = StandInToken()

    class Signer:
        def __init__(self, session: StandInToken, *, label: str, name: str) -> None:
            self.verifier = Verifier(name, bytes([session.labels.index(label) + 1]) * 32)

    monkeypatch.setattr(log_token, "open_session", token.open_session)
    monkeypatch.setattr(log_token, "TokenSigner", Signer)
    monkeypatch.setattr(
        log_token, "generate_key_pair", lambda session, label: session.labels.append(label)
    )
    monkeypatch.setattr(
        log_token, "destroy_private_key", lambda session, label: session.labels.remove(label)
    )
    given = AuditSettings(pkcs11_module="lib.so", pkcs11_pin="5678")
    keys = LogKeys(tmp_path / "log.pem", given)
    first, second = keys.create(ORIGIN), keys.add(ORIGIN)
    assert token.labels == ["finsvc-log-a-1", "finsvc-log-a-2"]
    assert [place.verifier for place in keys.places()] == [first.verifier, second.verifier]
    assert not first.path.exists()
    keys.retire(first)
    assert token.labels == ["finsvc-log-a-2"]
    assert [place.is_private_here for place in keys.places()] == [False, True]
