"""Reading a log's segments in order, rebuilding the tree on the way.

The scan knows frames, indices and roots. It stops at the first damage and leaves it to its callers
to say whether that is a torn tail (the writer cuts it) or a log that was changed. It may begin at
a segment whose tree is known.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from audit.places import SegmentPlaces, new_offsets
from audit.rfc6962 import MerkleTree, Tree, leaf_hash
from audit.segment import (
    HEADER_BYTES,
    SEGMENTS,
    Frame,
    FrameDamage,
    FrameKind,
    encode_header,
    read_frame,
    segment_path,
)

EntryVisitor = Callable[[int, bytes, list[bytes]], None]
SegmentVisitor = Callable[[int, SegmentPlaces], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """The first place that does not read as a log.

    Attributes:
        index: First entry that is bad, missing or not sealed.
        path: The segment.
        reason: What is wrong.
        may_be_torn: Whether an interrupted write could have left it.
    """

    index: int
    path: Path
    reason: str
    may_be_torn: bool


@dataclass(frozen=True, slots=True)
class _Fault:
    index: int
    reason: str
    may_be_torn: bool = False


@dataclass(slots=True)
class Scan:
    """What the segments hold.

    Attributes:
        tree: The sealed entries.
        committed_size: Entries sealed by the last good commit frame.
        segments: Files by first index, in order.
        places: Of the committed entries of the last segment that was read.
        committed_end: Offset after the last good commit in that segment, or after its header.
        num_uncommitted: Whole entries after the last good commit.
        damage: The first damage, if any.
    """

    tree: Tree = field(default_factory=MerkleTree)
    committed_size: int = 0
    segments: list[Path] = field(default_factory=list)
    places: SegmentPlaces = field(default_factory=SegmentPlaces)
    committed_end: int = HEADER_BYTES
    num_uncommitted: int = 0
    damage: Damage | None = None

    @property
    def size(self) -> int:
        """Whole entries that were read."""
        return self.tree.size + self.num_uncommitted

    @property
    def has_tail(self) -> bool:
        """Whether anything follows the last good commit."""
        return self.damage is not None or self.num_uncommitted > 0

    def change(self, *, published_size: int, was_closed: bool) -> tuple[int, str] | None:
        """Return the first bad index and the reason, where no crash of the writer explains them.

        Args:
            published_size: Tree size of the signed checkpoint; it is published after the commit.
            was_closed: Whether the last writer ended in good order and so left no tail.
        """
        if was_closed and not self.has_tail and self.committed_size > published_size:
            return published_size, "the published checkpoint is older than the sealed entries"
        is_short = self.committed_size < published_size
        may_be_torn = self.damage is None or self.damage.may_be_torn
        if not is_short and (not self.has_tail or (may_be_torn and not was_closed)):
            return None
        if self.damage is not None and self.damage.index < max(published_size, 1):
            return self.damage.index, self.damage.reason
        if self.damage is not None:
            return self.committed_size, self.damage.reason
        if self.num_uncommitted:
            return self.committed_size, "the entries from here on are not sealed by a commit"
        return (
            self.committed_size,
            f"the checkpoint covers {published_size} entries, of which the segments lack some",
        )


def list_segments(directory: Path) -> list[Path]:
    """Return a log's segments in order."""
    return sorted((directory / SEGMENTS).glob(f"{'[0-9]' * 12}.seg"))


