"""Where keys lie, where the passphrase comes from, and keys in a token (SoftHSM, long suite)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audit.errors import AuditError, KeyFileError, SignerFailedError, WrongKeyError
from audit.keys import load_verifier
from audit.verify import verify_directory
from finsvc.adapters import log_keys
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.log_keys import LogKeys
from finsvc.services.ports import RecordKind
from finsvc.settings_audit import AuditSettings
from tests.audit.test_hsm import MODULE, softhsm
from tests.data import ROOT

__all__ = ["softhsm"]
SECRET = "0123456789abcdef" * 2


def secret_file(path: Path, text: str = SECRET, mode: int = 0o600) -> Path:
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def write(folder: Path, settings: AuditSettings | None = None) -> None:
    log = AuditLog.open(folder / "log", folder / "keys" / "log.pem", settings=settings)
    log.append(RecordKind.DECISION, "dec_1", {"answer": "yes"})
    log.close()


@pytest.mark.parametrize("is_file", [False, True])
def test_passphrase_of_the_operator_is_used_and_kept_nowhere(
    tmp_path: Path, *, is_file: bool
) -> None:
    given = AuditSettings(passphrase=SECRET)
    if is_file:
        given = AuditSettings(passphrase_file=secret_file(tmp_path / "secret"))
    write(tmp_path, given)
    assert not list((tmp_path / "keys").glob("*.passphrase"))
    for path in (tmp_path / "keys").iterdir():
        assert SECRET.encode() not in path.read_bytes()
    write(tmp_path, given)
    reader = AuditLog.read(tmp_path / "log", tmp_path / "keys" / "log.pem", settings=given)
    assert reader.find("dec_1").body["answer"] == "yes"
    for other in (AuditSettings(passphrase="f" * 32), AuditSettings()):
        with pytest.raises(AuditError):
            write(tmp_path, other)


def test_passphrase_that_is_short_or_open_to_others_is_refused(tmp_path: Path) -> None:
    for text, mode, said in (("short", 0o600, "at least 32"), (SECRET, 0o644, "0644")):
        given = AuditSettings(passphrase_file=secret_file(tmp_path / "secret", text, mode))
        with pytest.raises(KeyFileError, match=said):
            LogKeys(tmp_path / "log.pem", given).passphrase()


def test_only_numbered_keys_of_the_log_are_its_keys(tmp_path: Path) -> None:
    keys = LogKeys(tmp_path / "log.pem")
    first = keys.create("finsvc.local/a")
    second = keys.add("finsvc.local/a")
    (tmp_path / "log-old.pem.vkey").write_text("a copy\n")
    assert [place.path.name for place in keys.places()] == ["log.pem", "log-2.pem"]
    assert keys.find(second.verifier) == second
    keys.retire(first)
    assert not first.is_private_here
    with pytest.raises(WrongKeyError):
        keys.find(first.verifier)
    assert keys.add("finsvc.local/a").path.name == "log-3.pem"


def test_signer_that_cannot_be_opened_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(AuditError):
        write(tmp_path, AuditSettings(passphrase="e" * 32))
    write(tmp_path)


def test_token_without_its_settings_or_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = LogKeys(tmp_path / "log.pem")
    place = keys.create("finsvc.local/a")
    place.token_file.write_text("label\n")
    with pytest.raises(KeyFileError, match="pkcs11_module"):
        keys.open_signer(place, is_separate=True)
    given = AuditSettings(pkcs11_module=MODULE, pkcs11_pin="1")
    monkeypatch.setattr(log_keys, "_PKCS11_MODULE", "finsvc.adapters.no_such_module")
    with pytest.raises(SignerFailedError, match="python-pkcs11"):
        LogKeys(tmp_path / "log.pem", given).retire(place)


@pytest.mark.parametrize(
    "given",
    [
        {"passphrase": "x" * 31},
        {"passphrase": SECRET, "passphrase_file": "f"},
        {"pkcs11_module": "m"},
        {"pkcs11_module": "m", "pkcs11_pin": "1", "pkcs11_pin_file": "f"},
        {"tsa_url": "http://x/"},
        {"tsa_url": "file:///x", "tsa_roots": "r"},
        {"witnesses": ["http://w k"], "witness_quorum": 2},
        {"witness_require": True},
        {"witness_interval": "PT0S"},
        {"unknown": 1},
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        AuditSettings.model_validate(given)


# PKCS #11 libraries read their configuration once a process, so each step has one of its own.
STEP = """
import sys
from pathlib import Path
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.custody import Custodian
from finsvc.adapters.log_keys import LogKeys
from finsvc.services.ports import RecordKind
from finsvc.settings_audit import AuditSettings
folder, module, pin_file, act = (*map(Path, sys.argv[1:4]), sys.argv[4])
given = AuditSettings(pkcs11_module=module, pkcs11_pin_file=pin_file)
key = folder / "keys" / "log.pem"
log = AuditLog.open(folder / "log", key, is_signer_separate=True, settings=given)
log.append(RecordKind.DECISION, "dec", {"answer": "yes"})
if act != "append":
    custodian = Custodian(log.log, LogKeys(key, given), given, is_signer_separate=True)
    getattr(custodian, act)()
    log.append(RecordKind.DECISION, "dec", {"answer": "yes"})
log.close()
"""


@pytest.mark.slow
def test_keys_in_a_token_are_made_rotated_and_retired(tmp_path: Path, softhsm: str) -> None:
    pin = secret_file(tmp_path / "pin", "5678")
    for act in ("append", "rotate_key", "retire_keys", "append"):
        subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", STEP, str(tmp_path), str(MODULE), str(pin), act],
            check=True,
            cwd=ROOT,
            env=os.environ,
        )
    folder = tmp_path / "keys"
    assert not list(folder.glob("*.pem"))
    assert [path.name for path in folder.glob("*.token")] == ["log-2.pem.token"]
    report = verify_directory(tmp_path / "log", verifier=load_verifier(folder / "log.pem.vkey"))
    assert (report.ok, report.size) == (True, 7)
