"""The tree on disk, as C2SP tlog-tiles, with its right edge in memory.

Tiles are derived from the segments. A tile is checked before it is used, by its parent up to the
edge, and the edge by the root of a commit frame; one that fails is made again from the segments.
Memory does not grow with the log: the edge, a cache of tiles, and tiles not yet written.

Source: C2SP tlog-tiles.md.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audit.errors import CorruptLogError
from audit.filesystem import FileSystem, write_file
from audit.rfc6962 import HASH_BYTES, Tree, climb

TILES = "tile"
TILE_LEVELS = 8
TILE_HASHES = 1 << TILE_LEVELS
TILE_BYTES = TILE_HASHES * HASH_BYTES

_CACHED_TILES_MAX = 64

_logger = logging.getLogger(__name__)

Rows = list[bytearray]
LeafSource = Callable[[int], bytes]


def tile_path(directory: Path, level: int, number: int, width: int = TILE_HASHES) -> Path:
    """Where a tile lies in a log's directory.

    Args:
        directory: The log's directory.
        level: Tile level; its hashes are those of tree level 8 times this.
        number: Position among the tiles of the level.
        width: Number of hashes; below 256 the tile is partial.
    """
    groups = [f"{number % 1_000:03d}"]
    while number := number // 1_000:
        groups.append(f"x{number % 1_000:03d}")
    path = directory.joinpath(TILES, str(level), *reversed(groups))
    return path if width == TILE_HASHES else path.with_name(path.name + ".p") / str(width)


def build_rows(data: bytes) -> Rows:
    """Return the rows of a tile: its hashes, and above them those of complete subtrees."""
    rows: Rows = [bytearray() for _ in range(TILE_LEVELS + 1)]
    for index in range(len(data) // HASH_BYTES):
        climb(rows, data[index * HASH_BYTES : (index + 1) * HASH_BYTES], index)
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class TileStore:
    """Tiles of one log on disk.

    Attributes:
        directory: The log's directory.
        files: System calls for writing; None where the log is only read.
    """

    directory: Path
    files: FileSystem | None = None

    def read(self, level: int, number: int, width: int = TILE_HASHES) -> bytes | None:
        """Return a tile's bytes, unchecked; None where there is none of that length."""
        for candidate in {width: None, TILE_HASHES: None}:
            try:
                data = tile_path(self.directory, level, number, candidate).read_bytes()
            except OSError:
                continue
            if len(data) == candidate * HASH_BYTES:
                return data[: width * HASH_BYTES]
        return None

    def write(self, level: int, number: int, data: bytes, *, is_synced: bool = False) -> None:
        """Write a tile, unless it is there already or the log is only read."""
        width = len(data) // HASH_BYTES
        path = tile_path(self.directory, level, number, width)
        if self.files is None or _holds(path, data):
            return
        folders = [path.parent]
        while folders[-1] != self.directory:
            folders.append(folders[-1].parent)
        for folder in reversed(folders):
            if not folder.exists():
                self.files.make_directory(folder)
        write_file(self.files, path, data, is_synced=is_synced)
        if is_synced:
            for folder in folders:
                self.files.sync_directory(folder)


