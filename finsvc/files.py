"""Files that are either whole or absent, and the lock on the data directory."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from finsvc.domain.errors import StateError


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a crash leaves the old content or the new, never a part.

    Raises:
        StateError: The folder or file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StateError(f"{path}: expected a writable file, got {error.strerror}") from error


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a data directory; it is released when the process ends.

    Raises:
        StateError: Another process holds it, or the directory cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        message = f"data directory {path.parent}: expected a writable folder, got {error.strerror}"
        raise StateError(message) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = (
                f"data directory {path.parent}: expected to be the only user, "
                "got another running finsvc; stop it or set FINSVC_DATA_DIR"
            )
            raise StateError(message) from error
        yield
