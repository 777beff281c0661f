"""Where the log's keys lie: beside the data, never in the log's own folder.

`NAME` is the first signing key, encrypted; later ones are numbered, `NAME-2` and so on. Beside each
lie `….vkey`, its public half, and `….memory`, what the signer signed last under it. A key in a
PKCS #11 token has `….token` with its label instead of a key file. `NAME.vault` holds the keys of
sealed contents, encrypted; `NAME.passphrase` is what key files and vault are encrypted under, 256
random bits, unless the operator gives a passphrase on another way. Which key is current the log
itself says, so a crash between any two steps of a rotation leaves nothing undecided.
"""

import re
import secrets
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from audit.errors import KeyFileError, SignerFailedError, WrongKeyError
from audit.filesystem import RealFileSystem, replace_file
from audit.keys import FileSigner, load_verifier, vkey_path
from audit.signed_note import Verifier
from audit.signer_process import SignerConfig, SignerProcess, TokenConfig
from audit.signing import DirectSigner, LogSigner, SignerMemory
from audit.vault import WORK_RANDOM, Vault
from finsvc.settings_audit import PASSPHRASE_CHARACTERS_MIN, AuditSettings

_PKCS11_MODULE = "finsvc.adapters.log_token"
_LABEL_SUFFIX = ".token"
_VKEY_SUFFIX = ".vkey"


