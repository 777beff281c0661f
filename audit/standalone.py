"""Stand-alone verifier of finsvc audit logs: needs Python 3.11, `cryptography`, nothing else.

    python standalone.py log DIR [--trusted NOTE_FILE]... [--tree-only]
    python standalone.py receipt FILE [--entry FILE]
    python standalone.py consistency OLD_NOTE_FILE REQUEST_FILE

Each takes `--key VKEY`, the log's public key, got on another way than the log: without it the one
found beside the data is believed. `--witness VKEY` (repeatable) and `--quorum N` demand that
witnesses of N names have cosigned the checkpoint. A receipt is JSON, a C2SP tlog-proof, or an
export, of which each record is checked with its content; REQUEST_FILE is a C2SP tlog-witness
request. Output is JSON; the exit code is 0 where all is right, 1 where something is wrong, 2 where
a file or argument cannot be read.

It shares no line with the library, so that each can find the other wrong, and follows SPEC.md,
version 2. It opens no sealed payloads, and looks at neither derived nor foreign files.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import struct
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

_EMPTY_ROOT = hashlib.sha256(b"").digest()
_NAME = r"[^\s+\x00-\x1f]+"
_VKEY = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+([^\n]+)")
_NOTE = re.compile(rf"(?s)(.*\n)\n((?:\N{{EM DASH}} {_NAME} [^ \n]+\n){{1,100}})")
_KEYRING = re.compile(r"[^ \n]+\n(?:[^ \n]+ [1-9][0-9]{0,18}\n)*")
# Kind of a key: its length. Kind of a frame: shortest and longest content.
_KEY_BYTES = {1: 32, 4: 32, 6: 1_312}
_FRAMES = {0x50: (1, 1 << 26), 0x45: (1, 65_535), 0x43: (32, 32)}
# Shapes that `_take` checks; members beyond those named are allowed, and signed like the others.
_COUNT = range(10**19)
_HEX64 = re.compile(r"[0-9a-f]{64}")
_SLOT = {"subject": re.compile(r"[0-9a-f]{32}"), "slot": re.compile(r"[0-9a-f]{16}")}
_PAYLOAD = {"encoding": re.compile("identity|zlib"), "stored_sha256": _HEX64, "size_bytes": _COUNT}
_ENVELOPE = {"payload": str, "payloadType": str, "signatures": [{"sig": str}]}
_RECEIPT = {"checkpoint": str, "index": _COUNT, "leaf_hash": _HEX64, "proof": [_HEX64]}
_CLOCK = {"utc_ns": re.compile(r"[1-9][0-9]{0,18}"), "clock": re.compile(r"ntp|free")}
_INNER = {"id": str, "log": str, "index": _COUNT, "time": {**_CLOCK, "error_us": _COUNT}}
_STATEMENT = {
    "_type": re.compile(r"https://in-toto\.io/Statement/v1"),
    "predicateType": str,
    "subject": [{"name": str, "digest": dict}],
    "predicate": {**_INNER, "attachments": [{"name": str, "payload": dict}]},
}


class WrongError(Exception):
    """Something is not as the rules say; in a log's files, a crash may have torn it."""

    def __init__(self, sentence: str, *, at: int = 0, may_be_torn: bool = False) -> None:
        super().__init__(sentence)
        self.at, self.may_be_torn = at, may_be_torn


def _need(holds: object, sentence: str, *, at: int = 0, may_be_torn: bool = False) -> None:
    if not holds:
        raise WrongError(sentence, at=at, may_be_torn=may_be_torn)


def _fits(value: object, shape: Any) -> bool:
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(_fits(value.get(k), s) for k, s in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(item, shape[0]) for item in value)
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    return type(value) is int and value in shape if shape is _COUNT else type(value) is shape


def _take(value: Any, shape: Any, what: str) -> Any:
    _need(_fits(value, shape), f"{what}: not of the form that it must have")
    return value


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError as error:
        raise WrongError(f"base64: {error}") from error
    _need(base64.b64encode(data).decode() == text, "base64 is not canonical")
    return data


