import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from finsvc.domain.errors import StateError
from finsvc.marketdata.build import build_snapshot, snapshot_folder
from finsvc.marketdata.canonical import snapshot_digest
from finsvc.marketdata.market import SnapshotMarket
from finsvc.marketdata.second_reader import SecondMarket
from finsvc.marketdata.sources import PINNED_DIGEST, SOURCES
from finsvc.marketdata.tables import frame_columns


def quiet(message: str) -> None:
    assert message


def test_pinned_digest_is_that_of_the_pinned_tables() -> None:
    assert snapshot_digest({source.table: source.digest for source in SOURCES}) == PINNED_DIGEST


def test_build_writes_a_snapshot_that_loads_and_leaves_nothing_else(tmp_path: Path) -> None:
    digest = build_snapshot(tmp_path, quiet)
    assert digest == PINNED_DIGEST
    folder = snapshot_folder(tmp_path, digest)
    assert list(tmp_path.iterdir()) == [folder]
    assert sorted(path.name for path in folder.iterdir()) == [
        "fx.parquet",
        "index.parquet",
        "manifest.json",
        "prices.parquet",
    ]
    assert SnapshotMarket(folder).snapshot == digest


def test_manifest_states_sources_rows_and_ranges(tmp_path: Path) -> None:
    folder = snapshot_folder(tmp_path, build_snapshot(tmp_path, quiet))
    tables = json.loads((folder / "manifest.json").read_text())["tables"]
    assert tables["prices"]["rows"] == 8313
    assert len(tables["prices"]["columns"]) == 20
    assert tables["prices"]["package"] == "skfolio"
    assert tables["prices"]["version"] == "1.12.2"
    assert (tables["index"]["first"], tables["index"]["last"]) == ("1990-01-02", "2022-12-28")
    assert (tables["fx"]["first"], tables["fx"]["last"]) == ("1999-01-04", "2026-10-30")
    assert len(tables["fx"]["columns"]) == 41


def test_build_reuses_an_intact_snapshot(tmp_path: Path) -> None:
    folder = snapshot_folder(tmp_path, build_snapshot(tmp_path, quiet))
    before = (folder / "manifest.json").stat().st_mtime_ns
    messages: list[str] = []
    build_snapshot(tmp_path, messages.append)
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    assert messages == ["checking the market-data snapshot"]


def test_build_replaces_a_damaged_snapshot_and_says_so(tmp_path: Path) -> None:
    folder = snapshot_folder(tmp_path, build_snapshot(tmp_path, quiet))
    (folder / "fx.parquet").write_bytes(b"damaged")
    messages: list[str] = []
    build_snapshot(tmp_path, messages.append)
    assert any("anew" in message and "fx.parquet" in message for message in messages)
    SnapshotMarket(folder)


def test_build_refuses_a_source_whose_content_drifted(tmp_path: Path) -> None:
    drifted = (*SOURCES[:2], dataclasses.replace(SOURCES[2], digest="0" * 64))
    with pytest.raises(StateError, match=f"expected content digest {'0' * 64}, got f78ba4ad"):
        build_snapshot(tmp_path, quiet, sources=drifted)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "9.9"}, "expected the package skfolio 9.9, got version 1.12.2"),
        ({"package": "no-such-package"}, "expected the package no-such-package 1.12.2, got none"),
        ({"resource": "skfolio/none.gz"}, "expected a readable file skfolio/none.gz"),
        ({"resource": "skfolio/__init__.py"}, "skfolio skfolio/__init__.py"),
    ],
)
def test_build_refuses_a_source_that_is_not_the_pinned_one(
    tmp_path: Path, change: dict[str, str], message: str
) -> None:
    source = dataclasses.replace(SOURCES[2], **change)
    with pytest.raises(StateError, match=message):
        build_snapshot(tmp_path, quiet, sources=(source,))


def test_build_into_a_place_that_cannot_be_written_is_a_state_error(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    with pytest.raises(StateError, match="expected a writable folder"):
        build_snapshot(occupied / "below", quiet)


def flip_last_byte(folder: Path) -> None:
    path = folder / "prices.parquet"
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(bytes(raw))


def remove_file(folder: Path) -> None:
    (folder / "index.parquet").unlink()


def remove_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def break_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": "finsvc-snapshot-v1"}')


def rename_digest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace(PINNED_DIGEST, "sha256:" + "1" * 64))


def replace_with_garbage_and_fix_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    (folder / "fx.parquet").write_bytes(b"garbage")
    manifest["tables"]["fx"]["file_sha256"] = hashlib.sha256(b"garbage").hexdigest()
    path.write_text(json.dumps(manifest))


DAMAGES: list[Callable[[Path], None]] = [
    flip_last_byte,
    remove_file,
    remove_manifest,
    break_manifest,
    rename_digest,
    replace_with_garbage_and_fix_manifest,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_snapshot_is_refused_by_both_readers(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = snapshot_folder(tmp_path, build_snapshot(tmp_path, quiet))
    damage(folder)
    with pytest.raises(StateError, match="snapshot"):
        SnapshotMarket(folder)
    with pytest.raises(StateError, match="snapshot"):
        SecondMarket(folder, expected=PINNED_DIGEST)


def test_altered_content_with_a_consistent_manifest_is_refused(tmp_path: Path) -> None:
    folder = snapshot_folder(tmp_path, build_snapshot(tmp_path, quiet))
    path = folder / "prices.parquet"
    frame = pl.read_parquet(path)
    frame.with_columns(pl.col("AAPL") * 1.01).write_parquet(path)
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = manifest["tables"]["prices"]
    entry["file_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StateError, match="expected content digest"):
        SnapshotMarket(folder)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.0, -1.0])
def test_table_with_a_price_that_is_none_is_refused(bad: float) -> None:
    frame = pl.DataFrame({"date": ["2022-01-03", "2022-01-04"], "X": [1.0, bad]}).with_columns(
        pl.col("date").str.to_date()
    )
    with pytest.raises(StateError, match="column X"):
        frame_columns(frame, table="prices")


def test_table_with_unordered_dates_is_refused() -> None:
    frame = pl.DataFrame({"date": ["2022-01-04", "2022-01-03"], "X": [1.0, 1.0]}).with_columns(
        pl.col("date").str.to_date()
    )
    with pytest.raises(StateError, match="ascending"):
        frame_columns(frame, table="prices")
