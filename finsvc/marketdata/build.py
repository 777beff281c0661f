"""Building a snapshot: pinned sources in, one content-addressed folder out."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from finsvc.domain.errors import StateError
from finsvc.domain.identifiers import SnapshotDigest
from finsvc.marketdata.canonical import snapshot_digest, table_digest
from finsvc.marketdata.manifest import FORMAT, MANIFEST_NAME, Manifest, TableEntry
from finsvc.marketdata.sources import DATE, SOURCES, Source, read_resource
from finsvc.marketdata.tables import frame_columns, load_tables

Progress = Callable[[str], None]


def snapshot_folder(target_dir: Path, digest: SnapshotDigest) -> Path:
    """Folder of a snapshot below the folder of all snapshots."""
    return target_dir / digest.replace(":", "-")


def build_snapshot(
    target_dir: Path, progress: Progress, *, sources: Sequence[Source] = SOURCES
) -> SnapshotDigest:
    """Make sure that the snapshot of the pinned sources exists and is intact.

    An intact snapshot is reused; a damaged one is built anew. The folder appears under its name
    only when it is complete and durable.

    Raises:
        StateError: a source differs from its pin, or ``target_dir`` cannot be written.
    """
    digest = snapshot_digest({source.table: source.digest for source in sources})
    folder = snapshot_folder(target_dir, digest)
    if folder.exists():
        progress("checking the market-data snapshot")
        try:
            load_tables(folder, digest)
        except StateError as error:
            progress(f"building the market-data snapshot anew: {error}")
        else:
            return digest
    try:
        target_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=target_dir) as temporary:
            _write(Path(temporary), digest, sources, progress)
            _publish(Path(temporary), folder, digest)
    except OSError as error:
        raise StateError(
            f"market data: expected a writable folder {target_dir}, got {error.strerror}"
        ) from error
    return digest


def _write(
    folder: Path, digest: SnapshotDigest, sources: Sequence[Source], progress: Progress
) -> None:
    entries = {}
    for source in sources:
        progress(f"reading the {source.content}")
        entries[source.table] = _write_table(folder, source)
    manifest = Manifest(format=FORMAT, digest=digest, tables=entries)
    _write_durably(folder / MANIFEST_NAME, manifest.model_dump_json(indent=2).encode() + b"\n")


def _write_table(folder: Path, source: Source) -> TableEntry:
    raw = read_resource(source)
    try:
        frame = source.read(raw)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise StateError(f"market data: {source.package} {source.resource}: {error}") from error
    actual = table_digest(frame_columns(frame, table=source.table))
    if actual != source.digest:
        raise StateError(
            f"market data: {source.package} {source.version}, {source.resource}:"
            f" expected content digest {source.digest}, got {actual}"
        )
    path = folder / f"{source.table}.parquet"
    frame.write_parquet(path)
    written = path.read_bytes()
    _write_durably(path, written)
    return TableEntry(
        file=path.name,
        file_sha256=hashlib.sha256(written).hexdigest(),
        digest=actual,
        rows=frame.height,
        columns=tuple(name for name in frame.columns if name != DATE),
        first=frame[DATE].item(0),
        last=frame[DATE].item(-1),
        package=source.package,
        version=source.version,
        resource=source.resource,
        resource_sha256=hashlib.sha256(raw).hexdigest(),
        content=source.content,
    )


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _publish(temporary: Path, folder: Path, digest: SnapshotDigest) -> None:
    _sync_folder(temporary)
    # mkdtemp makes the folder private; a snapshot is readable like any file of its owner's umask.
    temporary.chmod(0o755)
    if folder.exists():
        try:
            load_tables(folder, digest)
        except StateError:
            shutil.rmtree(folder)
        else:
            # Another process published the same content in the meantime.
            return
    temporary.rename(folder)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
