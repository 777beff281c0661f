"""Where entries lie: for each segment the offsets of its entries, kept in compact arrays.

Those of sealed segments lie in small files beside the segments (SPEC.md, section 10), which are
derived: one that is absent or damaged is made again by reading its segment. Those of the last
segment are in memory.
"""

import struct
import zlib
from array import array
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from audit.errors import CorruptLogError
from audit.filesystem import FileSystem, storage_errors, write_file
from audit.rfc6962 import leaf_hash
from audit.segment import HEADER_BYTES, FrameDamage, FrameKind, read_frame, segment_path
from audit.tiles import TILE_HASHES

PLACES = "places"

_MAGIC = b"FSVAUDPL"
_COUNT = struct.Struct(">Q")
_CRC = struct.Struct(">I")
_CACHED_SEGMENTS_MAX = 16


def new_offsets() -> "array[int]":
    """Return an empty array of 64-bit offsets."""
    return array("Q")


@dataclass(frozen=True, slots=True)
class SegmentPlaces:
    """Places of one segment.

    Attributes:
        starts: Offset of each entry's first frame: its first payload, or itself.
        end: Offset after the last entry's frame.
    """

    starts: "array[int]" = field(default_factory=new_offsets)
    end: int = 0


def places_path(directory: Path, first_index: int) -> Path:
    """Where the places of the segment beginning at an index are kept."""
    return directory / PLACES / f"{first_index:012d}.idx"


def encode_places(places: SegmentPlaces) -> bytes:
    """Return a place file's bytes."""
    count = len(places.starts)
    data = _MAGIC + struct.pack(f">Q{count}QQ", count, *places.starts, places.end)
    return data + _CRC.pack(zlib.crc32(data))


def decode_places(data: bytes, *, count: int) -> SegmentPlaces | None:
    """Read a place file; None where it is damaged or not for this many entries."""
    body = data[: -_CRC.size]
    head = len(_MAGIC) + _COUNT.size
    if len(data) != head + 8 * (count + 1) + _CRC.size:
        return None
    if body[:head] != _MAGIC + _COUNT.pack(count) or data[-_CRC.size :] != _CRC.pack(
        zlib.crc32(body)
    ):
        return None
    *starts, end = struct.unpack(f">{count + 1}Q", body[head:])
    return SegmentPlaces(array("Q", starts), end)


def find_places(data: bytes) -> SegmentPlaces:
    """Walk the frames of a segment's bytes, as far as they are whole."""
    offset, start = HEADER_BYTES, None
    starts, end = new_offsets(), offset
    while offset < len(data):
        frame = read_frame(data, offset)
        if isinstance(frame, FrameDamage):
            break
        if frame.kind is not FrameKind.COMMIT and start is None:
            start = offset
        if frame.kind is FrameKind.ENTRY and start is not None:
            starts.append(start)
            start, end = None, frame.end
        offset = frame.end
    return SegmentPlaces(starts, end)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry's bytes as they lie in its segment.

    Attributes:
        envelope: The DSSE envelope.
        frames: Stored bytes of its payloads.
    """

    envelope: bytes
    frames: tuple[bytes, ...]


class Places:
    """Places of a whole log."""

    def __init__(self, directory: Path, *, files: FileSystem | None) -> None:
        """Start with no segment.

        Args:
            directory: The log's directory.
            files: System calls for writing; None where the log is only read.
        """
        self._directory = directory
        self._files = files
        self._first = new_offsets()
        self._sealed: OrderedDict[int, SegmentPlaces] = OrderedDict()
        self._last = SegmentPlaces()
        self.mended: list[str] = []

    def begin_segment(self, first_index: int, places: SegmentPlaces | None = None) -> None:
        """Take up a segment as the last one.

        Args:
            first_index: Its first index.
            places: Where its entries lie, if some are known.
        """
        self._first.append(first_index)
        self._last = places or SegmentPlaces()

    def seal_segment(self) -> None:
        """Write the last segment's places; it gets no more entries."""
        self._write(self._first[-1], self._last)

    def extend(self, starts: "array[int]", end: int) -> None:
        """Add entries to the last segment."""
        self._last.starts.extend(starts)
        self._last = SegmentPlaces(self._last.starts, end)

    def read(self, index: int) -> StoredEntry | None:
        """Return an entry's bytes, unchecked; None where its place holds none.

        Raises:
            OSError: The disk cannot be read.
        """
        number = bisect_right(self._first, index) - 1
        first = self._first[number]
        is_last = number == len(self._first) - 1
        places = self._last if is_last else self._load(first, self._first[number + 1] - first)
        starts, offset = places.starts, index - first
        if offset >= len(starts):
            return None
        end = starts[offset + 1] if offset + 1 < len(starts) else places.end
        with segment_path(self._directory, first).open("rb") as file:
            file.seek(starts[offset])
            data = file.read(max(end - starts[offset], 0))
        return _read_entry(data)

    def leaf_tile(self, number: int) -> bytes:
        """Return the leaf hashes of a full level-0 tile, from the entries themselves.

        Raises:
            CorruptLogError: One of them is missing.
            LogFailedError: The disk cannot be read.
        """
        leaves = []
        with storage_errors(self._directory):
            for index in range(number * TILE_HASHES, (number + 1) * TILE_HASHES):
                stored = self.read(index)
                if stored is None:
                    raise CorruptLogError(self._directory, "it is missing", index=index)
                leaves.append(leaf_hash(stored.envelope))
        return b"".join(leaves)

    def remake(self, index: int) -> None:
        """Find the places of an entry's sealed segment again: what was kept turned out wrong."""
        first = self._first[bisect_right(self._first, index) - 1]
        if first != self._first[-1]:
            self._sealed[first] = self._mend(first)

    def _load(self, first: int, count: int) -> SegmentPlaces:
        places = self._sealed.get(first)
        if places is None:
            path = places_path(self._directory, first)
            places = decode_places(path.read_bytes(), count=count) if path.is_file() else None
            if places is None:
                places = self._mend(first)
            self._sealed[first] = places
            if len(self._sealed) > _CACHED_SEGMENTS_MAX:
                self._sealed.popitem(last=False)
        return places

    def _mend(self, first: int) -> SegmentPlaces:
        data = segment_path(self._directory, first).read_bytes()
        places = find_places(data)
        self.mended.append(f"{PLACES}/{places_path(self._directory, first).name}")
        self._write(first, places)
        return places

    def _write(self, first: int, places: SegmentPlaces) -> None:
        if self._files is None:
            return
        folder = self._directory / PLACES
        if not folder.exists():
            self._files.make_directory(folder)
        path = places_path(self._directory, first)
        write_file(self._files, path, encode_places(places), is_synced=False)


def _read_entry(data: bytes) -> StoredEntry | None:
    frames: list[bytes] = []
    offset = 0
    while True:
        frame = read_frame(data, offset)
        if isinstance(frame, FrameDamage) or frame.kind is FrameKind.COMMIT:
            return None
        if frame.kind is FrameKind.ENTRY:
            return StoredEntry(frame.data, tuple(frames))
        frames.append(frame.data)
        offset = frame.end
