"""Comparing derived files with what the segments give; used by verification, which reports them."""

import re
from collections.abc import Iterator
from pathlib import Path

from audit.layout import TIMESTAMPS
from audit.places import PLACES, decode_places, find_places, places_path
from audit.rfc6962 import Tree
from audit.scan import Scan
from audit.search import SEARCH_FILES
from audit.tiles import TILE_HASHES, TILE_LEVELS, TILES, tile_path

_PATTERNS = (
    rf"{TILES}/\d{{1,2}}/(x\d{{3}}/)*\d{{3}}(\.p/\d{{1,3}})?",
    rf"{PLACES}/\d{{12}}\.idx",
    rf"{TIMESTAMPS}/\d{{12}}\.(note|tsr)",
    *(re.escape(name) for name in SEARCH_FILES),
)
_KNOWN = re.compile("|".join(_PATTERNS))


def is_derived(relative: str) -> bool:
    """Say whether a path below the log's directory is that of a derived file or of evidence."""
    return _KNOWN.fullmatch(relative) is not None


def check_derived(directory: Path, scan: Scan, *, is_complete: bool) -> Iterator[tuple[str, str]]:
    """Yield path and finding of each derived file that is not what the segments give.

    Args:
        directory: The log's directory.
        scan: All of its segments.
        is_complete: Whether no writer is at work, which may be about to write some.
    """
    yield from _check_tiles(directory, scan.tree, is_complete=is_complete)
    for path, following in zip(scan.segments, scan.segments[1:], strict=False):
        first = int(path.stem)
        name = str(places_path(directory, first).relative_to(directory))
        file = directory / name
        count = int(following.stem) - first
        found = decode_places(file.read_bytes(), count=count) if file.is_file() else None
        if found != find_places(path.read_bytes()):
            yield name, "it is absent or damaged, and is made again when it is needed"


def _check_tiles(directory: Path, tree: Tree, *, is_complete: bool) -> Iterator[tuple[str, str]]:
    level = 0
    while tree.size >> TILE_LEVELS * level:
        count = tree.size >> TILE_LEVELS * level
        for number in range(-(-count // TILE_HASHES)):
            first = number * TILE_HASHES
            width = min(count - first, TILE_HASHES)
            path = tile_path(directory, level, number, width)
            hashes = (tree.node(TILE_LEVELS * level, first + n) for n in range(width))
            if path.is_file():
                if path.read_bytes() != b"".join(hashes):
                    yield str(path.relative_to(directory)), "it is not what the entries give"
            elif is_complete:
                yield str(path.relative_to(directory)), "it is absent"
        level += 1
