"""Ed25519 keys of a log, kept in files.

The private key is a PKCS #8 PEM file, encrypted under a passphrase, that only its owner may read
(mode 0600, checked on loading); whoever can read and open it can sign in the log's name. Beside it
lies `<file>.vkey`, the C2SP verifier key, which is public and which auditors should get on another
way than with the log.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from audit.errors import FormatError, KeyFileError
from audit.filesystem import FileSystem, RealFileSystem, replace_file
from audit.signed_note import Verifier

_VKEY_SUFFIX = ".vkey"


class FileSigner:
    """An Ed25519 private key from a file."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._verifier = Verifier(name, key.public_key().public_bytes_raw())

    @classmethod
    def generate(
        cls,
        path: Path,
        *,
        name: str,
        passphrase: bytes | None,
        files: FileSystem | None = None,
    ) -> "FileSigner":
        """Make a new key and write it durably, with its verifier key beside it.

        Args:
            path: Where the private key goes; its folder exists.
            name: Key name, which is the origin of the log.
            passphrase: What the file is encrypted under; None leaves it open, for tests.
            files: System calls.

        Raises:
            KeyFileError: A file is already there: keys are never overwritten.
        """
        if path.exists():
            raise KeyFileError("key file", expected="no file yet", actual=str(path))
        files = files or RealFileSystem()
        signer = cls(name, Ed25519PrivateKey.generate())
        protection = _protection(passphrase)
        pem = signer._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
        # The public half first: a private key without a name would be of no use.
        replace_file(files, vkey_path(path), f"{signer.verifier.vkey}\n".encode())
        replace_file(files, path, pem)
        files.sync_directory(path.parent)
        return signer

    @classmethod
    def load(cls, path: Path, *, passphrase: bytes | None) -> "FileSigner":
        """Read a key made by `generate`.

        Raises:
            KeyFileError: A file is absent, open to others, under another passphrase or none, not
                Ed25519, or the two do not belong together.
        """
        try:
            mode = path.stat().st_mode & 0o777
            pem = path.read_bytes()
        except OSError as error:
            raise KeyFileError("key file", expected="a readable file", actual=str(error)) from error
        if mode & 0o077:
            raise KeyFileError("key file mode", expected="0600", actual=f"{mode:04o}")
        try:
            key = load_pem_private_key(pem, password=passphrase)
        except (ValueError, TypeError) as error:
            raise KeyFileError(
                "key file", expected="PKCS #8 PEM under its passphrase", actual=str(error)
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError("key file", expected="an Ed25519 key", actual=type(key).__name__)
        verifier = load_verifier(vkey_path(path))
        signer = cls(verifier.name, key)
        if signer.verifier != verifier:
            raise KeyFileError("vkey file", expected=signer.verifier.vkey, actual=verifier.vkey)
        return signer

    @property
    def verifier(self) -> Verifier:
        """Name and public key."""
        return self._verifier

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of a message."""
        return self._key.sign(message)


def load_verifier(path: Path) -> Verifier:
    """Read a verifier key file: one vkey and a newline.

    Raises:
        KeyFileError: The file is absent or holds something else.
    """
    try:
        text = path.read_bytes().decode()
        if not text.endswith("\n"):
            raise KeyFileError("vkey file", expected="a final newline", actual=repr(text))
        return Verifier.parse(text[:-1])
    except (OSError, ValueError, FormatError) as error:
        raise KeyFileError("vkey file", expected="one C2SP vkey", actual=str(error)) from error


def vkey_path(path: Path) -> Path:
    """Where the verifier key of a key file lies."""
    return path.with_name(path.name + _VKEY_SUFFIX)


def _protection(passphrase: bytes | None) -> KeySerializationEncryption:
    if passphrase is None:
        return NoEncryption()
    return BestAvailableEncryption(passphrase)
