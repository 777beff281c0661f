"""Where the log's keys lie: beside the data, never in the log's own folder.

`NAME` is the signing key, encrypted; `NAME.vkey` its public half; `NAME.vault` the keys of sealed
contents, encrypted; `NAME.memory` what the signer signed last; `NAME.passphrase` what the first two
are encrypted under, 256 random bits. Whoever keeps the passphrase elsewhere takes that file away
and puts it back for a start.
"""

import secrets
from pathlib import Path

from audit.errors import KeyFileError
from audit.filesystem import RealFileSystem, replace_file
from audit.keys import FileSigner
from audit.vault import WORK_RANDOM, Vault


class LogKeys:
    """The key files of one log."""

    def __init__(self, key_file: Path) -> None:
        self.key = key_file
        self.vault = key_file.with_name(key_file.name + ".vault")
        self.memory = key_file.with_name(key_file.name + ".memory")
        self._passphrase = key_file.with_name(key_file.name + ".passphrase")

    def create(self, origin: str) -> None:
        """Make keys for a new log.

        Raises:
            AuditError: Some are there already, or cannot be written.
        """
        passphrase = secrets.token_hex(32).encode()
        files = RealFileSystem()
        replace_file(files, self._passphrase, passphrase + b"\n")
        files.sync_directory(self.key.parent)
        Vault.create(self.vault, origin=origin, passphrase=passphrase, work=WORK_RANDOM)
        FileSigner.generate(self.key, name=origin, passphrase=passphrase)

    def passphrase(self) -> bytes:
        """Read the passphrase.

        Raises:
            KeyFileError: It is not there, or others can read it.
        """
        try:
            mode = self._passphrase.stat().st_mode & 0o777
            text = self._passphrase.read_bytes()
        except OSError as error:
            raise KeyFileError("passphrase", expected="a file", actual=str(error)) from error
        if mode & 0o077:
            raise KeyFileError("passphrase file mode", expected="0600", actual=f"{mode:04o}")
        return text.strip()

    def load_vault(self) -> Vault:
        """Open the keys of sealed contents.

        Raises:
            AuditError: They are damaged, or under another passphrase.
        """
        return Vault.load(self.vault, passphrase=self.passphrase())
