"""The system calls that a log's durability rests on, behind a protocol so that tests can fail each.

Rules kept by the callers: a new file is written under a temporary name, synced, renamed, and its
folder synced; a failed sync is never tried again, since the kernel may have dropped the bytes.
"""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from audit.errors import DiskFullError, DiskReadOnlyError, LogFailedError

TEMPORARY_SUFFIX = ".tmp"


# What the reason of a failed call means to whoever runs the service.
_KINDS: Mapping[int, type[LogFailedError]] = {
    errno.ENOSPC: DiskFullError,
    errno.EDQUOT: DiskFullError,
    errno.EFBIG: DiskFullError,
    errno.EROFS: DiskReadOnlyError,
    errno.EACCES: DiskReadOnlyError,
    errno.EPERM: DiskReadOnlyError,
}


class FileSystem(Protocol):
    """System calls that change a log. Each raises OSError on failure."""

    def open_new(self, path: Path) -> int:
        """Open a file for writing, emptied where it exists; return its descriptor."""

    def open_append(self, path: Path) -> int:
        """Open an existing file for appending; return its descriptor."""

    def write(self, descriptor: int, data: bytes) -> int:
        """Write some of the bytes; return how many."""

    def sync(self, descriptor: int) -> None:
        """Make a file's bytes and length durable."""

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file."""

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, replacing what stands there."""

    def unlink(self, path: Path) -> None:
        """Remove a file."""

    def sync_directory(self, path: Path) -> None:
        """Make the names in a folder durable."""

    def make_directory(self, path: Path) -> None:
        """Create a folder, where it does not exist."""


class RealFileSystem:
    """The operating system's calls."""

    def open_new(self, path: Path) -> int:
        """Open a file for writing, emptied where it exists; return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def open_append(self, path: Path) -> int:
        """Open an existing file for appending; return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def write(self, descriptor: int, data: bytes) -> int:
        """Write some of the bytes; return how many."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Make a file's bytes and length durable."""
        os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(descriptor, size)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, replacing what stands there."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def sync_directory(self, path: Path) -> None:
        """Make the names in a folder durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def make_directory(self, path: Path) -> None:
        """Create a folder, where it does not exist."""
        path.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def storage_errors(directory: Path) -> Iterator[None]:
    """Turn a failed system call into the error that the log's callers know.

    Raises:
        DiskFullError: There is no room left.
        DiskReadOnlyError: It may not be written.
        LogFailedError: In place of any other OSError.
    """
    try:
        yield
    except OSError as error:
        kind = _KINDS.get(error.errno or 0, LogFailedError)
        raise kind(directory, f"storage failed: {error}") from error


def write_all(files: FileSystem, descriptor: int, data: bytes) -> None:
    """Write all bytes, however many calls that takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[files.write(descriptor, bytes(rest)) :]


def replace_file(files: FileSystem, path: Path, data: bytes) -> None:
    """Write a file so that its name shows either the old bytes or the new ones, whole and synced.

    The caller syncs the folder where the name itself must be durable.
    """
    write_file(files, path, data, is_synced=True)


def write_file(files: FileSystem, path: Path, data: bytes, *, is_synced: bool) -> None:
    """Write a file under a temporary name and rename it.

    Args:
        files: System calls.
        path: The file.
        data: Its bytes.
        is_synced: Without, a power loss may leave a torn or empty file under the name: only for
            what can be made again.
    """
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    descriptor = files.open_new(temporary)
    try:
        write_all(files, descriptor, data)
        if is_synced:
            files.sync(descriptor)
    finally:
        files.close(descriptor)
    files.rename(temporary, path)
