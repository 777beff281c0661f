"""Segment files: frames of payloads and entries, sealed batch by batch with size and root.

The bytes are those of SPEC.md, section 2. Each batch is one write, ends in a commit frame and is
synced before the next begins. Therefore only bytes after the last commit may be torn by a crash;
damage before it is not a crash. The checksum is CRC-32 (IEEE), which zlib computes at memory speed;
it tells torn from whole, while tampering is found by hashes and signatures.
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
COMMIT_BYTES = FRAME_HEADER_BYTES + HASH_BYTES
PAYLOAD_BYTES_MAX = 1 << 26

_MAGIC = b"FSVAUDT2"
_HEADER = struct.Struct(">8sQ")
_FRAME = struct.Struct(">BIQ")
_CRC = struct.Struct(">I")


class FrameKind(IntEnum):
    """What a frame holds."""

    PAYLOAD = 0x50
    ENTRY = 0x45
    COMMIT = 0x43


_LENGTHS = {
    FrameKind.PAYLOAD.value: (1, PAYLOAD_BYTES_MAX),
    FrameKind.ENTRY.value: (1, ENTRY_BYTES_MAX),
    FrameKind.COMMIT.value: (HASH_BYTES, HASH_BYTES),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame.

    Attributes:
        kind: Payload, entry or commit.
        index: Index of the entry (that a payload belongs to), or the tree size of a commit.
        data: Stored bytes, envelope, or root.
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
    shortest, longest = _LENGTHS.get(kind, (1, 0))
    if not shortest <= length <= longest:
        return FrameDamage(f"a frame header names kind {kind:#04x} with {length} bytes")
    end = body + length
    if end > len(data):
        return FrameDamage("the file ends within a frame")
    content = data[body:end]
    (checksum,) = _CRC.unpack_from(data, body - _CRC.size)
    if checksum != zlib.crc32(content, zlib.crc32(fields)):
        return FrameDamage("the checksum of a frame does not fit")
    return Frame(FrameKind(kind), index, content, end)
