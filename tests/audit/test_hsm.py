"""The signer on a PKCS #11 token: against a stand-in always, against SoftHSM in the long suite."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pkcs11
import pytest

from audit.errors import FormatError, SignerFailedError
from audit.hsm import (
    TokenSigner,
    destroy_private_key,
    generate_key_pair,
    make_token_signer,
    open_session,
)
from audit.log import Log
from audit.signer_process import SignerProcess, TokenConfig
from tests.audit.support import ORIGIN, make_record, make_signer, options

SIGNER = make_signer()
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


class StandInKey(dict):
    def sign(self, message: bytes, mechanism: object) -> bytes:
        if self.get("broken"):
            raise pkcs11.GeneralError
        return SIGNER.sign(message)


class StandInSession:
    def __init__(self, *, is_broken: bool = False) -> None:
        self.is_broken = is_broken
        self.made: list[str] = []

    def get_key(self, *, object_class: object, key_type: object, label: str) -> StandInKey:
        if label != "log":
            raise pkcs11.NoSuchKey
        point = b"\x04\x20" + SIGNER.verifier.public_key
        return StandInKey({pkcs11.Attribute.EC_POINT: point, "broken": self.is_broken})

    def create_domain_parameters(self, *_: object, **__: object) -> "StandInSession":
        if self.is_broken:
            raise pkcs11.MechanismInvalid
        return self

    def generate_keypair(self, *, mechanism: object, label: str, store: bool) -> None:
        self.made.append(label)


def test_token_signer_signs_with_the_key_of_its_label():
    signer = TokenSigner(StandInSession(), label="log", name=ORIGIN)
    assert signer.verifier == SIGNER.verifier
    assert signer.verifier.is_valid(b"message", signer.sign(b"message"))


def test_token_signer_without_its_key_is_refused():
    with pytest.raises(SignerFailedError, match="other"):
        TokenSigner(StandInSession(), label="other", name=ORIGIN)


def test_token_that_fails_is_an_error():
    broken = StandInSession(is_broken=True)
    with pytest.raises(SignerFailedError, match="signature"):
        TokenSigner(broken, label="log", name=ORIGIN).sign(b"x")
    with pytest.raises(SignerFailedError, match="key pair"):
        generate_key_pair(broken, label="log")


def test_generate_key_pair_makes_one():
    session = StandInSession()
    generate_key_pair(session, label="log")
    assert session.made == ["log"]


def test_open_session_without_the_library_is_refused(tmp_path):
    with pytest.raises(SignerFailedError):
        open_session(tmp_path / "none.so", token="t", pin="1", is_writing=False)


def test_make_token_signer_opens_what_the_message_names(monkeypatch):
    class Library:
        def get_token(self, *, token_label: str) -> "Library":
            assert token_label == "finsvc"
            return self

        def open(self, *, user_pin: str, rw: bool) -> StandInSession:
            assert (user_pin, rw) == ("5678", False)
            return StandInSession()

    monkeypatch.setattr(pkcs11, "lib", lambda _: Library())
    config = {"module_path": "m", "token": "finsvc", "pin": "5678", "label": "log", "name": ORIGIN}
    assert make_token_signer(config).verifier == SIGNER.verifier
    with pytest.raises(FormatError):
        make_token_signer({})


class KeyInToken(StandInKey):
    def destroy(self) -> None:
        if self.get("broken"):
            raise pkcs11.GeneralError
        self["gone"] = True


class OneKeySession:
    def __init__(self, key: KeyInToken | None) -> None:
        self.key = key

    def get_key(self, **_: object) -> KeyInToken:
        if self.key is None:
            raise pkcs11.NoSuchKey
        return self.key


def test_private_key_is_destroyed_once_and_its_absence_is_no_error():
    key = KeyInToken()
    destroy_private_key(OneKeySession(key), label="log")
    assert key["gone"]
    destroy_private_key(OneKeySession(None), label="log")
    with pytest.raises(SignerFailedError):
        destroy_private_key(OneKeySession(KeyInToken(broken=True)), label="log")


def test_token_config_says_everything_but_a_key_file(tmp_path):
    config = TokenConfig(
        module_path=MODULE, token="t", pin="1", label="l", name="n", memory=tmp_path / "m"
    )
    assert "audit.hsm" in config.program
    assert set(config.to_json()) == {"module_path", "token", "pin", "label", "name", "memory"}


@pytest.fixture
def softhsm(tmp_path, monkeypatch) -> str:
    """A fresh SoftHSM token; in CI the package is installed where it is missing."""
    if shutil.which("softhsm2-util") is None:
        if os.environ.get("CI") != "true":
            pytest.skip("SoftHSM is not installed: apt-get install softhsm2")
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "softhsm2"]):
            subprocess.run(["apt-get", *arguments], check=True, capture_output=True)  # noqa: S603, S607
    (tmp_path / "tokens").mkdir()
    (tmp_path / "conf").write_text(
        f"directories.tokendir = {tmp_path / 'tokens'}\nobjectstore.backend = file\n"
    )
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "conf"))
    command = "softhsm2-util --init-token --free --label finsvc --so-pin 1234 --pin 5678"
    subprocess.run(command.split(), check=True, capture_output=True)  # noqa: S603
    return "finsvc"


MAKE_KEY = """
import sys
from dataclasses import replace
from pathlib import Path
from audit.hsm import generate_key_pair, open_session
session = open_session(Path(sys.argv[1]), token=sys.argv[2], pin="5678", is_writing=True)
generate_key_pair(session, label="log")
"""


@pytest.mark.slow
def test_log_signed_by_softhsm_verifies_and_its_signer_refuses_to_go_back(tmp_path, softhsm):
    subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", MAKE_KEY, str(MODULE), softhsm],
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    config = TokenConfig(
        module_path=MODULE,
        token=softhsm,
        pin="5678",
        label="log",
        name=ORIGIN,
        memory=tmp_path / "memory",
    )
    log = Log.create(
        tmp_path / "log", origin=ORIGIN, signer=SignerProcess(config), options=options()
    )
    receipts = [log.append(make_record(number)) for number in range(5)]
    key = log.verifier
    assert log.verify().ok
    log.close()
    for receipt in receipts:
        receipt.verify([key])
    with Log.open(tmp_path / "log", signer=SignerProcess(config), options=options()) as log:
        assert log.append(make_record(5)).index == 5
    with pytest.raises(SignerFailedError, match="Pin"):
        SignerProcess(replace(config, pin="0000"))
