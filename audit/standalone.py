"""Stand-alone verifier of finsvc audit logs: needs Python 3.11, `cryptography`, nothing else.

    python standalone.py log DIR [--trusted NOTE_FILE]... [--tree-only]
    python standalone.py receipt FILE [--entry FILE]
    python standalone.py consistency OLD_NOTE_FILE REQUEST_FILE

Each takes `--key VKEY`, the log's public key, got on another way than the log: without it the one
found beside the data is believed. `--witness VKEY` (repeatable) and `--quorum N` demand witnesses'
cosignatures of the checkpoint. A receipt is JSON, a C2SP tlog-proof, or an export, of which each
record is checked with its content; REQUEST_FILE is a C2SP tlog-witness request (old size, proof,
new checkpoint). Output is JSON; the exit code is 0 where all is right, 1 where something is wrong,
2 where a file or argument cannot be read.

It shares no line with the library, so that each can find the other wrong, and follows SPEC.md,
version 2. It opens no sealed payloads, and looks at neither derived nor foreign files.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import sys
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

_T = TypeVar("_T")
_Object: TypeAlias = dict[str, object]


class _Damage(NamedTuple):
    at: int
    sentence: str
    may_be_torn: bool = False


_URN = "urn:finsvc:audit:"
_STATEMENT = "https://in-toto.io/Statement/v1"
_EMPTY_ROOT = hashlib.sha256(b"").digest()
_KEY_BYTES = {1: 32, 4: 32, 6: 1_312}
_FRAMES = {0x50: (1, 1 << 26), 0x45: (1, 65_535), 0x43: (32, 32)}
_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_URL_SAFE = str.maketrans("-_", "+/")


class WrongError(Exception):
    """Something is not as the rules of the log say."""


class TornError(WrongError):
    """The same, and a crash of the writer can leave it so."""


def _need(holds: object, sentence: str) -> None:
    if not holds:
        raise WrongError(sentence)


def _as(kind: type[_T], value: object) -> _T:
    if not isinstance(value, kind) or (isinstance(value, bool | int) and type(value) is not kind):
        raise WrongError(f"expected {kind.__name__}, got {str(value)[:80]!r}")
    return value


def _base64(text: object) -> bytes:
    try:
        data = base64.b64decode(_as(str, text).encode("ascii"), validate=True)
    except ValueError as error:
        raise WrongError(f"base64: {error}") from error
    _need(base64.b64encode(data).decode() == text, "base64 is not canonical")
    return data


def _hex(value: object, digits: int) -> str:
    _need(re.fullmatch(rf"[0-9a-f]{{{digits}}}", _as(str, value)), f"expected {digits} hex digits")
    return str(value)


def _count(value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isdigit() else _as(int, value)
    _need(0 <= number < 10**19 and str(number) == str(value), f"no count: {value!r}")
    return number


def _unique(pairs: list[tuple[str, object]]) -> _Object:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is repeated")
    return dict(pairs)


def _parse_json(data: str | bytes) -> _Object:
    try:
        text = data if isinstance(data, str) else data.decode()
        # NaN and infinities are no JSON, nor integers.
        return _as(dict, json.loads(text, object_pairs_hook=_unique, parse_constant=int))
    except (ValueError, RecursionError) as error:
        raise WrongError(f"JSON: {error}") from error


class Key(NamedTuple):
    """A C2SP key; kind 1: a log's Ed25519, 4: a witness's Ed25519, 6: a witness's ML-DSA-44."""

    name: str
    kind: int
    raw: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Key":
        """Read a vkey and check its key id."""
        name, digits, encoded = (*vkey.split("+", 2), "", "")[:3]
        data = _base64(encoded)
        _need(
            _NAME.fullmatch(name) and data and len(data) - 1 == _KEY_BYTES.get(data[0]), "no vkey"
        )
        key = cls(name, data[0], data[1:])
        _need(key.id.hex() == digits, "the key id is not that of the key")
        return key

    @property
    def id(self) -> bytes:
        """The key id."""
        data = self.name.encode() + b"\n" + bytes([self.kind]) + self.raw
        return hashlib.sha256(data).digest()[:4]

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Say whether a signature is this key's."""
        kind = MLDSA44PublicKey if self.kind == 6 else Ed25519PublicKey
        try:
            kind.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Checkpoint(NamedTuple):
    """A checkpoint whose signature by its log was checked."""

    note: str
    body: str
    origin: str
    size: int
    root: bytes


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    _need(not re.search(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]", note), "control characters in a note")
    body, separator, block = note.rpartition("\n\n")
    _need(separator and block.endswith("\n"), "the note does not end in signature lines")
    signatures = []
    for line in block[:-1].split("\n"):
        dash, name, encoded = (*line.split(" ", 2), "", "")[:3]
        signatures.append((name, _base64(encoded)))
        is_right = dash == "\N{EM DASH}" and _NAME.fullmatch(name) and len(signatures[-1][1]) > 4
        _need(is_right and len(signatures) <= 100, "no signature line, or more than 100")
    return body + "\n", signatures


def open_checkpoint(note: str, keys: Sequence[Key]) -> Checkpoint:
    """Check that one of the log's keys has signed; a bad form is a TornError."""
    try:
        body, signatures = _split_note(note)
    except WrongError as error:
        raise TornError(str(error)) from error
    names = set()
    for key in keys:
        found = [data[4:] for name, data in signatures if (name, data[:4]) == (key.name, key.id)]
        if found:
            _need(key.has_signed(body.encode(), found[0]), f"a signature of {key.name} is wrong")
            names.add(key.name)
    _need(names, "no trusted key has signed the checkpoint")
    lines = body.split("\n")[:-1]
    _need(len(lines) >= 3 and all(lines), "a checkpoint has three lines")
    head = Checkpoint(note, body, lines[0], _count(lines[1]), _base64(lines[2]))
    _need(len(head.root) == 32 and head.origin in names, "the checkpoint is another log's")
    return head


def check_witnesses(head: Checkpoint, witnesses: Sequence[Key], quorum: int) -> list[object]:
    """Check the cosignatures of a checkpoint; return name and time of each."""
    found: dict[Key, object] = {}
    _, signatures = _split_note(head.note)
    for key in witnesses:
        for data in (data for name, data in signatures if (name, data[:4]) == (key.name, key.id)):
            time_s = int.from_bytes(data[4:12])
            message = f"cosignature/v1\ntime {time_s}\n{head.body}".encode()
            if key.kind == 6:
                name, origin = key.name.encode(), head.origin.encode()
                message = b"subtree/v1\n\0%c%b%b" % (len(name), name, data[4:12])
                message += b"%c%b" % (len(origin), origin)
                message += bytes(8) + head.size.to_bytes(8) + head.root
            _need(key.has_signed(message, data[12:]), f"the cosignature of {key.name} is wrong")
            found[key] = {"witness": key.name, "time_s": time_s}
    _need(len(found) >= quorum, f"{len(found)} of {quorum} trusted witnesses have signed")
    return list(found.values())


def _leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The right edge of a growing RFC 6962 tree, and its roots at the sizes asked for."""

    def __init__(self, wanted: set[int]) -> None:
        self.size, self.roots = 0, {0: _EMPTY_ROOT}
        self._wanted, self._peaks = wanted, list[bytes]()

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        index = self.size
        while index & 1:
            leaf, index = _node(self._peaks.pop(), leaf), index >> 1
        self._peaks.append(leaf)
        self.size += 1
        if self.size in self._wanted:
            self.roots[self.size] = self.root()

    def root(self) -> bytes:
        """The root of all leaves."""
        root = self._peaks[-1] if self._peaks else _EMPTY_ROOT
        for peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        return root


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


def check_inclusion(leaf: bytes, index: int, proof: Sequence[bytes], head: Checkpoint) -> None:
    """Check that a leaf stands at an index below the root of a checkpoint."""
    _need(index < head.size, f"index {index} lies beyond the checkpoint's {head.size} entries")
    _, root = _climb(index, head.size - 1, leaf, proof)
    _need(root == head.root, "the proof does not lead to the checkpoint's root")


def check_consistency(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    """Check that the entries of the new checkpoint begin with those of the old one."""
    _need(old.size <= new.size, f"size {old.size} is beyond {new.size}")
    if old.size in (0, new.size):
        roots = {old.root, new.root} if old.size == new.size else {old.root}
        is_same = len(roots if old.size else roots | {_EMPTY_ROOT}) == 1
        _need(is_same and not proof, "the roots of the same tree differ, or there is a proof")
        return
    path = [old.root, *proof] if old.size & (old.size - 1) == 0 else list(proof)
    _need(path, "the proof is too short")
    node, last = old.size - 1, new.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    _need(_climb(node, last, path[0], path[1:]) == (old.root, new.root), "the proof is wrong")


def open_envelope(envelope: bytes, key: Key) -> _Object:
    """Check the signature of a DSSE envelope and return the in-toto statement in it."""
    outer = _parse_json(envelope)
    body = _base64(_as(str, outer.get("payload")).translate(_URL_SAFE))
    texts = [_as(str, _as(dict, one).get("sig")) for one in _as(list, outer.get("signatures"))]
    kind = _as(str, outer.get("payloadType")).encode()
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)
    signatures = [_base64(text.translate(_URL_SAFE)) for text in texts]
    _need(any(key.has_signed(message, one) for one in signatures), "not by the current key")
    _need(kind == b"application/vnd.in-toto+json", "the envelope holds no in-toto statement")
    return _parse_json(body)


def read_payloads(statement: _Object, origin: str, index: int) -> list[_Object]:
    """Check the form of a statement and its place; return the references to its payloads."""
    inner = _as(dict, statement.get("predicate"))
    time = _as(dict, inner.get("time"))
    _need(statement.get("_type") == _STATEMENT, "no in-toto statement")
    _need(inner.get("log") == origin, f"the entry was made for log {inner.get('log')}")
    _need(_count(inner.get("index")) == index, f"it was made for index {inner.get('index')}")
    _need(_count(_as(str, time.get("utc_ns"))) and time.get("clock") in ("ntp", "free"), "no time")
    _count(_as(int, time.get("error_us")))
    for value in (statement.get("predicateType"), inner.get("id")):
        _as(str, value)
    for item in _as(list, statement.get("subject")):
        digest = _as(dict, _as(dict, item).get("digest"))
        _as(str, digest.get("hmac-sha256" if "hmac-sha256" in digest else "sha256"))
        _as(str, item.get("name"))
    _need(("content" in inner) != ("content_ref" in inner), "not just content or content_ref")
    attachments = {_as(str, one.get("name")): one for one in _as(list, inner.get("attachments"))}
    payloads = [_as(dict, one.get("payload")) for one in attachments.values()]
    if "content_ref" in inner:
        payloads.insert(0, _as(dict, inner["content_ref"]))
    else:
        _as(dict, inner["content"])
    for one in payloads:
        _need(one.get("encoding") in ("identity", "zlib"), "no known encoding")
        _hex(one.get("stored_sha256"), 64)
        _hex(one.get("commitment" if "key" in one else "sha256"), 64)
        _count(_as(int, one.get("size_bytes")))
        one["names"] = _slot_names(one["key"]) if "key" in one else ()
    return payloads


def _slot_names(key: object) -> tuple[str, str]:
    subject = _hex(_as(dict, key).get("subject"), 32)
    return subject, subject + _hex(_as(dict, key).get("slot"), 16)


def check_payload(payload: _Object, frames: Sequence[bytes]) -> None:
    """Check the stored bytes, and the content where it is not sealed."""
    stored, size = payload["stored_sha256"], _as(int, payload["size_bytes"])
    found = [data for data in frames if hashlib.sha256(data).hexdigest() == stored]
    _need(found, f"payload {stored} is missing or changed")
    if "sha256" in payload and not payload["names"]:
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
        self.sealed = self.seen = self.num_shredded = 0
        self._directory, self._tree_only = directory, tree_only
        self._keys, self._vkeys, self._firsts = list[Key](), [""], [0]
        self._named: dict[int, object] = {}
        self._gone: set[str] = set()
        self._lost: list[tuple[int, _Object, str]] = []
        self._last_utc_ns, self._has_bad_entry = 0, False

    def run(self, key: Key | None, trusted: Sequence[tuple[str, str]]) -> Checkpoint | None:
        """Check everything; return the published checkpoint where its signature is right."""
        self._read_keys(key)
        if not self._keys:
            return None
        closed, head, heads = self._was_closed(), None, []
        try:
            head = open_checkpoint(self._read("checkpoint"), self._keys)
            open_checkpoint(head.note, [self._key_at(max(head.size - n, 0)) for n in (0, 1)])
        except WrongError as error:
            is_torn = isinstance(error, TornError) and not closed
            (self.warnings if is_torn else self.problems).append((0, f"checkpoint: {error}"))
        stamped = sorted((self._directory / "timestamps").glob("*.note"))
        for name, note in (*trusted, *((p.name, p.read_text(errors="replace")) for p in stamped)):
            try:
                heads.append((name, open_checkpoint(note, self._keys)))
            except WrongError as error:
                self.problems.append((None, f"{name}: {error}"))
        tree = Tree({one.size for _, one in [*heads, ("", head)] if one})
        damage = self._scan(tree)
        # A writer may have begun or published meanwhile.
        closed = (
            closed
            and self._was_closed()
            and self._read("checkpoint", "").startswith(head.body if head else "")
        )
        self._check_tail(damage, head.size if head else self.sealed, closed)
        self._check_keys(closed)
        for index, payload, sentence in self._lost:
            if self._gone.intersection(_as(tuple, payload["names"])):
                self.num_shredded += 1
            else:
                self.problems.append((index, sentence))
        self._check_root(tree, "checkpoint", head)
        for name, one in heads:
            if one.size > tree.size:
                self.problems.append((tree.size, f"{name} covers {one.size} entries"))
            self._check_root(tree, name, one)
        return head

    def _check_root(self, tree: Tree, name: str, head: Checkpoint | None) -> None:
        if head and not self.problems and tree.roots.get(head.size, head.root) != head.root:
            self.problems.append((0, f"{name}: the first {head.size} entries are others"))

    def _read(self, name: str, absent: str | None = None) -> str:
        try:
            return (self._directory / name).read_bytes().decode()
        except (OSError, ValueError) as error:
            if absent is not None:
                return absent
            raise TornError(f"{name}: {error}") from error

    def _was_closed(self) -> bool:
        path = self._directory / "lock"
        mark = path.read_bytes() if path.exists() else b""
        if mark not in (b"", b"W", b"\0"):
            self.problems.append((None, f"lock: it holds {mark[:80]!r}"))
        return mark not in (b"W", b"\0")

    def _key_at(self, index: int) -> Key:
        return self._keys[bisect_right(self._firsts, index) - 1]

    def _read_keys(self, trusted: Key | None) -> None:
        try:
            *lines, end = self._read("vkey").split("\n")
            vkeys, firsts = list[str](), list[int]()
            for number, line in enumerate(lines):
                vkey, _, first = line.rpartition(" ") if number else (line, "", "0")
                vkeys.append(vkey)
                firsts.append(_count(first))
            keys = [Key.parse(vkey) for vkey in vkeys]
            is_right = keys and not end and len({*keys}) == len(keys)
            is_right = is_right and firsts == sorted({*firsts}) and firsts[0] == 0
            _need(is_right and len({(k.name, k.kind == 1) for k in keys}) == 1, "vkey: not a log's")
            head = f"finsvc-audit-log/v2\n{keys[0].name}\n"
            _need(self._read("format") == head, "format: another version or log")
            _need(trusted in (None, *keys), "vkey: the trusted key is not among them")
            self._keys, self._vkeys, self._firsts = keys, vkeys, firsts
        except WrongError as error:
            self.problems.append((0, str(error)))
            self._keys = [trusted] if trusted else []

    def _scan(self, tree: Tree) -> _Damage | None:
        paths = sorted((self._directory / "segments").glob(f"{'[0-9]' * 12}.seg"))
        damage = None if paths else _Damage(0, "no segment")
        for path in paths:
            damage = self._scan_segment(path, tree)
            if damage is None and path != paths[-1] and self.seen > self.sealed:
                damage = _Damage(self.sealed, f"{path.name} does not end in a seal")
            if damage is not None:
                return damage._replace(may_be_torn=damage.may_be_torn and path == paths[-1])
        return damage

    def _scan_segment(self, path: Path, tree: Tree) -> _Damage | None:
        data, fields = path.read_bytes(), b"FSVAUDT2" + self.seen.to_bytes(8)
        header = fields + zlib.crc32(fields).to_bytes(4)
        if path.stem != f"{self.seen:012d}" or data[:20] != header:
            return _Damage(self.seen, f"{path.name}: name or header do not belong here")
        offset, leaves, payloads = 20, list[bytes](), list[bytes]()
        while offset < len(data):
            kind, length = data[offset], int.from_bytes(data[offset + 1 : offset + 5])
            index, body = int.from_bytes(data[offset + 5 : offset + 13]), offset + 17
            shortest, longest = _FRAMES.get(kind, (1, 0))
            content = data[body : body + length] if shortest <= length <= longest else b""
            checksum = zlib.crc32(content, zlib.crc32(data[offset : offset + 13])).to_bytes(4)
            if not content or len(content) != length or data[body - 4 : body] != checksum:
                return _Damage(self.seen, f"{path.name}: a frame is damaged", may_be_torn=True)
            offset = body + length
            if index != self.seen or (kind == 0x43 and payloads):
                return _Damage(self.seen, f"{path.name}: a frame that does not belong here")
            if kind == 0x50:
                payloads.append(content)
            elif kind == 0x45:
                if not self._tree_only:
                    self._check_entry(index, content, payloads)
                leaves.append(_leaf(content))
                payloads, self.seen = [], self.seen + 1
            else:
                for leaf in leaves:
                    tree.append(leaf)
                if tree.root() != content:
                    return _Damage(self.sealed, f"{path.name}: a sealed root is wrong")
                leaves, self.sealed = [], self.seen
        return _Damage(self.seen, "payloads without entry", may_be_torn=True) if payloads else None

    def _check_entry(self, index: int, envelope: bytes, frames: list[bytes]) -> None:
        try:
            statement = open_envelope(envelope, self._key_at(index))
            references = read_payloads(statement, self._keys[0].name, index)
            self._take_event(index, statement)
        except WrongError as error:
            self._has_bad_entry = True
            self.problems.append((index, str(error)))
            return
        utc_ns = int(statement["predicate"]["time"]["utc_ns"])  # type: ignore[index]
        if utc_ns < self._last_utc_ns and statement["predicateType"] != f"{_URN}clock:v1":
            self.problems.append((index, "it is earlier than the entry before"))
        self._last_utc_ns = utc_ns
        for one in references:
            try:
                check_payload(one, frames)
            except WrongError as error:
                self._lost.append((index, one, str(error)))
        if len(frames) > len(references):
            self.problems.append((index, "a payload that no entry refers to"))

    def _take_event(self, index: int, statement: _Object) -> None:
        content = _as(dict, _as(dict, statement["predicate"]).get("content", {}))
        if statement["predicateType"] == f"{_URN}key:v1":
            self._named[index + 1] = str(content.get("vkey"))
        elif statement["predicateType"] == f"{_URN}shredding:v1" and "subject" in content:
            self._gone.add(_as(str, content["subject"]))
        elif statement["predicateType"] == f"{_URN}shredding:v1":
            self._gone.update(_slot_names(key)[1] for key in _as(list, content.get("keys")))

    def _check_keys(self, closed: bool) -> None:
        listed: dict[int, object] = dict(zip(self._firsts[1:], self._vkeys[1:], strict=True))
        for index in sorted({*listed, *self._named}):
            is_late = index == self.sealed and index not in listed and not closed
            if listed.get(index) != self._named.get(index) and not is_late:
                self.problems.append((index, "vkey: not the key that an entry names"))

    def _check_tail(self, damage: _Damage | None, published: int, closed: bool) -> None:
        has_tail = damage is not None or self.seen > self.sealed
        may_be_torn = (damage is None or damage.may_be_torn) and not closed
        index, sentence = self.sealed, "from here on entries are missing or not sealed"
        if self.sealed < published or (has_tail and not may_be_torn):
            if damage is not None:
                sentence = damage.sentence
                index = damage.at if damage.at < max(published, 1) else index
        elif closed and self.sealed > published:
            index, sentence = published, "the checkpoint is older than the sealed entries"
        else:
            if has_tail or self.sealed > published:
                self.warnings.append((published, "what follows is not yet published"))
            return
        if not self._has_bad_entry:
            self.problems.append((index, sentence))


def _check_receipt(
    text: str, key: Key, entry: bytes | None, index: int = 0
) -> tuple[int, Checkpoint]:
    """Check a tlog-proof, a receipt in JSON, or a record of an export; return index and head."""
    if text.startswith("c2sp.org/tlog-proof@v1\n"):
        top, _, note = text.partition("\n\n")
        lines = [line for line in top.split("\n")[1:] if not line.startswith("extra ")]
        _need(entry and lines and lines[0].startswith("index "), "its index or --entry is missing")
        index, proof = _count(lines[0][6:]), [_base64(one) for one in lines[1:]]
        leaf = _leaf(entry or b"")
    else:
        outer = _parse_json(text)
        inner = _as(dict, outer.get("receipt", outer))
        note, index = _as(str, inner.get("checkpoint")), _count(inner.get("index"))
        proof = [bytes.fromhex(_hex(one, 64)) for one in _as(list, inner.get("proof"))]
        leaf = bytes.fromhex(_hex(inner.get("leaf_hash"), 64))
        entry = _base64(outer["envelope"]) if "envelope" in outer else entry
    head = open_checkpoint(note, [key])
    _need(entry is None or leaf == _leaf(entry), "the entry is not that of the receipt")
    check_inclusion(leaf, index, proof, head)
    if entry is not None:
        statement = open_envelope(entry, key)
        read_payloads(statement, head.origin, index)
        if text.startswith('{"content":{'):
            _check_content(text, _as(dict, statement["predicate"]))
    return index, head


def _check_content(line: str, inner: _Object) -> None:
    """Check the content in a record of an export, which is canonical JSON like what was signed."""
    start, record = len('{"content":'), _parse_json(line)
    content = line[start : json.JSONDecoder().raw_decode(line, start)[1]].encode()
    if "content" in inner:
        _need(inner["content"] == record["content"], "the content is another")
        return
    reference = _as(dict, inner["content_ref"])
    commitment = hashlib.sha256(content).hexdigest()
    if "key" in reference:
        opening = bytes.fromhex(_hex(record.get("opening"), 64))
        commitment = hmac.digest(opening, content, "sha256").hex()
    is_right = commitment == reference["commitment" if "key" in reference else "sha256"]
    _need(is_right, "the content is another")


def _run_log(options: argparse.Namespace, key: Key | None) -> _Object:
    log = Log(options.paths[0], tree_only=options.tree_only)
    head = log.run(key, [(str(path), path.read_text()) for path in options.trusted])
    found: list[object] = []
    try:
        found = check_witnesses(head, options.witness, options.quorum) if head else []
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


def _run_proofs(options: argparse.Namespace, key: Key | None) -> _Object:
    """Check a receipt, all records of an export, or a proof of consistency."""
    text, done, found = options.paths[0].read_text(), "", list[object]()
    # Only a document that is written over several lines begins with a line of its brace alone.
    lines = text.splitlines() if text.startswith('{"') else [text]
    try:
        if options.what == "consistency":
            _need(key and len(options.paths) == 2, "consistency needs --key and two files")
            keys = [key] if key else []
            top, _, note = options.paths[1].read_text().partition("\n\n")
            old, head = open_checkpoint(text, keys), open_checkpoint(note, keys)
            size, *proof = top.split("\n")
            _need(size == f"old {old.size}", "the request is for another old size")
            check_consistency(old, head, [_base64(one) for one in proof])
            lines = [note]
        entry = options.entry.read_bytes() if options.entry else None
        for number, line in enumerate(lines if options.what == "receipt" else []):
            done = f"line {number + 1}: "
            outer = _parse_json(line) if line.startswith("{") else {}
            key = key or Key.parse(_as(str, outer.get("vkey")))
            # The first line of an export names the log and its checkpoint.
            if "origin" in outer:
                head = open_checkpoint(_as(str, outer.get("checkpoint")), [key])
            else:
                _, head = _check_receipt(line, key, entry)
        found = check_witnesses(head, options.witness, options.quorum)
    except WrongError as error:
        return {"problems": [(None, f"{done}{error}")]}
    return {"problems": [], "size": head.size, "lines": len(lines), "witnesses": found}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
        run = _run_log if options.what == "log" else _run_proofs
        outcome = run(options, options.key)
    except (OSError, UnicodeDecodeError, WrongError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    outcome |= {"ok": not outcome["problems"], "is_key_trusted": options.key is not None}
    sys.stdout.write(json.dumps(outcome, indent=1, sort_keys=True) + "\n")
    return 0 if outcome["ok"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
