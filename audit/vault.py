"""The vault: keys of sealed payloads, one tree of secrets a data subject, destroyable slot by slot.

Every slot's secret is derived from the few secrets that are kept. Destroying a slot replaces the
secrets above it by their siblings, so that it costs nothing while a record is written and at most
64 secrets once it is destroyed. Formats: SPEC.md, section 7.

The file is encrypted under a passphrase. It lies outside the log: a copy of the log must not carry
what opens it.

Source: Goldreich, Goldwasser, Micali 1986 (the tree); Boneh and Waters 2013 (puncturing it).
"""

import hashlib
import hmac
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.canonical import JsonValue, canonical_bytes, parse_json_object, text_field
from audit.errors import FormatError, PayloadShreddedError, VaultError
from audit.filesystem import FileSystem, RealFileSystem, replace_file, storage_errors

SECRET_BYTES = 32
SLOT_BITS = 64
SUBJECT_ID_BYTES = 16
# A tenth of a second a try; and what is enough for 256 random bits, which nobody tries.
WORK_HUMAN = 15
WORK_RANDOM = 10

_MAGIC = b"FSVAULT2"
_SALT_BYTES = 16
_NONCE_BYTES = 12
_HEAD_BYTES = len(_MAGIC) + 1 + _SALT_BYTES
_WORK = range(10, 21)
# 1 KiB a unit of cost: enough for the largest.
_SCRYPT_MEMORY_BYTES = (1 << 30) + (1 << 26)
# Neighbouring slots share all but this many steps from the secret that is remembered.
_NEAR_BITS = 8
_REMEMBERED_MAX = 1_024


class SecretTree:
    """The secrets of one data subject."""

    def __init__(self, nodes: Mapping[str, bytes]) -> None:
        """Take up secrets by the bits of their place, most significant first."""
        self._nodes = dict(nodes)
        self._near: dict[int, bytes] = {}

    @property
    def nodes(self) -> dict[str, bytes]:
        """What is kept."""
        return dict(self._nodes)

    def secret(self, slot: int) -> bytes | None:
        """Return a slot's secret; None where it was destroyed."""
        near = self._near.get(slot >> _NEAR_BITS)
        if near is not None:
            return _descend(near, _bits(slot)[-_NEAR_BITS:])
        found = self._find(slot)
        if found is None:
            return None
        bits = _bits(slot)
        depth, secret = len(found), self._nodes[found]
        if depth <= SLOT_BITS - _NEAR_BITS:
            secret = _descend(secret, bits[depth:-_NEAR_BITS])
            depth = SLOT_BITS - _NEAR_BITS
            if len(self._near) >= _REMEMBERED_MAX:
                self._near.clear()
            self._near[slot >> _NEAR_BITS] = secret
        return _descend(secret, bits[depth:])

    def destroy(self, slot: int) -> bool:
        """Destroy a slot; say whether it was there until now."""
        found = self._find(slot)
        self._near.clear()
        if found is None:
            return False
        secret, bits = self._nodes.pop(found), _bits(slot)
        for depth in range(len(found), SLOT_BITS):
            bit = bits[depth]
            sibling = "1" if bit == "0" else "0"
            self._nodes[bits[:depth] + sibling] = _child(secret, sibling)
            secret = _child(secret, bit)
        return True

    def _find(self, slot: int) -> str | None:
        bits = _bits(slot)
        prefixes = (bits[:depth] for depth in range(SLOT_BITS + 1))
        return next((prefix for prefix in prefixes if prefix in self._nodes), None)


