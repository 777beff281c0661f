"""Reading a log's segments from the first byte to the last, rebuilding the tree on the way.

The scan knows frames, indices and roots. It stops at the first damage and leaves it to its callers
to say whether that is a torn tail (the writer cuts it) or a log that was changed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from audit.rfc6962 import MerkleTree, leaf_hash
from audit.segment import (
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    SEGMENTS,
    Frame,
    FrameDamage,
    FrameKind,
    encode_header,
    read_frame,
    segment_path,
)

EntryVisitor = Callable[[int, bytes], None]


@dataclass(frozen=True, slots=True)
class Location:
    """Where an entry's bytes lie."""

    path: Path
    offset: int
    length: int


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
        tree: All whole entries, also those after the last commit.
        locations: One per entry of the tree.
        segments: Files by first index, in order.
        committed_size: Entries sealed by the last good commit frame.
        committed_end: Offset after that commit in the last segment (its header's end at least).
        damage: The first damage, if any.
    """

    tree: MerkleTree = field(default_factory=MerkleTree)
    locations: list[Location] = field(default_factory=list)
    segments: list[Path] = field(default_factory=list)
    committed_size: int = 0
    committed_end: int = HEADER_BYTES
    damage: Damage | None = None

    @property
    def num_uncommitted(self) -> int:
        """Whole entries after the last commit."""
        return self.tree.size - self.committed_size

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


def scan_segments(directory: Path, *, visit: EntryVisitor | None = None) -> Scan:
    """Read all segments of a log.

    Args:
        directory: The log's directory.
        visit: Called with index and envelope of each whole entry, in order.

    Raises:
        OSError: A file cannot be read.
    """
    scan = Scan(segments=sorted((directory / SEGMENTS).glob("*.seg")))
    if not scan.segments:
        path = segment_path(directory, 0)
        scan.damage = Damage(index=0, path=path, reason="no segment", may_be_torn=False)
    for position, path in enumerate(scan.segments):
        is_last = position == len(scan.segments) - 1
        fault = _scan_segment(scan, path, directory, visit)
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
    return scan


def _scan_segment(
    scan: Scan, path: Path, directory: Path, visit: EntryVisitor | None
) -> _Fault | None:
    """Read one segment into the scan; return what is wrong with it."""
    first_index = scan.tree.size
    scan.committed_end = HEADER_BYTES
    if path != segment_path(directory, first_index):
        wanted = segment_path(directory, first_index).name
        return _Fault(first_index, f"expected segment {wanted}, found {path.name}")
    data = path.read_bytes()
    if data[:HEADER_BYTES] != encode_header(first_index):
        return _Fault(first_index, "the segment header is not what its name says")
    offset = HEADER_BYTES
    while offset < len(data):
        frame = read_frame(data, offset)
        if isinstance(frame, FrameDamage):
            return _Fault(scan.tree.size, frame.reason, may_be_torn=True)
        start = offset + FRAME_HEADER_BYTES
        fault = _take_frame(scan, frame, Location(path, start, len(frame.data)))
        if fault is not None:
            return fault
        if frame.kind is FrameKind.ENTRY and visit is not None:
            visit(frame.index, frame.data)
        offset = frame.end
    return None


def _take_frame(scan: Scan, frame: Frame, location: Location) -> _Fault | None:
    size = scan.tree.size
    if frame.index != size:
        return _Fault(size, f"a frame with index {frame.index} stands where {size} belongs")
    if frame.kind is FrameKind.ENTRY:
        scan.tree.append(leaf_hash(frame.data))
        scan.locations.append(location)
        return None
    if frame.data != scan.tree.root():
        return _Fault(scan.committed_size, "the sealed root is not the root of the entries")
    scan.committed_size = size
    scan.committed_end = frame.end
    return None
