"""What an open log knows: keys, tree, places, checkpoint; and taking it up from the disk.

Opening reads the last segment alone. What lies before it was sealed and synced, so no crash can
have touched it; its root stands in the commit frame at the end of the segment before, and the edge
of the tree on disk must give that root. Where it does not, everything is read. What someone changed
in sealed segments is found when it is read, and by verification.
"""

import logging
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.errors import CorruptLogError, FormatError
from audit.filesystem import FileSystem, storage_errors
from audit.keyring import Keyring
from audit.layout import read_checkpoint_note, was_closed
from audit.places import Places, SegmentPlaces, StoredEntry
from audit.rfc6962 import leaf_hash
from audit.scan import Scan, list_segments, scan_segments
from audit.segment import COMMIT_BYTES, FrameDamage, FrameKind, read_frame
from audit.tiles import TILES, TileStore, TileTree

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a log has published.

    Attributes:
        checkpoint: The latest checkpoint.
        note: The same, signed.
    """

    checkpoint: Checkpoint
    note: str


@dataclass(slots=True)
class LogState:
    """An open log.

    Attributes:
        directory: Where it lies.
        keyring: Its public keys.
        tree: Its tree; use it under `lock`.
        places: Where its entries lie.
        scan: How the last segment was found.
        lock: Guards the tree.
        mended: Derived files that were found damaged, and made again.
    """

    directory: Path
    keyring: Keyring
    tree: TileTree
    places: Places
    scan: Scan
    lock: threading.RLock = field(default_factory=threading.RLock)
    mended: list[str] = field(default_factory=list)

    def read_entry(self, index: int) -> StoredEntry:
        """Return an entry's bytes, checked against the tree.

        Raises:
            CorruptLogError: They were changed or lost since.
            LogFailedError: The disk cannot be read.
        """
        with self.lock:
            leaf = self.tree.leaf(index)
        with storage_errors(self.directory):
            stored = self.places.read(index)
            if stored is None or leaf_hash(stored.envelope) != leaf:
                # The fault may be that of the place file, which is only derived.
                self.places.remake(index)
                stored = self.places.read(index)
        if stored is None or leaf_hash(stored.envelope) != leaf:
            raise CorruptLogError(
                self.directory, "its bytes are not those of the tree", index=index
            )
        return stored


def load_state(
    directory: Path, keyring: Keyring, files: FileSystem | None
) -> tuple[LogState, Committed | None]:
    """Take up a log and make sure that nothing but a crash has happened to it.

    Args:
        directory: The log's directory.
        keyring: Its keys.
        files: System calls for mending derived files; None where the log is only read.

    Returns:
        The log, and its checkpoint; none where a crash tore the file.

    Raises:
        CorruptLogError: Bytes were changed or lost.
        FormatError: The checkpoint is malformed, though the log was closed in good order.
        SignatureError: It is not signed by the log's key.
        LogFailedError: The disk cannot be read.
    """
    is_closed = was_closed(directory)
    note, published = _read_checkpoint(directory, keyring, is_closed=is_closed)
    with storage_errors(directory):
        state = _load(directory, keyring, files)
    # A writer at work may have moved on meanwhile; what it wrote is then no sign of tampering.
    is_closed = is_closed and was_closed(directory) and read_checkpoint_note(directory) == note
    size = state.scan.committed_size if published is None else published.size
    change = state.scan.change(published_size=size, was_closed=is_closed)
    if change is not None:
        index, reason = change
        raise CorruptLogError(directory, reason, index=index)
    if published is None:
        return state, None
    if state.tree.root(published.size) != published.root:
        raise CorruptLogError(directory, "the entries are not those of the checkpoint", index=0)
    return state, Committed(checkpoint=published, note=note)


def _read_checkpoint(
    directory: Path, keyring: Keyring, *, is_closed: bool
) -> tuple[str, Checkpoint | None]:
    """Read the published checkpoint; a crash may have torn it, since it is not synced."""
    try:
        note = read_checkpoint_note(directory)
        size = Checkpoint.parse_body(note.partition("\n\n")[0] + "\n").size
        return note, open_checkpoint(note, keyring.checkpoint_keys(size))
    except FormatError:
        if is_closed:
            raise
        _logger.warning("audit_checkpoint_torn")
        return "", None


def _load(directory: Path, keyring: Keyring, files: FileSystem | None) -> LogState:
    store = TileStore(directory=directory, files=files)
    places = Places(directory, files=files)
    segments = list_segments(directory)
    boundary = int(segments[-1].stem) if segments else 0
    for path in segments[:-1]:
        places.begin_segment(int(path.stem))
    tree = _take_up(store, places, segments)
    mended: list[str] = []
    if tree is None:
        _logger.warning("audit_tree_rebuilt")
        mended.append(TILES)
        tree = TileTree(store, places.leaf_tile)
    edge = tree

    def keep_edge(first_index: int, _: SegmentPlaces) -> None:
        if first_index < boundary == edge.size:
            edge.flush_edge()

    scan = scan_segments(directory, tree=tree, visit_segment=keep_edge)
    places.begin_segment(boundary, scan.places)
    tree.flush()
    return LogState(directory, keyring, tree, places, scan, mended=mended)


def _take_up(store: TileStore, places: Places, segments: list[Path]) -> TileTree | None:
    """Return the tree at the beginning of the last segment, if its edge is on disk."""
    if len(segments) < 2:
        return TileTree(store, places.leaf_tile)
    with segments[-2].open("rb") as file:
        file.seek(-COMMIT_BYTES, os.SEEK_END)
        frame = read_frame(file.read(), 0)
    size = int(segments[-1].stem)
    if isinstance(frame, FrameDamage) or frame.kind is not FrameKind.COMMIT or frame.index != size:
        return None
    return TileTree.load(store, places.leaf_tile, size=size, root=frame.data)
