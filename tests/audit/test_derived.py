"""Tiles, place files and search index: derived from the segments, checked and made again."""

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import AuditError, CorruptLogError, LogBusyError, LogFailedError
from audit.filesystem import RealFileSystem
from audit.indexer import Indexer
from audit.log import Log
from audit.places import SegmentPlaces, decode_places, encode_places, find_places
from audit.rfc6962 import MerkleTree, leaf_hash, verify_inclusion
from audit.search import Query, Row, SearchIndex
from audit.segment import encode_header, segment_path
from audit.tiles import TileStore, TileTree, tile_path
from audit.verify import Reason, verify_directory
from tests.audit.support import make_log, make_record, make_signer, options
from tests.data import test_data

SIGNER = make_signer()
NUM_ENTRIES = 700


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """700 entries in several segments: two full tiles, and place files."""
    folder = tmp_path_factory.mktemp("built")
    log = make_log(folder, segment_bytes_max=200_000)
    for begin in range(0, NUM_ENTRIES, 100):
        log.append_many(make_record(number) for number in range(begin, begin + 100))
    log.close()
    return folder / "log"


@pytest.fixture
def log(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "log"))


def open_log(directory: Path) -> Log:
    return Log.open(directory, signer=SIGNER, options=options(segment_bytes_max=200_000))


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4)) for number in range(count)]


def no_leaves(number: int) -> bytes:
    raise AssertionError(number)


def check_log(log: Log) -> None:
    for index in (0, 255, 256, 511, 512, NUM_ENTRIES - 1):
        assert log.read(index).statement.id == f"decision-{index}"
        log.receipt(index).verify([SIGNER.verifier], entry=log.envelope(index))
    assert log.verify().ok


def test_built_log_has_all_derived_files_and_they_are_right(built: Path):
    assert tile_path(built, 0, 1).is_file()
    assert tile_path(built, 0, 2, NUM_ENTRIES - 512).is_file()
    assert tile_path(built, 1, 0, 2).is_file()
    assert len(list((built / "places").iterdir())) == len(list((built / "segments").iterdir())) - 1
    report = verify_directory(built)
    assert (report.ok, report.warnings) == (True, [])


def test_tile_tree_equals_the_tree_in_memory(tmp_path):
    plain = MerkleTree()
    tree = TileTree(TileStore(directory=tmp_path), no_leaves)
    for number, leaf in enumerate(leaves(1_500)):
        plain.append(leaf)
        tree.append(leaf)
        if number % 97 == 0 or number in (254, 255, 256, 511, 512):
            assert tree.root() == plain.root()
    for index, size in ((0, 1_500), (255, 256), (256, 257), (1_499, 1_500), (700, 1_111)):
        assert tree.inclusion_proof(index, size) == plain.inclusion_proof(index, size)
        assert tree.consistency_proof(index, size) == plain.consistency_proof(index, size)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [1, 8, 12, 15])
def test_tiles_of_a_public_log_load_at_each_of_its_checkpoints(size: int):
    folder = test_data("audit/tlog-tiles/tessera-testlog")
    body = (folder / f"checkpoint.{size}").read_text().partition("\n\n")[0] + "\n"
    checkpoint = Checkpoint.parse_body(body)
    store = TileStore(directory=folder)
    tree = TileTree.load(store, no_leaves, size=size, root=checkpoint.root)
    assert tree is not None
    verify_inclusion(
        leaf=tree.leaf(0),
        index=0,
        size=size,
        proof=tree.inclusion_proof(0, size),
        root=checkpoint.root,
    )


def test_tile_path_groups_digits_as_c2sp_does(tmp_path):
    assert tile_path(tmp_path, 0, 1_234_067).relative_to(tmp_path) == Path("tile/0/x001/x234/067")
    assert tile_path(tmp_path, 2, 0, 7).relative_to(tmp_path) == Path("tile/2/000.p/7")


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600])
def test_tile_tree_loads_from_its_edge(tmp_path, size: int):
    store = TileStore(directory=tmp_path, files=RealFileSystem())
    tree = TileTree(store, no_leaves)
    for leaf in leaves(size):
        tree.append(leaf)
    tree.flush_edge()
    loaded = TileTree.load(store, no_leaves, size=size, root=tree.root())
    assert loaded is not None
    for leaf in leaves(20):
        tree.append(leaf)
        loaded.append(leaf)
    assert loaded.root() == tree.root()
    assert TileTree.load(store, no_leaves, size=size, root=b"\0" * 32) is None