class TileTree(Tree):
    """A tree whose complete tiles lie on disk. Not thread-safe where it is appended to."""

    def __init__(self, store: TileStore, leaf_tile: LeafSource) -> None:
        """Start an empty tree.

        Args:
            store: Tiles on disk.
            leaf_tile: Gives the 8,192 bytes of a full level-0 tile, from the segments.
        """
        super().__init__()
        self._store = store
        self._leaf_tile = leaf_tile
        self._size = 0
        self._edge: list[Rows] = [build_rows(b"")]
        self._unwritten: dict[tuple[int, int], Rows] = {}
        self._cache: OrderedDict[tuple[int, int], Rows] = OrderedDict()
        self.mended: list[str] = []

    @classmethod
    def load(
        cls, store: TileStore, leaf_tile: LeafSource, *, size: int, root: bytes
    ) -> "TileTree | None":
        """Take up a tree at an earlier size; None where the edge on disk is not that of the root.

        Args:
            store: Tiles on disk.
            leaf_tile: As for the constructor.
            size: A size at which partial tiles were written.
            root: Its root, from a commit frame.
        """
        tree = cls(store, leaf_tile)
        edge = []
        for level in range(max(size.bit_length() - 1, 0) // TILE_LEVELS + 1):
            number, width = divmod(size >> TILE_LEVELS * level, TILE_HASHES)
            data = store.read(level, number, width) if width else b""
            if data is None:
                return None
            edge.append(build_rows(data))
        tree._size, tree._edge = size, edge
        return tree if tree.root() == root else None

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        level, item, count = 0, leaf, self._size
        self._size += 1
        while True:
            if level == len(self._edge):
                self._edge.append(build_rows(b""))
            rows = self._edge[level]
            climb(rows, item, count % TILE_HASHES)
            if count % TILE_HASHES != TILE_HASHES - 1:
                return
            self._unwritten[level, count // TILE_HASHES] = rows
            self._edge[level] = build_rows(b"")
            item, level, count = bytes(rows[TILE_LEVELS]), level + 1, count // TILE_HASHES

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree.

        Raises:
            CorruptLogError: A tile is damaged, and the segments do not give it back.
        """
        tile_level, row = divmod(level, TILE_LEVELS)
        number = (index << row) // TILE_HASHES
        if number == self._size >> TILE_LEVELS * (tile_level + 1):
            rows = self._edge[tile_level]
        else:
            rows = self._full(tile_level, number)
        offset = (index - (number * TILE_HASHES >> row)) * HASH_BYTES
        return bytes(rows[row][offset : offset + HASH_BYTES])

    def flush(self) -> None:
        """Write the tiles that became full; call once their entries are durable."""
        for (level, number), rows in self._unwritten.items():
            self._store.write(level, number, bytes(rows[0]))
            self._remember(level, number, rows)
        if self._store.files is not None:
            self._unwritten.clear()

    def flush_edge(self) -> None:
        """Write the partial tiles durably, so that `load` can go on from this size."""
        self.flush()
        for level, rows in enumerate(self._edge):
            if rows[0]:
                number = self._size >> TILE_LEVELS * (level + 1)
                self._store.write(level, number, bytes(rows[0]), is_synced=True)

    def _full(self, level: int, number: int) -> Rows:
        """Return a full tile, checked."""
        rows = self._unwritten.get((level, number)) or self._cache.get((level, number))
        if rows is None:
            expected = self.node(TILE_LEVELS * (level + 1), number)
            data = self._store.read(level, number)
            rows = build_rows(data) if data is not None else None
            if rows is None or rows[TILE_LEVELS] != expected:
                rows = self._mend(level, number, expected)
        self._remember(level, number, rows)
        return rows

    def _mend(self, level: int, number: int, expected: bytes) -> Rows:
        for is_from_segments in (False, True):
            rows = build_rows(self._derive(level, number, is_from_segments=is_from_segments))
            if rows[TILE_LEVELS] == expected:
                break
        else:
            first = number * TILE_HASHES << TILE_LEVELS * level
            raise CorruptLogError(
                self._store.directory, "the entries from here do not give the tree", index=first
            )
        path = tile_path(self._store.directory, level, number)
        self.mended.append(str(path.relative_to(self._store.directory)))
        _logger.warning("audit_tile_rebuilt", extra={"level": level, "number": number})
        self._store.write(level, number, bytes(rows[0]))
        return rows

    def _derive(self, level: int, number: int, *, is_from_segments: bool) -> bytes:
        """Return a tile's hashes from the tiles below, or all the way from the segments."""
        if level == 0:
            return self._leaf_tile(number)
        roots = []
        for child in range(number * TILE_HASHES, (number + 1) * TILE_HASHES):
            data = None if is_from_segments else self._store.read(level - 1, child)
            if data is None:
                data = self._derive(level - 1, child, is_from_segments=is_from_segments)
            roots.append(bytes(build_rows(data)[TILE_LEVELS]))
        return b"".join(roots)

    def _remember(self, level: int, number: int, rows: Rows) -> None:
        self._cache[level, number] = rows
        self._cache.move_to_end((level, number))
        if len(self._cache) > _CACHED_TILES_MAX:
            self._cache.popitem(last=False)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False
