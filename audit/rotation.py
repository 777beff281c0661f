"""Completing a rotation of keys that a crash interrupted.

A rotation writes the key event first and the file `vkey` after it. Where a crash came between, the
event is signed and durable, so the new key is current: the file follows. SPEC.md, section 6.
"""

import os
from pathlib import Path

from audit.canonical import text_field
from audit.entry import open_entry
from audit.events import KEY_EVENT
from audit.filesystem import FileSystem, RealFileSystem, replace_file, storage_errors
from audit.keyring import Keyring
from audit.layout import VKEY, read_keyring
from audit.signed_note import Verifier
from audit.state import LogState, load_state
from audit.writer import take_lock


def finish_rotation(directory: Path, *, files: FileSystem | None = None) -> Keyring:
    """Make the file `vkey` follow the log's last entry, if that is a key event it does not name.

    Args:
        directory: A log that no writer has open.
        files: System calls.

    Returns:
        The log's keys; the current one is what `Log.open` needs.

    Raises:
        LogMissingError: The directory is not an audit log.
        LogLockedError: A writer is at work.
        LogFailedError: The disk cannot be read or written.
        CorruptLogError: Bytes were changed or lost.
        FormatError: A file is not what this version writes.
    """
    files = files or RealFileSystem()
    keyring = read_keyring(directory)
    with storage_errors(directory):
        lock = take_lock(directory)
    try:
        state, _ = load_state(directory, keyring, None)
        named = unlisted_key(state)
        if named is None:
            return keyring
        extended = keyring.extended(named, state.tree.size)
        with storage_errors(directory):
            replace_file(files, directory / VKEY, extended.text.encode())
            files.sync_directory(directory)
        return extended
    finally:
        os.close(lock)


def unlisted_key(state: LogState) -> Verifier | None:
    """Return the key that the last entry names and the file `vkey` does not.

    Raises:
        CorruptLogError: The entry's bytes were changed or lost.
        FormatError: The event names no key.
    """
    size = state.tree.size
    if not size:
        return None
    envelope = state.read_entry(size - 1).envelope
    statement = open_entry(envelope, index=size - 1, keyring=state.keyring)
    if statement.type != KEY_EVENT:
        return None
    named = Verifier.parse(text_field(statement.content or {}, "vkey", field="key event"))
    return None if named in state.keyring.verifiers else named
