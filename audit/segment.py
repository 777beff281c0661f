"""Segment files: frames of entries, sealed batch by batch with the size and root of the tree.

All integers are big-endian. A segment is named by its first index in 12 digits, `.seg`:

    header:  "FSVAUDT1" (8)  first index u64  CRC-32 u32 of the 16 bytes before
    frame:   kind u8  length u32  index u64  CRC-32 u32 of kind..index and data  data

    entry  (kind 0x45 "E"): index of the entry, data = DSSE envelope, at most 65,535 bytes
    commit (kind 0x43 "C"): index = tree size, data = 32-byte root of the tree of that size

Each batch is one write, ends in a commit frame and is synced before the next begins. Therefore only
bytes after the last commit may be torn by a crash; damage before it is not a crash.
The checksum is CRC-32 (IEEE), which zlib computes at memory speed; it tells torn from whole, while
tampering is found by hashes and signatures.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from audit.record import ENTRY_BYTES_MAX
from audit.rfc6962 import HASH_BYTES

SEGMENTS = "segments"
HEADER_BYTES = 20
FRAME_HEADER_BYTES = 17

_MAGIC = b"FSVAUDT1"
_HEADER = struct.Struct(">8sQ")
_FRAME = struct.Struct(">BIQ")
_CRC = struct.Struct(">I")


class FrameKind(IntEnum):
    """What a frame holds."""

    ENTRY = 0x45
    COMMIT = 0x43


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame.

    Attributes:
        kind: Entry or commit.
        index: Entry's index, or the tree size of a commit.
        data: Envelope, or root.
        end: Offset in the file just after the frame.
    """

    kind: FrameKind
    index: int
    data: bytes
    end: int


@dataclass(frozen=True, slots=True)
class FrameDamage:
    """Why no frame stands at an offset."""

    reason: str


def segment_path(directory: Path, first_index: int) -> Path:
    """Where the segment beginning at an index lies in a log's directory."""
    return directory / SEGMENTS / f"{first_index:012d}.seg"


def encode_header(first_index: int) -> bytes:
    """Return a segment's first bytes."""
    fields = _HEADER.pack(_MAGIC, first_index)
    return fields + _CRC.pack(zlib.crc32(fields))


def encode_frame(kind: FrameKind, index: int, data: bytes) -> bytes:
    """Return a frame's bytes."""
    fields = _FRAME.pack(kind, len(data), index)
    return fields + _CRC.pack(zlib.crc32(data, zlib.crc32(fields))) + data


def read_frame(data: bytes, offset: int) -> Frame | FrameDamage:
    """Read the frame at an offset of a segment's bytes."""
    body = offset + FRAME_HEADER_BYTES
    if body > len(data):
        return FrameDamage("the file ends within a frame header")
    fields = data[offset : body - _CRC.size]
    kind, length, index = _FRAME.unpack(fields)
    if kind == FrameKind.ENTRY:
        is_length_allowed = 0 < length <= ENTRY_BYTES_MAX
    else:
        is_length_allowed = kind == FrameKind.COMMIT and length == HASH_BYTES
    if not is_length_allowed:
        return FrameDamage(f"a frame header names kind {kind:#04x} with {length} bytes")
    end = body + length
    if end > len(data):
        return FrameDamage("the file ends within a frame")
    content = data[body:end]
    (checksum,) = _CRC.unpack_from(data, body - _CRC.size)
    if checksum != zlib.crc32(content, zlib.crc32(fields)):
        return FrameDamage("the checksum of a frame does not fit")
    return Frame(FrameKind(kind), index, content, end)