def _count(text: str) -> int:
    _need(re.fullmatch(r"0|[1-9][0-9]{0,18}", text), f"no count: {text!r}")
    return int(text)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    _need(len(dict(pairs)) == len(pairs), "JSON: a name is repeated")
    return dict(pairs)


def _parse_json(data: str | bytes) -> dict[str, Any]:
    try:
        text = data if isinstance(data, str) else data.decode()
        # NaN and infinities are no JSON, nor integers.
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=int)
    except (ValueError, RecursionError) as error:
        raise WrongError(f"JSON: {error}") from error
    return dict(_take(value, dict, "JSON"))


def _leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _climb(node: int, last: int, start: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Go up as RFC 9162 does; return the hash over the left siblings alone, and over all."""
    old = new = start
    for sibling in path:
        _need(last and len(sibling) == 32, "the proof is too long, or a hash has not 32 bytes")
        if node & 1 or node == last:
            old, new = _node(sibling, old), _node(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = _node(new, sibling)
        node, last = node >> 1, last >> 1
    _need(last == 0, "the proof is too short")
    return old, new


class Key(NamedTuple):
    """A C2SP key; kind 1: a log's Ed25519, 4: a witness's Ed25519, 6: a witness's ML-DSA-44."""

    vkey: str
    name: str
    id: bytes
    kind: int
    raw: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Key":
        """Read a vkey and check its key id."""
        parts = _VKEY.fullmatch(vkey)
        name, digits, encoded = parts.groups() if parts else ("", "", "")
        data = _base64(encoded)
        _need(data and len(data) - 1 == _KEY_BYTES.get(data[0]), "no vkey")
        key_id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
        _need(key_id.hex() == digits, "the key id is not that of the key")
        return cls(vkey, name, key_id, data[0], data[1:])

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Say whether a signature is this key's."""
        kind = MLDSA44PublicKey if self.kind == 6 else Ed25519PublicKey
        try:
            kind.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return a note's text, and name, key id and bytes of each signature."""
    _need(not re.search(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]", note), "control characters in a note")
    parts = _NOTE.fullmatch(note)
    _need(parts, "the note does not end in 1 to 100 signature lines")
    body, block = parts.groups() if parts else ("", "")
    rows = [line.split(" ") for line in block[:-1].split("\n")]
    signatures = [(name, _base64(encoded)) for _, name, encoded in rows]
    _need(all(len(data) > 4 for _, data in signatures), "a signature is empty")
    return body, [(name, data[:4], data[4:]) for name, data in signatures]


class Checkpoint(NamedTuple):
    """A checkpoint; what `open` returns is signed by its log."""

    note: str
    body: str
    origin: str
    size: int
    root: bytes

    @classmethod
    def open(cls, note: str, keys: Sequence[Key]) -> "Checkpoint":
        """Read a checkpoint that one of the log's keys has signed, and none of them wrongly."""
        try:
            body, signatures = _split_note(note)
        except WrongError as error:
            raise WrongError(str(error), may_be_torn=True) from error
        names = set[str]()
        for key in keys:
            found = [data for *who, data in signatures if who == [key.name, key.id]][:1]
            is_right = all(key.has_signed(body.encode(), data) for data in found)
            _need(is_right, f"a signature of {key.name} is wrong")
            names.update(key.name for _ in found)
        _need(names, "no trusted key has signed the checkpoint")
        lines = body.split("\n")[:-1]
        _need(len(lines) >= 3 and all(lines), "a checkpoint has three lines")
        head = cls(note, body, lines[0], _count(lines[1]), _base64(lines[2]))
        _need(len(head.root) == 32 and head.origin in names, "the checkpoint is another log's")
        return head

    def check_witnesses(self, witnesses: Sequence[Key], quorum: int) -> list[dict[str, Any]]:
        """Check the cosignatures; return name and time of each, by a quorum of names."""
        found, (_, signatures) = [], _split_note(self.note)
        for key in dict.fromkeys(witnesses):
            for data in [data for *who, data in signatures if who == [key.name, key.id]]:
                time_s = int.from_bytes(data[:8])
                message = f"cosignature/v1\ntime {time_s}\n{self.body}".encode()
                if key.kind == 6:
                    name, origin = key.name.encode(), self.origin.encode()
                    message = b"subtree/v1\n\0%c%b%b" % (len(name), name, data[:8])
                    message += b"%c%b%b" % (len(origin), origin, bytes(8))
                    message += self.size.to_bytes(8) + self.root
                _need(key.has_signed(message, data[8:]), f"the cosignature of {key.name} is wrong")
                found.append({"witness": key.name, "time_s": time_s})
        num_names = len({one["witness"] for one in found})
        _need(num_names >= quorum, f"{num_names} of {quorum} trusted witnesses have signed")
        return found

    def check_inclusion(self, leaf: bytes, index: int, proof: Sequence[bytes]) -> None:
        """Check that a leaf stands at an index."""
        _need(index < self.size, f"index {index} lies beyond the checkpoint's {self.size} entries")
        root = _climb(index, self.size - 1, leaf, proof)[1]
        _need(root == self.root, "the proof does not lead to the checkpoint's root")

    def check_extends(self, old: "Checkpoint", proof: Sequence[bytes]) -> None:
        """Check that the entries begin with those of an older checkpoint."""
        _need(old.size <= self.size, f"size {old.size} is beyond {self.size}")
        if old.size in (0, self.size):
            roots = {old.root, *([self.root] if old.size == self.size else [])}
            roots |= set() if old.size else {_EMPTY_ROOT}
            _need(len(roots) == 1 and not proof, "the same tree has two roots, or there is a proof")
            return
        path = [old.root, *proof] if old.size & (old.size - 1) == 0 else list(proof)
        _need(path, "the proof is too short")
        node, last = old.size - 1, self.size - 1
        while node & 1:
            node, last = node >> 1, last >> 1
        _need(_climb(node, last, path[0], path[1:]) == (old.root, self.root), "the proof is wrong")


def _open_envelope(envelope: bytes, key: Key, origin: str, index: int) -> dict[str, Any]:
    """Check a DSSE envelope and the in-toto statement in it; return the statement."""
    outer, url_safe = _take(_parse_json(envelope), _ENVELOPE, "envelope"), str.maketrans("-_", "+/")
    body, kind = _base64(outer["payload"].translate(url_safe)), outer["payloadType"].encode()
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)
    signatures = [_base64(one["sig"].translate(url_safe)) for one in outer["signatures"]]
    _need(any(key.has_signed(message, one) for one in signatures), "not by the current key")
    _need(kind == b"application/vnd.in-toto+json", "the envelope holds no in-toto statement")
    statement = dict(_take(_parse_json(body), _STATEMENT, "statement"))
    inner = statement["predicate"]
    _need(inner["log"] == origin, f"the entry was made for log {inner['log']}")
    _need(inner["index"] == index, f"it was made for index {inner['index']}")
    for digest in (item["digest"] for item in statement["subject"]):
        _take(digest.get("hmac-sha256", digest.get("sha256")), str, "the digest of a subject")
    content = [inner[name] for name in ("content", "content_ref") if name in inner]
    _need(_fits(content, [dict]) and len(content) == 1, "not just content or content_ref")
    for payload in _payloads(inner):
        digest = payload.get("commitment" if "key" in payload else "sha256")
        is_right = _fits(payload, _PAYLOAD) and _fits(digest, _HEX64)
        _need(
            is_right and _fits(payload.get("key", {}), _SLOT if "key" in payload else {}),
            "no payload",
        )
    return statement


def _payloads(inner: dict[str, Any]) -> list[dict[str, Any]]:
    attached = {one["name"]: one["payload"] for one in inner["attachments"]}
    return (
        [inner["content_ref"], *attached.values()]
        if "content_ref" in inner
        else [*attached.values()]
    )


def _check_payload(payload: dict[str, Any], frames: Sequence[bytes]) -> None:
    """Check the stored bytes, and the content where it is not sealed."""
    stored, size = payload["stored_sha256"], payload["size_bytes"]
    found = [data for data in frames if hashlib.sha256(data).hexdigest() == stored]
    _need(found, f"payload {stored} is missing or changed")
    if "key" not in payload:
        content = found[0]
        try:
            if payload["encoding"] == "zlib":
                content = zlib.decompressobj().decompress(content, size + 1)
        except zlib.error as error:
            raise WrongError(f"payload {stored}: {error}") from error
        digest = hashlib.sha256(content).hexdigest()
        _need((len(content), digest) == (size, payload["sha256"]), f"payload {stored}: another")


class Log:
    """One verification of a log's directory; findings are (first bad index, sentence)."""

    def __init__(self, directory: Path, *, tree_only: bool) -> None:
        self.problems: list[tuple[int | None, str]] = []
        self.warnings: list[tuple[int | None, str]] = []
        self.sealed = self.seen = self.num_shredded = self._last_utc_ns = 0
        self._directory, self._tree_only, self._has_bad_entry = directory, tree_only, False
        # Keys by the index from which each is current, and what key events say of them.
        self._keys, self._named = dict[int, Key](), dict[int, str]()
        # Roots of all sealed sizes; no checkpoint is ever made of another size.
        self._peaks, self._roots = list[bytes](), {0: _EMPTY_ROOT}
        self._gone, self._lost = set[str](), list[tuple[int, dict[str, Any], str]]()

    def run(self, key: Key | None, trusted: Sequence[tuple[str, str]]) -> Checkpoint | None:
        """Check everything; return the published checkpoint where its signature is right."""
        try:
            self._read_keys(key)
        except WrongError as error:
            self.problems.append((0, str(error)))
            self._keys = {0: key} if key else {}
        if not self._keys:
            return None
        closed, note, head = self._was_closed(), self._read("checkpoint"), None
        try:
            head = Checkpoint.open(note, [*self._keys.values()])
            Checkpoint.open(note, [self._key_at(max(head.size - n, 0)) for n in (0, 1)])
        except WrongError as error:
            is_torn = error.may_be_torn and not closed
            (self.warnings if is_torn else self.problems).append((0, f"checkpoint: {error}"))
        stamps = sorted((self._directory / "timestamps").glob("*.note"))
        heads = [("checkpoint", head)] if head else []
        for name, text in [*trusted, *((p.name, p.read_text(errors="replace")) for p in stamps)]:
            try:
                heads.append((name, Checkpoint.open(text, [*self._keys.values()])))
            except WrongError as error:
                self.problems.append((None, f"{name}: {error}"))
        damage = self._scan()
        # A writer may have begun or published meanwhile.
        closed = closed and self._was_closed() and (not head or self._read("checkpoint") == note)
        self._check_tail(damage, head.size if head else self.sealed, closed)
        for index in sorted({*self._keys, *self._named} - {0}):
            listed = self._keys[index].vkey if index in self._keys else None
            is_late = index == self.sealed and not listed and not closed
            if listed != self._named.get(index) and not is_late:
                self.problems.append((index, "vkey: not the key that an entry names"))
        for index, payload, sentence in self._lost:
            slot = payload.get("key", {"subject": "", "slot": ""})
            is_gone = self._gone.intersection((slot["subject"], slot["subject"] + slot["slot"]))
            self.num_shredded += bool(is_gone)
            self.problems += [] if is_gone else [(index, sentence)]
        for name, one in heads:
            if one.size > self.sealed and one is not head:
                self.problems.append((self.sealed, f"{name} covers {one.size} entries"))
            if not self.problems and self._roots.get(one.size) != one.root:
                self.problems.append((0, f"{name}: the first {one.size} entries are others"))
        return head

    def _read(self, name: str) -> str:
        try:
            return (self._directory / name).read_bytes().decode()
        except (OSError, ValueError):
            return ""

    def _was_closed(self) -> bool:
        path = self._directory / "lock"
        mark = path.read_bytes() if path.exists() else b""
        if mark not in (b"", b"W", b"\0"):
            self.problems.append((None, f"lock: it holds {mark[:80]!r}"))
        return mark not in (b"W", b"\0")

    def _key_at(self, index: int) -> Key:
        return self._keys[max(first for first in self._keys if first <= index)]

    def _read_keys(self, trusted: Key | None) -> None:
        text = self._read("vkey")
        _need(_KEYRING.fullmatch(text), "vkey: not a list of keys")
        rows = [line.partition(" ") for line in text[:-1].split("\n")]
        firsts, keys = [int(row[2] or 0) for row in rows], [Key.parse(row[0]) for row in rows]
        is_right = firsts == sorted({*firsts}) and len({*keys}) == len(keys)
        is_right = is_right and {(key.name, key.kind) for key in keys} == {(keys[0].name, 1)}
        _need(is_right, "vkey: keys or indices that cannot be one log's")
        head = f"finsvc-audit-log/v2\n{keys[0].name}\n"
        _need(self._read("format") == head, "format: another version or log")
        _need(trusted in (None, *keys), "vkey: the trusted key is not among them")
        self._keys = dict(zip(firsts, keys, strict=True))

    def _scan(self) -> WrongError | None:
        """Read all segments up to the first damage, and return that."""
        paths = sorted((self._directory / "segments").glob(f"{'[0-9]' * 12}.seg"))
        try:
            _need(paths, "no segment")
            for path in paths:
                self._scan_segment(path, is_last=path == paths[-1])
        except WrongError as error:
            return error
        return None

    def _scan_segment(self, path: Path, *, is_last: bool) -> None:
        data, fields = path.read_bytes(), b"FSVAUDT2" + self.seen.to_bytes(8)
        is_right = path.stem == f"{self.seen:012d}"
        is_right = is_right and data[:20] == fields + zlib.crc32(fields).to_bytes(4)
        _need(is_right, f"{path.name}: name or header do not belong here", at=self.seen)
        offset, leaves, payloads = 20, list[bytes](), list[bytes]()
        while offset < len(data):
            head = data[offset : offset + 17].ljust(17, b"\0")
            kind, length, index, checksum = struct.unpack(">BIQI", head)
            shortest, longest = _FRAMES.get(kind, (1, 0))
            content = data[offset + 17 : offset + 17 + min(length, longest)]
            is_right = len(content) == length >= shortest
            is_right = is_right and checksum == zlib.crc32(content, zlib.crc32(head[:13]))
            sentence = f"{path.name}: a frame is damaged"
            _need(is_right, sentence, at=self.seen, may_be_torn=is_last)
            is_right = index == self.seen and (kind != 0x43 or not payloads)
            _need(is_right, f"{path.name}: a frame that does not belong here", at=self.seen)
            offset += 17 + length
            if kind == 0x50:
                payloads.append(content)
            elif kind == 0x45:
                if not self._tree_only:
                    self._check_entry(index, content, payloads)
                leaves.append(_leaf(content))
                payloads, self.seen = [], self.seen + 1
            else:
                self._seal(leaves, content, path.name)
                leaves = []
        _need(not payloads, "payloads without entry", at=self.seen, may_be_torn=is_last)
        _need(is_last or not leaves, f"{path.name} does not end in a seal", at=self.sealed)

    def _seal(self, leaves: Sequence[bytes], expected: bytes, name: str) -> None:
        """Take leaves into the tree, of which the complete subtrees are kept."""
        size = self.sealed
        for leaf in leaves:
            node, rest = leaf, size
            while rest & 1:
                node, rest = _node(self._peaks.pop(), node), rest >> 1
            self._peaks.append(node)
            size += 1
        root = self._peaks[-1] if self._peaks else _EMPTY_ROOT
        for peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        _need(root == expected, f"{name}: a sealed root is wrong", at=self.sealed)
        self.sealed, self._roots[size] = size, root

    def _check_entry(self, index: int, envelope: bytes, frames: list[bytes]) -> None:
        try:
            key = self._key_at(index)
            statement = _open_envelope(envelope, key, key.name, index)
            self._take_event(index, statement)
        except WrongError as error:
            self._has_bad_entry = True
            self.problems.append((index, str(error)))
            return
        inner, payloads = statement["predicate"], _payloads(statement["predicate"])
        utc_ns = int(inner["time"]["utc_ns"])
        if utc_ns < self._last_utc_ns and statement["predicateType"] != "urn:finsvc:audit:clock:v1":
            self.problems.append((index, "it is earlier than the entry before"))
        self._last_utc_ns = utc_ns
        for payload in payloads:
            try:
                _check_payload(payload, frames)
            except WrongError as error:
                self._lost.append((index, payload, str(error)))
        if len(frames) > len(payloads):
            self.problems.append((index, "a payload that no entry refers to"))

    def _take_event(self, index: int, statement: dict[str, Any]) -> None:
        content, event = statement["predicate"].get("content", {}), statement["predicateType"]
        if event == "urn:finsvc:audit:key:v1":
            self._named[index + 1] = str(content.get("vkey"))
        elif event == "urn:finsvc:audit:shredding:v1" and "subject" in content:
            self._gone.add(_take(content["subject"], str, "a data subject"))
        elif event == "urn:finsvc:audit:shredding:v1":
            slots = _take(content.get("keys"), [_SLOT], "the keys that were destroyed")
            self._gone.update(slot["subject"] + slot["slot"] for slot in slots)

    def _check_tail(self, damage: WrongError | None, published: int, closed: bool) -> None:
        has_tail = damage is not None or self.seen > self.sealed
        may_be_torn = (damage is None or damage.may_be_torn) and not closed
        index, sentence = self.sealed, "from here on entries are missing or not sealed"
        if self.sealed < published or (has_tail and not may_be_torn):
            if damage is not None:
                index, sentence = damage.at if damage.at < max(published, 1) else index, str(damage)
        elif closed and self.sealed > published:
            index, sentence = published, "the checkpoint is older than the sealed entries"
        else:
            if has_tail or self.sealed > published:
                self.warnings.append((published, "what follows is not yet published"))
            return
        if not self._has_bad_entry:
            self.problems.append((index, sentence))


def _check_receipt(text: str, key: Key, entry: bytes | None) -> Checkpoint:
    """Check a tlog-proof, a receipt in JSON, or a record of an export; return its checkpoint."""
    outer = {} if text.startswith("c2sp.org/tlog-proof@v1\n") else _parse_json(text)
    if not outer:
        top, _, note = text.partition("\n\n")
        lines = [line for line in top.split("\n")[1:] if not line.startswith("extra ")]
        _need(entry and lines and lines[0].startswith("index "), "its index or --entry is missing")
        index, proof = _count(lines[0][6:]), [_base64(one) for one in lines[1:]]
        leaf = _leaf(entry or b"")
    else:
        inner = _take(outer.get("receipt", outer), _RECEIPT, "the receipt")
        note, index, leaf = inner["checkpoint"], inner["index"], bytes.fromhex(inner["leaf_hash"])
        proof = [bytes.fromhex(one) for one in inner["proof"]]
        entry = _base64(_take(outer["envelope"], str, "envelope")) if "envelope" in outer else entry
    head = Checkpoint.open(note, [key])
    _need(entry is None or leaf == _leaf(entry), "the entry is not that of the receipt")
    head.check_inclusion(leaf, index, proof)
    if entry is not None:
        statement = _open_envelope(entry, key, head.origin, index)
        if text.startswith('{"content":{'):
            _check_content(text, outer, statement["predicate"])
    return head


def _check_content(line: str, record: dict[str, Any], inner: dict[str, Any]) -> None:
    """Check the content in a record of an export, which is canonical JSON like what was signed."""
    reference, start = inner.get("content_ref", {}), len('{"content":')
    content = line[start : json.JSONDecoder().raw_decode(line, start)[1]].encode()
    commitment = hashlib.sha256(content).hexdigest()
    if "key" in reference:
        opening = bytes.fromhex(_take(record.get("opening"), _HEX64, "the opening"))
        commitment = hmac.digest(opening, content, "sha256").hex()
    is_right = commitment == reference.get("commitment" if "key" in reference else "sha256")
    _need(is_right or inner.get("content") == record["content"], "the content is another")


def _run_log(options: argparse.Namespace) -> dict[str, Any]:
    log = Log(options.paths[0], tree_only=options.tree_only)
    head = log.run(options.key, [(str(path), path.read_text()) for path in options.trusted])
    found: list[dict[str, Any]] = []
    try:
        found = head.check_witnesses(options.witness, options.quorum) if head else []
    except WrongError as error:
        log.problems.append((None, f"checkpoint: {error}"))
    return {
        "first_bad_index": min((n for n, _ in log.problems if n is not None), default=None),
        "problems": log.problems,
        "root": head.root.hex() if head else None,
        "shredded": log.num_shredded,
        "size": log.seen,
        "warnings": log.warnings,
        "witnesses": found,
    }


def _run_proofs(options: argparse.Namespace) -> dict[str, Any]:
    """Check a receipt, all records of an export, or a proof of consistency."""
    text, key, done = options.paths[0].read_text(), options.key, ""
    # Only a document that is written over several lines begins with a line of its brace alone.
    lines = text.splitlines() if text.startswith('{"') else [text]
    try:
        if options.what == "consistency":
            _need(key and len(options.paths) == 2, "consistency needs --key and two files")
            top, _, note = options.paths[1].read_text().partition("\n\n")
            old, head, lines = Checkpoint.open(text, [key]), Checkpoint.open(note, [key]), []
            size, *proof = top.split("\n")
            _need(size == f"old {old.size}", "the request is for another old size")
            head.check_extends(old, [_base64(one) for one in proof])
        entry = options.entry.read_bytes() if options.entry else None
        for number, line in enumerate(lines):
            done = f"line {number + 1}: "
            outer = _parse_json(line) if line.startswith("{") else {}
            key = key or Key.parse(_take(outer.get("vkey"), str, "vkey"))
            # The first line of an export names the log and its checkpoint.
            if "origin" in outer:
                head = Checkpoint.open(_take(outer.get("checkpoint"), str, "checkpoint"), [key])
            else:
                head = _check_receipt(line, key, entry)
        found = head.check_witnesses(options.witness, options.quorum)
    except WrongError as error:
        return {"problems": [(None, f"{done}{error}")]}
    return {"problems": [], "size": head.size, "lines": len(lines), "witnesses": found}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("what", choices=("log", "receipt", "consistency"))
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--key", type=Key.parse)
    parser.add_argument("--entry", type=Path)
    parser.add_argument("--trusted", type=Path, action="append", default=[])
    parser.add_argument("--tree-only", action="store_true")
    parser.add_argument("--witness", type=Key.parse, action="append", default=[])
    parser.add_argument("--quorum", type=int, default=0)
    try:
        options = parser.parse_args(arguments)
        outcome = _run_log(options) if options.what == "log" else _run_proofs(options)
    except (OSError, UnicodeDecodeError, WrongError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    outcome |= {"ok": not outcome["problems"], "is_key_trusted": options.key is not None}
    sys.stdout.write(json.dumps(outcome, indent=1, sort_keys=True) + "\n")
    return 0 if outcome["ok"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