def scan_segments(
    directory: Path,
    *,
    tree: Tree | None = None,
    visit: EntryVisitor | None = None,
    visit_segment: SegmentVisitor | None = None,
) -> Scan:
    """Read the segments of a log.

    Args:
        directory: The log's directory.
        tree: Takes the entries; where it holds some already, the scan begins at the segment that
            follows them. Absent, a tree in memory.
        visit: Called with index, envelope and payloads of each whole entry, in order.
        visit_segment: Called with first index and places at the end of each good segment.

    Raises:
        OSError: A file cannot be read.
    """
    tree = tree or MerkleTree()
    scan = Scan(tree=tree, committed_size=tree.size, segments=list_segments(directory))
    first = segment_path(directory, tree.size)
    if first not in scan.segments:
        scan.damage = Damage(index=tree.size, path=first, reason="no segment", may_be_torn=False)
        return scan
    begin = scan.segments.index(first) if tree.size else 0
    for path in scan.segments[begin:]:
        reader = _SegmentReader(scan, path, directory, visit)
        fault = reader.run()
        is_last = path == scan.segments[-1]
        if fault is None and not is_last and scan.num_uncommitted:
            fault = _Fault(scan.committed_size, "the segment does not end in a commit")
        if fault is not None:
            scan.damage = Damage(
                index=fault.index,
                path=path,
                reason=fault.reason,
                may_be_torn=fault.may_be_torn and is_last,
            )
            break
        if visit_segment is not None:
            visit_segment(reader.first_index, scan.places)
    return scan


class _SegmentReader:
    """Reads one segment into a scan."""

    def __init__(self, scan: Scan, path: Path, directory: Path, visit: EntryVisitor | None) -> None:
        self.first_index = scan.tree.size
        self._scan = scan
        self._path = path
        self._directory = directory
        self._visit = visit
        self._leaves: list[bytes] = []
        self._starts: array[int] = new_offsets()
        self._entry_end = HEADER_BYTES
        self._payloads: list[bytes] = []

    def run(self) -> _Fault | None:
        """Return what is wrong with the segment, if anything."""
        scan, first_index = self._scan, self.first_index
        scan.committed_end, scan.places = HEADER_BYTES, SegmentPlaces(new_offsets(), HEADER_BYTES)
        wanted = segment_path(self._directory, first_index)
        if self._path != wanted:
            return _Fault(first_index, f"expected segment {wanted.name}, found {self._path.name}")
        data = self._path.read_bytes()
        if data[:HEADER_BYTES] != encode_header(first_index):
            return _Fault(first_index, "the segment header is not what its name says")
        offset, start = HEADER_BYTES, None
        while offset < len(data):
            frame = read_frame(data, offset)
            if isinstance(frame, FrameDamage):
                return _Fault(scan.size, frame.reason, may_be_torn=True)
            start = offset if start is None else start
            fault = self._take(frame, start)
            if fault is not None:
                return fault
            if frame.kind is not FrameKind.PAYLOAD:
                start = None
            offset = frame.end
        if self._payloads:
            return _Fault(scan.size, "payloads stand without their entry", may_be_torn=True)
        return None

    def _take(self, frame: Frame, start: int) -> _Fault | None:
        scan = self._scan
        if frame.index != scan.size:
            return _Fault(
                scan.size, f"a frame with index {frame.index} stands where {scan.size} belongs"
            )
        if frame.kind is FrameKind.PAYLOAD:
            self._payloads.append(frame.data)
            return None
        if frame.kind is FrameKind.ENTRY:
            if self._visit is not None:
                self._visit(frame.index, frame.data, self._payloads)
            self._payloads = []
            self._leaves.append(leaf_hash(frame.data))
            self._starts.append(start)
            self._entry_end = frame.end
            scan.num_uncommitted += 1
            return None
        return self._seal(frame)

    def _seal(self, frame: Frame) -> _Fault | None:
        scan = self._scan
        batch = scan.committed_size
        if self._payloads:
            return _Fault(frame.index, "payloads stand before a commit")
        for leaf in self._leaves:
            scan.tree.append(leaf)
        self._leaves.clear()
        scan.num_uncommitted = 0
        if frame.data != scan.tree.root():
            return _Fault(batch, "the sealed root is not the root of the entries")
        scan.committed_size = scan.tree.size
        scan.places.starts.extend(self._starts)
        scan.places = SegmentPlaces(scan.places.starts, self._entry_end)
        self._starts = new_offsets()
        scan.committed_end = frame.end
        return None