class KeyToken(Protocol):
    """A PKCS #11 token."""

    def make_key(self, label: str, *, origin: str) -> Verifier:
        """Make a key pair and return its public half."""

    def destroy_key(self, label: str) -> None:
        """Destroy the private half of a key pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlace:
    """One signing key.

    Attributes:
        path: The key file, or where it would be if it were not in a token.
        verifier: The public half.
    """

    path: Path
    verifier: Verifier

    @property
    def memory(self) -> Path:
        """File of what was signed last under it."""
        return self.path.with_name(self.path.name + ".memory")

    @property
    def token_file(self) -> Path:
        """File with the label of a key in a token."""
        return self.path.with_name(self.path.name + _LABEL_SUFFIX)

    @property
    def is_private_here(self) -> bool:
        """Whether it can still sign."""
        return self.path.exists() or self.token_file.exists()


class LogKeys:
    """The keys of one log."""

    def __init__(self, key_file: Path, settings: AuditSettings | None = None) -> None:
        """Name the first key file; nothing is read yet.

        Args:
            key_file: The other files lie beside it.
            settings: Say where passphrase and token are.
        """
        self.key = key_file
        self.vault = key_file.with_name(key_file.name + ".vault")
        self._settings = settings or AuditSettings()
        self._passphrase = key_file.with_name(key_file.name + ".passphrase")

    @property
    def exist(self) -> bool:
        """Whether any signing key was made."""
        return vkey_path(self.key).exists()

    def create(self, origin: str) -> KeyPlace:
        """Make keys for a new log and return the signing key.

        Raises:
            AuditError: Some are there already, or cannot be written.
        """
        settings = self._settings
        if settings.passphrase is None and settings.passphrase_file is None:
            files = RealFileSystem()
            replace_file(files, self._passphrase, secrets.token_hex(32).encode() + b"\n")
            files.sync_directory(self.key.parent)
        passphrase = self.passphrase()
        Vault.create(self.vault, origin=origin, passphrase=passphrase, work=WORK_RANDOM)
        return self._generate(self.key, origin)

    def add(self, origin: str) -> KeyPlace:
        """Make a further signing key, in the token where there is one.

        Raises:
            AuditError: It cannot be made.
        """
        numbers = [_number(place.path) for place in self.places()]
        return self._generate(_numbered(self.key, max(numbers, default=1) + 1), origin)

    def places(self) -> list[KeyPlace]:
        """All signing keys that there ever were, oldest first.

        Raises:
            KeyFileError: A public half is damaged.
        """
        pattern = f"{self.key.stem}*{self.key.suffix}{_VKEY_SUFFIX}"
        found = []
        for path in self.key.parent.glob(pattern):
            key = path.with_name(path.name.removesuffix(_VKEY_SUFFIX))
            if key == self.key or _numbered(self.key, _number(key)) == key:
                found.append(KeyPlace(path=key, verifier=load_verifier(path)))
        return sorted(found, key=lambda place: _number(place.path))

    def find(self, verifier: Verifier) -> KeyPlace:
        """The place of a key.

        Raises:
            WrongKeyError: It is none of these, or its private half is gone.
        """
        for place in self.places():
            if place.verifier == verifier and place.is_private_here:
                return place
        raise WrongKeyError("key file", expected=f"that of {verifier.vkey}", actual="none")

    def open_signer(self, place: KeyPlace, *, is_separate: bool) -> LogSigner:
        """Open a key for signing.

        Args:
            place: The key.
            is_separate: Whether a process of its own holds it; a key in a token always has one.

        Raises:
            AuditError: It cannot be opened.
        """
        if place.token_file.exists():
            return SignerProcess(
                TokenConfig(
                    module_path=self._module(),
                    token=self._settings.pkcs11_token,
                    pin=self._pin(),
                    label=place.token_file.read_text().strip(),
                    name=place.verifier.name,
                    memory=place.memory,
                )
            )
        passphrase = self.passphrase()
        if is_separate:
            config = SignerConfig(key=place.path, memory=place.memory, passphrase=passphrase)
            return SignerProcess(config)
        signer = FileSigner.load(place.path, passphrase=passphrase)
        return DirectSigner(signer, SignerMemory(place.memory))

    def retire(self, place: KeyPlace) -> None:
        """Destroy the private half of a key; its public half stays, to verify what it signed.

        Raises:
            AuditError: The token cannot.
            OSError: The file cannot be removed.
        """
        if place.token_file.exists():
            self._token().destroy_key(place.token_file.read_text().strip())
            place.token_file.unlink()
        place.path.unlink(missing_ok=True)
        RealFileSystem().sync_directory(place.path.parent)

    def passphrase(self) -> bytes:
        """Read the passphrase.

        Raises:
            KeyFileError: It is not there, too short, or others can read it.
        """
        if self._settings.passphrase is not None:
            return self._settings.passphrase.get_secret_value().encode()
        text = _read_secret("passphrase", self._settings.passphrase_file or self._passphrase)
        if len(text) < PASSPHRASE_CHARACTERS_MIN:
            raise KeyFileError(
                "passphrase",
                expected=f"at least {PASSPHRASE_CHARACTERS_MIN} characters",
                actual=str(len(text)),
            )
        return text

    def load_vault(self) -> Vault:
        """Open the keys of sealed contents.

        Raises:
            AuditError: They are damaged, or under another passphrase.
        """
        return Vault.load(self.vault, passphrase=self.passphrase())

    def _generate(self, path: Path, origin: str) -> KeyPlace:
        if self._settings.pkcs11_module is None:
            signer = FileSigner.generate(path, name=origin, passphrase=self.passphrase())
            return KeyPlace(path=path, verifier=signer.verifier)
        # One token may hold the keys of several logs.
        label = f"{self._settings.pkcs11_label}-{origin.rsplit('/', 1)[-1]}-{_number(path)}"
        verifier = self._token().make_key(label, origin=origin)
        place, files = KeyPlace(path=path, verifier=verifier), RealFileSystem()
        replace_file(files, place.token_file, f"{label}\n".encode())
        replace_file(files, vkey_path(path), f"{verifier.vkey}\n".encode())
        files.sync_directory(path.parent)
        return place

    def _module(self) -> Path:
        if self._settings.pkcs11_module is None:
            raise KeyFileError("pkcs11_module", expected="the token's library", actual="none")
        return self._settings.pkcs11_module

    def _token(self) -> KeyToken:
        try:
            module = import_module(_PKCS11_MODULE)
        except ModuleNotFoundError as error:
            raise SignerFailedError(
                "pkcs11", expected="the package python-pkcs11", actual="none installed"
            ) from error
        token: KeyToken = module.Token(
            self._module(), name=self._settings.pkcs11_token, pin=self._pin()
        )
        return token

    def _pin(self) -> str:
        if self._settings.pkcs11_pin is not None:
            return self._settings.pkcs11_pin.get_secret_value()
        if self._settings.pkcs11_pin_file is None:
            raise KeyFileError("pkcs11_pin", expected="a PIN", actual="none")
        return _read_secret("pkcs11_pin_file", self._settings.pkcs11_pin_file).decode()


def _numbered(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def _number(path: Path) -> int:
    found = re.search(r"-([0-9]+)$", path.stem)
    return int(found[1]) if found else 1


def _read_secret(field: str, path: Path) -> bytes:
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_bytes()
    except OSError as error:
        raise KeyFileError(field, expected="a file", actual=str(error)) from error
    if mode & 0o077:
        raise KeyFileError(f"{field} file mode", expected="0600", actual=f"{mode:04o}")
    return text.strip()