class Vault:
    """Keys of a log's sealed payloads. Any number of threads may call."""

    def __init__(self, path: Path, *, passphrase: bytes, head: bytes, files: FileSystem) -> None:
        """Prepare an empty vault; use `create` or `load`."""
        self._path = path
        self._head = head
        self._cipher = AESGCM(_derive_key(passphrase, head))
        self._files = files
        self._lock = threading.RLock()
        self._names: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._trees: dict[str, SecretTree] = {}
        self._is_unsaved = False
        self.origin = ""
        self.search_key = b""

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        origin: str,
        passphrase: bytes,
        work: int = WORK_HUMAN,
        files: FileSystem | None = None,
    ) -> "Vault":
        """Make an empty vault, durably.

        Args:
            path: The file; its folder exists.
            origin: The log whose payloads it opens.
            passphrase: Never kept.
            work: Binary logarithm of the cost of trying a passphrase, 10 to 20.
            files: System calls.

        Raises:
            VaultError: A file is there already.
            LogFailedError: Storage failed.
        """
        if path.exists():
            raise VaultError("vault", expected="no file yet", actual=str(path))
        head = _MAGIC + bytes([work]) + os.urandom(_SALT_BYTES)
        vault = cls(path, passphrase=passphrase, head=head, files=files or RealFileSystem())
        vault.origin, vault.search_key = origin, os.urandom(SECRET_BYTES)
        vault._save()
        return vault

    @classmethod
    def load(cls, path: Path, *, passphrase: bytes, files: FileSystem | None = None) -> "Vault":
        """Open a vault.

        Raises:
            VaultError: It is absent or damaged, or the passphrase is another.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise VaultError("vault", expected="a readable file", actual=str(error)) from error
        head, rest = data[:_HEAD_BYTES], data[_HEAD_BYTES:]
        is_vault = head.startswith(_MAGIC) and len(rest) > _NONCE_BYTES
        if not is_vault or head[len(_MAGIC)] not in _WORK:
            raise VaultError("vault", expected="a vault file", actual=repr(head))
        vault = cls(path, passphrase=passphrase, head=head, files=files or RealFileSystem())
        try:
            plain = vault._cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head)
            vault._take(plain)
        except InvalidTag as error:
            raise VaultError(
                "vault", expected="its own passphrase and bytes", actual="others"
            ) from error
        except (FormatError, ValueError) as error:
            raise VaultError("vault", expected="a vault's contents", actual=str(error)) from error
        return vault

    def subject_id(self, name: str) -> str:
        """Return the id of a data subject; a new one is durable before this returns.

        Raises:
            LogFailedError: Storage failed.
        """
        with self._lock:
            known = self._ids.get(name)
            if known is not None:
                return known
            subject_id = os.urandom(SUBJECT_ID_BYTES).hex()
            self._add(subject_id, name, {"": os.urandom(SECRET_BYTES)})
            try:
                self._save()
            except BaseException:
                self._drop(subject_id)
                raise
            return subject_id

    def find_subject(self, name: str) -> str | None:
        """Return the id of a data subject, if it has one."""
        with self._lock:
            return self._ids.get(name)

    def secret(self, subject_id: str, slot: int) -> bytes:
        """Return the secret of a slot.

        Raises:
            PayloadShreddedError: It was destroyed, or its data subject was.
        """
        with self._lock:
            tree = self._trees.get(subject_id)
            secret = tree.secret(slot) if tree is not None else None
        if secret is None:
            raise PayloadShreddedError(
                f"slot {slot:016x} of data subject {subject_id}", expected="a key", actual="none"
            )
        return secret

    def destroy_slots(self, slots: Iterable[tuple[str, int]]) -> None:
        """Destroy the keys of some payloads, durably; repeating it does nothing.

        Args:
            slots: Id of the data subject, and slot.

        Raises:
            LogFailedError: Storage failed; they may still be readable.
        """
        with self._lock:
            trees = ((self._trees.get(subject_id), slot) for subject_id, slot in slots)
            destroyed = [tree.destroy(slot) for tree, slot in trees if tree is not None]
            # One whose file could not be written before is in memory without them.
            self._is_unsaved = self._is_unsaved or any(destroyed)
            self._save_changes()

    def destroy_subject(self, subject_id: str) -> None:
        """Destroy all keys of a data subject, durably; repeating it does nothing.

        Raises:
            LogFailedError: Storage failed; they may still be readable.
        """
        with self._lock:
            self._is_unsaved = self._is_unsaved or subject_id in self._trees
            self._drop(subject_id)
            self._save_changes()

    def _add(self, subject_id: str, name: str, nodes: Mapping[str, bytes]) -> None:
        self._names[subject_id] = name
        self._ids[name] = subject_id
        self._trees[subject_id] = SecretTree(nodes)

    def _drop(self, subject_id: str) -> None:
        self._trees.pop(subject_id, None)
        self._ids.pop(self._names.pop(subject_id, ""), None)

    def _take(self, plain: bytes) -> None:
        content = parse_json_object(plain, field="vault")
        self.origin = text_field(content, "origin", field="vault")
        self.search_key = bytes.fromhex(text_field(content, "search_key", field="vault"))
        subjects = content.get("subjects")
        if not isinstance(subjects, dict):
            raise FormatError("vault.subjects", expected="an object", actual=repr(subjects)[:40])
        for subject_id, value in subjects.items():
            self._add(subject_id, *_parse_subject(value))

    def _save_changes(self) -> None:
        if self._is_unsaved:
            self._save()
            self._is_unsaved = False

    def _save(self) -> None:
        subjects: dict[str, JsonValue] = {
            subject_id: {
                "name": self._names[subject_id],
                "nodes": [[bits, key.hex()] for bits, key in sorted(tree.nodes.items())],
            }
            for subject_id, tree in self._trees.items()
        }
        plain = canonical_bytes(
            {"origin": self.origin, "search_key": self.search_key.hex(), "subjects": subjects},
            field="vault",
        )
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, plain, self._head)
        with storage_errors(self._path.parent):
            replace_file(self._files, self._path, self._head + nonce + sealed)
            self._files.sync_directory(self._path.parent)


def _parse_subject(value: JsonValue) -> tuple[str, dict[str, bytes]]:
    if not isinstance(value, dict):
        raise FormatError("vault.subject", expected="an object", actual=repr(value)[:40])
    nodes = value.get("nodes")
    if not isinstance(nodes, list):
        raise FormatError("vault.nodes", expected="an array", actual=repr(nodes)[:40])
    secrets = {}
    for item in nodes:
        bits, key = item if isinstance(item, list) and len(item) == 2 else (None, None)
        if not isinstance(bits, str) or not isinstance(key, str) or set(bits) - set("01"):
            raise FormatError("vault.node", expected="bits and a secret", actual="something else")
        secrets[bits] = bytes.fromhex(key)
    return text_field(value, "name", field="vault"), secrets


def _derive_key(passphrase: bytes, head: bytes) -> bytes:
    return hashlib.scrypt(
        passphrase,
        salt=head[len(_MAGIC) + 1 :],
        n=1 << head[len(_MAGIC)],
        r=8,
        p=1,
        maxmem=_SCRYPT_MEMORY_BYTES,
        dklen=SECRET_BYTES,
    )


def _bits(slot: int) -> str:
    return f"{slot:0{SLOT_BITS}b}"


def _child(secret: bytes, bit: str) -> bytes:
    return hmac.digest(secret, b"\x01" if bit == "1" else b"\x00", "sha256")


def _descend(secret: bytes, bits: str) -> bytes:
    for bit in bits:
        secret = _child(secret, bit)
    return secret