def damage(path: Path, kind: str) -> None:
    data = bytearray(path.read_bytes())
    if kind == "deleted":
        path.unlink()
    elif kind == "cut":
        path.write_bytes(data[:-5])
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


@pytest.mark.parametrize("kind", ["flipped", "deleted", "cut"])
@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001", "places"])
def test_damaged_derived_file_is_reported_mended_and_no_problem(log: Path, name: str, kind: str):
    path = sorted((log / "places").iterdir())[0] if name == "places" else log / name
    damage(path, kind)
    report = verify_directory(log)
    assert report.ok
    assert [(w.reason, w.path) for w in report.warnings] == [
        (Reason.DERIVED, str(path.relative_to(log)))
    ]
    with Log.open(log) as reader:
        check_log_entries(reader)
    with open_log(log) as opened:
        check_log_entries(opened)
        assert opened.mended == (str(path.relative_to(log)),)
    assert verify_directory(log).warnings == []


def check_log_entries(log: Log) -> None:
    for index in range(0, NUM_ENTRIES, 31):
        assert log.read(index).statement.id == f"decision-{index}"
        log.receipt(index).verify([SIGNER.verifier])


@pytest.mark.parametrize("kind", ["flipped", "deleted"])
def test_damaged_edge_makes_opening_read_everything(log: Path, kind: str):
    boundary = int(sorted((log / "segments").iterdir())[-1].stem)
    damage(tile_path(log, 0, boundary // 256, boundary % 256), kind)
    with open_log(log) as opened:
        check_log_entries(opened)
        assert "tile" in opened.mended
    with open_log(log) as opened:
        assert opened.mended == ()
    shutil.rmtree(log / "tile")
    with Log.open(log) as reader:
        check_log_entries(reader)
    assert not (log / "tile").exists()


def test_damaged_end_of_the_sealed_segment_is_named(log: Path):
    path = sorted((log / "segments").iterdir())[-2]
    damage(path, "cut")
    with pytest.raises(CorruptLogError):
        open_log(log)


def test_entry_lost_from_a_sealed_segment_is_named_when_it_is_read(log: Path):
    path = segment_path(log, 0)
    path.write_bytes(path.read_bytes()[:20] + path.read_bytes()[-49:])
    with Log.open(log) as reader:
        shutil.rmtree(log / "places")
        with pytest.raises(CorruptLogError) as caught:
            reader.read(3)
        assert caught.value.index == 3


def test_upper_tile_is_made_again_from_those_below_or_from_the_entries(tmp_path):
    count = 256 * 256 + 300
    store = TileStore(directory=tmp_path, files=RealFileSystem())
    hashes = [number.to_bytes(32) for number in range(count)]

    def leaf_tile(number: int) -> bytes:
        return b"".join(hashes[number * 256 : (number + 1) * 256])

    tree = TileTree(store, leaf_tile)
    for leaf in hashes:
        tree.append(leaf)
    tree.flush_edge()
    root = tree.root()
    proof = tree.inclusion_proof(300, count)
    for broken in ([(1, 0)], [(1, 0), (0, 7)], [(1, 0), (0, 1)]):
        for level, number in broken:
            damage(tile_path(tmp_path, level, number), "flipped")
        loaded = TileTree.load(store, leaf_tile, size=count, root=root)
        assert loaded.inclusion_proof(300, count) == proof
        assert loaded.mended
        tile_path(tmp_path, 0, 7).write_bytes(leaf_tile(7))
    tile_path(tmp_path, 1, 0).unlink()
    tile_path(tmp_path, 0, 9).unlink()
    hashes[9 * 256] = b"x" * 32
    loaded = TileTree.load(store, leaf_tile, size=count, root=root)
    with pytest.raises(CorruptLogError):
        loaded.inclusion_proof(300, count)


def test_place_file_round_trips_and_refuses_anything_else():
    places = SegmentPlaces(find_places(b"").starts, 20)
    places.starts.extend([20, 70, 5_000_000_000])
    data = encode_places(places)
    assert decode_places(data, count=3) == places
    assert decode_places(data, count=2) is None
    assert decode_places(data + b"x", count=3) is None
    for offset in range(len(data)):
        changed = bytearray(data)
        changed[offset] ^= 1
        assert decode_places(bytes(changed), count=3) is None


def test_place_file_that_lies_with_a_right_checksum_is_mended(log: Path):
    first, second = sorted((log / "places").iterdir())[:2]
    count = int(second.stem)
    places = decode_places(first.read_bytes(), count=count)
    places.starts.reverse()
    first.write_bytes(encode_places(places))
    with open_log(log) as opened:
        assert opened.read(0).statement.id == "decision-0"
    places.starts[0] = 20 + 10**9
    first.write_bytes(encode_places(places))
    with open_log(log) as opened:
        assert opened.read(0).statement.id == "decision-0"


def test_places_of_many_segments_stay_few_in_memory(tmp_path):
    with make_log(tmp_path, num_records=60, segment_bytes_max=500) as log:
        for index in range(60):
            log.read(index)
        assert len(log._state.places._sealed) <= 16


def test_commit_frame_of_an_unfinished_segment_is_no_boundary(log: Path):
    """A new segment whose name does not follow from the one before is damage."""
    last = sorted((log / "segments").iterdir())[-1]
    path = segment_path(log, int(last.stem) + 1)
    path.write_bytes(encode_header(int(last.stem) + 1))
    with pytest.raises(CorruptLogError):
        open_log(log)


def query_rows(index: SearchIndex, **arguments: object) -> list[int]:
    return index.find(Query(**arguments))


@pytest.mark.parametrize("key", [None, b"k" * 32], ids=["plain", "keyed"])
def test_search_index_finds_by_everything(tmp_path, key):
    index = SearchIndex(tmp_path / "index", search_key=key, is_read_only=False)
    rows = [
        Row(
            index=n,
            type=f"t{n % 2}",
            id=f"id{n // 2}",
            utc_ns=n * 10,
            terms=(("book", f"b{n % 3}"),),
        )
        for n in range(12)
    ]
    index.add(rows, size=12, root=b"r")
    index.add(rows[3:5], size=12, root=b"r")
    assert index.complete() == (12, b"r")
    assert query_rows(index, id="id1") == [2, 3]
    assert query_rows(index, type="t1", terms={"book": "b0"}) == [3, 9]
    assert query_rows(index, since_ns=30, until_ns=60) == [3, 4, 5]
    # Years that SQLite's integers cannot count to bound nothing, or let nothing through.
    assert query_rows(index, since_ns=30, until_ns=1 << 70) == query_rows(index, since_ns=30)
    assert query_rows(index, since_ns=1 << 70) == []
    assert query_rows(index, since_ns=-1 << 70, until_ns=60) == query_rows(index, until_ns=60)
    assert query_rows(index) == list(range(12))
    index.remove_terms([3])
    assert query_rows(index, type="t1", terms={"book": "b0"}) == [9]
    index.close()
    data = (tmp_path / "index").read_bytes()
    assert (b"book=b1" in data) is (key is None)
    reader = SearchIndex(tmp_path / "index", search_key=key, is_read_only=True)
    assert query_rows(reader, id="id1") == [2, 3]
    reader.close()


def test_search_by_reader_beside_a_writer_sees_the_latest(tmp_path):
    with make_log(tmp_path, num_records=3) as log:
        assert log.find("decision-2") == (2,)
        with Log.open(tmp_path / "log") as reader:
            assert reader.find("decision-1") == (1,)
            log.append(make_record(1))
            assert reader.find("decision-1") == (1,)
        with Log.open(tmp_path / "log") as reader:
            assert reader.find("decision-1") == (1, 3)
            assert reader.search(Query(type="nothing")) == ()
    shutil.rmtree(tmp_path / "log" / "search.sqlite", ignore_errors=True)


@pytest.mark.parametrize("kind", ["absent", "damaged", "another log's"])
def test_search_with_a_damaged_index_answers_all_the_same(tmp_path, kind: str):
    make_log(tmp_path, num_records=3).close()
    path = tmp_path / "log" / "search.sqlite"
    path.unlink()
    if kind == "damaged":
        path.write_bytes(b"no database" * 100)
    elif kind != "absent":
        other = SearchIndex(path, search_key=None, is_read_only=False)
        other.add([], size=2, root=b"another root")
        other.close()
    with Log.open(tmp_path / "log") as reader:
        assert reader.find("decision-2") == (2,)
    with Log.open(tmp_path / "log", signer=SIGNER) as log:
        assert log.find("decision-2") == (2,)
        log.append(make_record(7))
        assert log.find("decision-7") == (3,)
        assert log.mended == (() if kind == "absent" else ("search.sqlite",))


class Broken(SearchIndex):
    """Fails once it is in use."""

    def find(self, query: Query) -> list[int]:
        raise sqlite3.OperationalError("disk I/O error")

    def remove_terms(self, indices) -> None:
        raise sqlite3.OperationalError("disk I/O error")


def make_indexer(folder: Path, *, is_writer: bool = True, read_row=None) -> Indexer:
    return Indexer(
        folder,
        search_key=None,
        is_writer=is_writer,
        read_row=read_row or (lambda index: Row(index=index, type="t", id=str(index), utc_ns=1)),
        root_at=lambda size: bytes([size % 256]),
    )


@pytest.mark.parametrize("is_writer", [True, False])
def test_indexer_makes_an_index_that_fails_in_use_again(tmp_path, is_writer: bool):
    indexer = make_indexer(tmp_path, is_writer=is_writer)
    indexer.grow(5)
    path = tmp_path / "broken"
    indexer._index = Broken(path, search_key=None, is_read_only=False)
    assert indexer.find(Query(id="3")) == (3,)
    indexer._index.close()
    indexer._index = Broken(path, search_key=None, is_read_only=False)
    indexer.remove_terms([1])
    assert indexer.find(Query(id="4")) == (4,)
    indexer.close()
    indexer.close()


def test_indexer_whose_disk_fails_reports_and_goes_on(tmp_path, caplog):
    def read_row(index: int) -> Row:
        raise CorruptLogError(tmp_path, "damaged", index=index)

    indexer = make_indexer(tmp_path, read_row=read_row)
    indexer.extend([], size=3)
    indexer.close()
    assert "audit_index_failed" in caplog.text


def test_indexer_takes_rows_it_was_given_and_reads_the_others(tmp_path):
    read = []

    def read_row(index: int) -> Row:
        read.append(index)
        return Row(index=index, type="t", id=str(index), utc_ns=1)

    indexer = make_indexer(tmp_path, read_row=read_row)
    indexer.grow(2)
    given = [Row(index=n, type="t", id=f"given {n}", utc_ns=1) for n in (1, 3, 4)]
    indexer._waiting.extend(given[:1])
    indexer.grow(5)
    assert indexer.find(Query(id="given 1")) == (1,)
    indexer._waiting.extend([given[1], Row(index=6, type="t", id="given 6", utc_ns=1)])
    indexer.grow(7)
    assert indexer.find(Query(id="given 6")) == (6,)
    assert read == [0, 2, 3, 4, 5]
    indexer._waiting.extend([given[0]] * 20_000)
    indexer.extend(given, size=8)
    assert indexer.find(Query(id="7")) == (7,)
    indexer.close()


def test_append_with_too_many_waiting_is_told_to_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr("audit.committer.WAITING_RECORDS_MAX", 3)
    with make_log(tmp_path) as log:
        gate = threading.Event()
        real = log._committer._commit
        log._committer._commit = lambda *batch: (gate.wait(), real(*batch))[1]
        threads = [
            threading.Thread(target=lambda n=n: log.append(make_record(n))) for n in range(3)
        ]
        for thread in threads:
            thread.start()
        with pytest.raises(LogBusyError) as caught:
            log.append_many(make_record(n) for n in range(10, 14))
        assert isinstance(caught.value, AuditError)
        assert caught.value.num_waiting <= 3
        gate.set()
        for thread in threads:
            thread.join()
        assert log.size == 3
    with pytest.raises(LogFailedError, match="closed"):
        log.append(make_record(9))


def test_checkpoint_torn_by_a_crash_is_written_again(tmp_path):
    log = make_log(tmp_path, num_records=3)
    note = log.checkpoint()
    log.close()
    (tmp_path / "log" / "lock").write_bytes(b"W")
    (tmp_path / "log" / "checkpoint").write_text(note[:40])
    report = verify_directory(tmp_path / "log")
    assert report.ok
    assert [warning.path for warning in report.warnings] == ["checkpoint"]
    with pytest.raises(LogFailedError, match="torn"):
        Log.open(tmp_path / "log")
    with Log.open(tmp_path / "log", signer=SIGNER, options=options()) as log:
        assert log.size == 3
    assert verify_directory(tmp_path / "log").warnings == []


def test_tree_keeps_few_ragged_hashes(monkeypatch):
    monkeypatch.setattr("audit.rfc6962._RAGGED_MAX", 8)
    tree = MerkleTree()
    for leaf in leaves(300):
        tree.append(leaf)
        tree.root()
    assert len(tree._ragged) <= 8


def test_leaf_tile_of_entries_that_are_gone_is_named(log: Path):
    data = segment_path(log, 0).read_bytes()
    shutil.rmtree(log / "places")
    with Log.open(log) as reader:
        segment_path(log, 0).write_bytes(data[:2_000])
        with pytest.raises(CorruptLogError, match="missing"):
            reader._state.places.leaf_tile(0)


def test_indexer_without_an_index_starts_one(tmp_path):
    indexer = make_indexer(tmp_path)
    indexer._start_again(sqlite3.OperationalError("gone"))
    assert indexer.find(Query()) == ()
    indexer.close()


def test_checkpoint_of_a_batch_that_is_followed_at_once_is_published_with_the_next(tmp_path):
    path = tmp_path / "log" / "checkpoint"
    with make_log(tmp_path, num_records=1) as log:
        first = path.read_text()
        draft = log._drafter.draft
        kept = log._commit_batch([draft(make_record(1))], lambda: True)
        # Answered with its own checkpoint, whose file may wait.
        kept[0].verify([SIGNER.verifier])
        assert (kept[0].tree_size, path.read_text()) == (2, first)
        log._commit_batch([draft(make_record(2))], lambda: False)
        assert path.read_text() == log.checkpoint()
        # Too long ago, by a clock that stands still at zero.
        log._writer._published_ns = -(10**9)
        log._commit_batch([draft(make_record(3))], lambda: True)
        assert path.read_text() == log.checkpoint()


def test_batch_whose_checkpoint_was_never_published_survives_a_kill(tmp_path):
    log = make_log(tmp_path, num_records=1)
    (receipt,) = log._commit_batch([log._drafter.draft(make_record(1))], lambda: True)
    shutil.copytree(tmp_path / "log", tmp_path / "killed" / "log")
    log.close()
    assert verify_directory(tmp_path / "killed" / "log", verifier=SIGNER.verifier).ok
    with Log.open(tmp_path / "killed" / "log", signer=SIGNER, options=options()) as opened:
        assert opened.size == 2
        assert opened.receipt(1).leaf_hash == receipt.leaf_hash


def test_many_threads_are_answered_each_with_its_own_receipt(tmp_path):
    answers = {}
    with make_log(tmp_path) as log:

        def write(worker):
            answers[worker] = [log.append(make_record(worker * 100 + n)) for n in range(10)]

        threads = [threading.Thread(target=write, args=(worker,)) for worker in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert log.size == 320
        for worker, receipts in answers.items():
            for number, receipt in enumerate(receipts):
                receipt.verify([SIGNER.verifier], entry=log.envelope(receipt.index))
                assert log.statement(receipt.index).id == f"decision-{worker * 100 + number}"
        assert (tmp_path / "log" / "checkpoint").read_text() == log.checkpoint()
