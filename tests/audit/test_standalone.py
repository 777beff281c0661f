"""The stand-alone verifier: alone on public vectors and receipts, and against the library."""

import base64
import hashlib
import json
import random
import runpy
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit import standalone
from audit.checkpoint import Checkpoint
from audit.dsse import seal
from audit.export import entry_json, write_export
from audit.layout import OPEN_MARK
from audit.log import Log
from audit.retention import Authority, Keeper
from audit.rfc6962 import MerkleTree, leaf_hash
from audit.segment import FrameKind
from audit.vault import Vault
from audit.verify import verify_directory
from tests.audit.support import (
    ORIGIN,
    PASSPHRASE,
    drop_payloads,
    make_large_record,
    make_log,
    make_record,
    make_signer,
    make_vault,
    options,
    read_frames,
    vectors,
    write_frames,
)
from tests.audit.test_cosignature import ED25519, ML_DSA
from tests.audit.test_rfc6962 import ACCEPTED_FROM_SIZE_0
from tests.audit.test_verify import write_entries
from tests.data import test_data

SIGNER = make_signer()
VKEY = SIGNER.verifier.vkey
KEY = standalone.Key.parse(VKEY)


def run(capsys, *arguments: object) -> tuple[int, dict[str, object]]:
    code = standalone.main([str(argument) for argument in arguments])
    return code, json.loads(capsys.readouterr().out or "{}")


def build(folder: Path, *, segment_bytes_max: int = 6_000, vault: bool = False) -> Path:
    """A closed log of several segments, with batches, payloads and an attachment."""
    folder.mkdir(exist_ok=True)
    keys = make_vault(folder / "vault") if vault else None
    log = make_log(folder, num_records=3, segment_bytes_max=segment_bytes_max, vault=keys)
    log.append_many(make_record(number) for number in (3, 4, 5))
    log.append(make_large_record(6))
    log.append(make_record(7, attachments={"evidence": b"some bytes"}))
    log.append_many(make_record(number) for number in (8, 9))
    log.close()
    return folder / "log"


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("clean"))


def both(directory: Path, *, trusted: tuple[str, ...] = ()) -> tuple[object, object]:
    """What the library and the stand-alone program say: whether all is right, first bad index."""
    report = verify_directory(directory, verifier=SIGNER.verifier, trusted=trusted)
    log = standalone.Log(directory, tree_only=False)
    log.run(KEY, [("trusted", note) for note in trusted])
    first = min((index for index, _ in log.problems if index is not None), default=None)
    return (report.ok, report.first_bad_index), (not log.problems, first)


def test_log_in_order_is_said_to_be(clean: Path, capsys):
    code, outcome = run(capsys, "log", clean, "--key", VKEY)
    assert (code, outcome["ok"], outcome["size"], outcome["problems"]) == (0, True, 10, [])
    assert outcome["warnings"] == []
    assert len(list((clean / "segments").iterdir())) > 1
    code, outcome = run(capsys, "log", clean, "--tree-only")
    assert (code, outcome["is_key_trusted"], outcome["size"]) == (0, False, 10)


def test_program_runs_where_there_is_no_finsvc(clean: Path, tmp_path: Path, monkeypatch):
    program = Path(shutil.copy(standalone.__file__, tmp_path / "verify_finsvc.py"))
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", program, "log", clean, "--key", VKEY],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        text=True,
    )
    assert json.loads(done.stdout)["ok"] is True
    monkeypatch.setattr("sys.argv", ["verify", "log", str(clean)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(standalone.__file__, run_name="__main__")
    assert ended.value.code == 0
    imported = [line for line in program.read_text().splitlines() if "import" in line.split()[:3]]
    assert not any(name in line for line in imported for name in ("audit", "finsvc"))


def damage(directory: Path, chance: random.Random) -> None:
    """Do to a log's files what only someone or something else than the writer does."""
    segments = sorted((directory / "segments").iterdir())
    small = [directory / name for name in ("checkpoint", "vkey", "format", "lock")]
    path = chance.choice([*segments, *segments, *segments, chance.choice(small)])
    data = bytearray(path.read_bytes() if path.exists() else b"")
    kind = chance.choice(["flip", "flip", "flip", "cut", "double", "drop", "delete", "swap"])
    place = chance.randrange(len(data) + 1)
    if kind == "delete" or not data:
        path.unlink(missing_ok=True)
        return
    if kind == "flip":
        data[min(place, len(data) - 1)] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del data[place:]
    elif kind == "drop":
        del data[place : place + chance.randrange(1, 3_000)]
    elif kind == "double":
        data[place:place] = data[place : place + chance.randrange(1, 3_000)]
    else:
        other = chance.choice(segments)
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
        return
    path.write_bytes(data)


def differences(clean: Path, folder: Path, seeds: range) -> list[object]:
    found = []
    for seed in seeds:
        chance = random.Random(seed)
        directory = Path(shutil.copytree(clean, folder / "log", dirs_exist_ok=False))
        for _ in range(chance.choice([1, 1, 1, 2])):
            damage(directory, chance)
        if chance.random() < 0.3:
            (directory / "lock").write_bytes(OPEN_MARK)
        library, alone = both(directory)
        if library != alone:
            found.append((seed, library, alone))
        shutil.rmtree(directory)
    return found


def test_library_and_program_agree_on_damaged_logs(clean: Path, tmp_path: Path):
    assert differences(clean, tmp_path, range(300)) == []


@pytest.mark.slow
def test_library_and_program_agree_on_many_damaged_logs(clean: Path, tmp_path: Path):
    assert differences(clean, tmp_path, range(300, 10_300)) == []


def test_program_and_library_agree_on_an_older_history(tmp_path: Path):
    directory = build(tmp_path / "one")
    notes = [(directory / "checkpoint").read_text()]
    shutil.copytree(directory, tmp_path / "kept")
    with Log.open(directory, signer=SIGNER, options=options()) as log:
        log.append(make_record(10))
        notes.append(log.checkpoint())
    assert both(tmp_path / "kept", trusted=tuple(notes)) == ((False, 10), (False, 10))
    shutil.rmtree(directory)
    with make_log(tmp_path / "one", num_records=0) as log:
        log.append_many(make_record(number, size=11) for number in range(12))
    assert both(directory, trusted=tuple(notes)) == ((False, 0), (False, 0))
    assert both(directory, trusted=("nonsense",)) == ((False, None), (False, None))


def test_stamped_checkpoint_of_another_history_is_found(clean: Path, tmp_path: Path):
    directory = Path(shutil.copytree(clean, tmp_path / "log"))
    (directory / "timestamps").mkdir()
    other = (directory / "checkpoint").read_text().replace("\n10\n", "\n9\n")
    (directory / "timestamps" / "000000000009.note").write_text(other)
    assert both(directory) == ((False, None), (False, None))


def test_rotated_keys_are_followed_and_others_are_not(tmp_path: Path):
    other = make_signer(seed=2)
    with make_log(tmp_path, num_records=2) as log:
        log.rotate(other)
        log.append(make_record(3))
    directory = tmp_path / "log"
    assert both(directory) == ((True, None), (True, None))
    lines = (directory / "vkey").read_text()
    for text in (lines.replace(" 3\n", " 2\n"), lines.replace(other.verifier.vkey, VKEY)):
        (directory / "vkey").write_text(text)
        library, alone = both(directory)
        assert not library[0]
        assert library == alone
    stranger = make_signer(seed=3).verifier.vkey
    (directory / "vkey").write_text(lines.replace(other.verifier.vkey, stranger))
    assert both(directory)[1] == both(directory)[0]
    (directory / "vkey").write_text(lines.splitlines()[0] + "\n")
    assert both(directory)[1] == both(directory)[0]


def test_destroyed_payloads_are_counted_and_lost_ones_are_named(tmp_path: Path):
    vault = make_vault(tmp_path / "vault")
    with make_log(tmp_path, vault=vault) as log:
        for number, name in enumerate(("client a", "client b", "client a")):
            log.append(replace(make_record(number), data_subject=name))
        keeper = Keeper(log, vault)
        now = datetime(2033, 1, 1, tzinfo=UTC)
        keeper.shred_records([1], Authority(by="dpo", reason="asked"), now=now)
        keeper.shred_subject("client a", Authority(by="dpo", reason="asked"), now=now)
    drop_payloads(tmp_path / "log")
    alone = standalone.Log(tmp_path / "log", tree_only=False)
    alone.run(KEY, [])
    assert (alone.problems, alone.num_shredded) == ([], 3)
    assert both(tmp_path / "log")[0] == (True, None)


def test_torn_tail_of_a_running_writer_is_a_warning(clean: Path, tmp_path: Path):
    directory = Path(shutil.copytree(clean, tmp_path / "log"))
    (directory / "lock").write_bytes(OPEN_MARK)
    last = sorted((directory / "segments").iterdir())[-1]
    last.write_bytes(last.read_bytes() + b"E\x00\x00")
    assert both(directory) == ((True, None), (True, None))
    log = standalone.Log(directory, tree_only=True)
    log.run(None, [])
    assert log.warnings


def test_log_that_is_none_and_arguments_that_are_none(tmp_path: Path, capsys):
    assert run(capsys, "log", tmp_path)[1]["first_bad_index"] == 0
    assert run(capsys, "log", tmp_path, "--key", VKEY)[1]["first_bad_index"] == 0
    assert run(capsys, "receipt", tmp_path / "absent", "--key", VKEY)[0] == 2
    assert run(capsys, "receipt", tmp_path, "--key", "nonsense")[0] == 2


def witnessed(note: str) -> str:
    body = note.partition("\n\n")[0] + "\n"
    head = Checkpoint.parse_body(body)
    return note + ED25519.cosign(head, time_s=7) + ML_DSA.cosign(head, time_s=8)


def test_witnesses_are_demanded(clean: Path, tmp_path: Path, capsys):
    directory = Path(shutil.copytree(clean, tmp_path / "log"))
    note = (directory / "checkpoint").read_text()
    (directory / "checkpoint").write_text(witnessed(note))
    keys = ["--witness", ED25519.verifier.vkey, "--witness", ML_DSA.verifier.vkey]
    code, outcome = run(capsys, "log", directory, "--key", VKEY, *keys, "--quorum", 1)
    assert (code, [one["time_s"] for one in outcome["witnesses"]]) == (0, [7, 8])
    # Two keys of one witness are one witness.
    assert run(capsys, "log", directory, "--key", VKEY, *keys, "--quorum", 2)[0] == 1
    assert run(capsys, "log", directory, "--quorum", 1)[0] == 1
    (directory / "checkpoint").write_text(witnessed(note.replace("\n10\n", "\n11\n")))
    assert run(capsys, "log", directory, *keys, "--quorum", 1)[0] == 1
    line = witnessed(note.replace("\n10\n", "\n11\n")).splitlines(keepends=True)[-1]
    (directory / "checkpoint").write_text(note + line)
    assert run(capsys, "log", directory, *keys)[1]["problems"][0][0] is None


def test_receipts_verify_and_changed_ones_do_not(tmp_path: Path, capsys):
    file, entry = tmp_path / "receipt", tmp_path / "entry"
    with make_log(tmp_path, num_records=5) as log:
        receipt, envelope = log.receipt(2), log.read(2).envelope
    entry.write_bytes(envelope)
    file.write_text(json.dumps({"id": "x", "receipt": receipt.to_json(), "vkey": VKEY}))
    assert run(capsys, "receipt", file)[1]["size"] == 5
    assert run(capsys, "receipt", file, "--key", VKEY, "--entry", entry)[0] == 0
    file.write_text(receipt.to_text())
    assert run(capsys, "receipt", file, "--key", VKEY, "--entry", entry)[0] == 0
    assert run(capsys, "receipt", file, "--key", VKEY)[0] == 1
    entry.write_bytes(envelope[:-1] + b" ")
    assert run(capsys, "receipt", file, "--key", VKEY, "--entry", entry)[0] == 1
    stranger = make_signer(seed=3).verifier.vkey
    assert run(capsys, "receipt", file, "--key", stranger, "--entry", entry)[0] == 1
    file.write_text(json.dumps(receipt.to_json() | {"index": 5}))
    assert run(capsys, "receipt", file, "--key", VKEY)[0] == 1


@pytest.mark.parametrize("is_sealed", [False, True])
def test_exports_verify_with_their_contents(tmp_path: Path, capsys, *, is_sealed: bool):
    build(tmp_path, vault=is_sealed)
    vault = Vault.load(tmp_path / "vault", passphrase=PASSPHRASE) if is_sealed else None
    log = Log.open(tmp_path / "log", vault=vault)
    file = tmp_path / "records.jsonl"
    entries = [entry_json(log.read(index)) for index in range(10)]
    write_export(file, verifier=log.verifier, checkpoint=log.checkpoint(), entries=entries)
    code, outcome = run(capsys, "receipt", file, "--key", VKEY)
    assert (code, outcome["lines"]) == (0, 11)
    assert both(tmp_path / "log") == ((True, None), (True, None))
    assert run(capsys, "receipt", file)[1]["is_key_trusted"] is False
    text = file.read_text()
    for index in (0, 6):
        lines = text.splitlines(keepends=True)
        lines[index + 1] = lines[index + 1].replace("x", "y", 1)
        file.write_text("".join(lines))
        code, outcome = run(capsys, "receipt", file, "--key", VKEY)
        assert (code, outcome["problems"][0][1]) == (1, f"line {index + 2}: the content is another")


def test_consistency_of_two_checkpoints_is_checked(tmp_path: Path, capsys):
    old, request = tmp_path / "old", tmp_path / "request"
    with make_log(tmp_path, num_records=3) as log:
        old.write_text(log.checkpoint())
        log.append_many(make_record(number) for number in range(4))
        proof, note = log.consistency_proof(3), log.checkpoint()
    lines = ["old 3", *(base64.b64encode(item).decode() for item in proof), ""]
    request.write_text("\n".join(lines) + "\n" + note)
    both_files = (old, request, "--key", VKEY)
    assert run(capsys, "consistency", *both_files)[1]["size"] == 7
    assert run(capsys, "consistency", old, "--key", VKEY)[0] == 1
    assert run(capsys, "consistency", old, request)[0] == 1
    for change in (("old 3", "old 2"), (lines[1], lines[2]), (lines[1] + "\n", "")):
        request.write_text(("\n".join(lines) + "\n" + note).replace(*change, 1))
        assert run(capsys, "consistency", *both_files)[0] == 1


def head_of(size: int, root: bytes) -> standalone.Checkpoint:
    return standalone.Checkpoint("", "", ORIGIN, size, root)


def is_right(check, *arguments: object) -> bool:
    try:
        check(*arguments)
    except standalone.WrongError:
        return False
    return True


def unbase64(item: str | None) -> bytes:
    return base64.b64decode(item or "")


def test_public_proofs_scored_as_published():
    paths = sorted(test_data("audit/rfc6962/inclusion").rglob("*.json"))
    for path in paths:
        case = json.loads(path.read_text())
        proof = [unbase64(item) for item in case["proof"] or []]
        leaf, root = unbase64(case["leafHash"]), unbase64(case["root"])
        head = head_of(case["treeSize"], root)
        right = case["leafIdx"] >= 0 and len(leaf) == 32 == len(root)
        right = right and is_right(head.check_inclusion, leaf, case["leafIdx"], proof)
        assert right != case["wantErr"], path
    wrong = set()
    for path in sorted(test_data("audit/rfc6962/consistency").rglob("*.json")):
        case = json.loads(path.read_text())
        proof = [unbase64(item) for item in case["proof"] or []]
        old = head_of(case["size1"], unbase64(case["root1"]))
        new = head_of(case["size2"], unbase64(case["root2"]))
        if is_right(new.check_extends, old, proof) == case["wantErr"]:
            wrong.add(path.name)
    assert wrong <= ACCEPTED_FROM_SIZE_0


def test_public_keys_and_notes_scored_as_published():
    cases = vectors("audit/c2sp/signed-note.json")
    for vkey in cases["invalid_vkeys"]:
        assert not is_right(standalone.Key.parse, vkey), vkey
    for vkey in cases["valid_vkeys"]:
        standalone.Key.parse(vkey)
    for case in vectors("audit/c2sp/cosignature-v1.json")["cases"]:
        body = case["note"].partition("\n\n")[0] + "\n"
        lines = body.split("\n")
        head = standalone.Checkpoint(
            case["note"], body, lines[0], int(lines[1]), base64.b64decode(lines[2])
        )
        keys = [standalone.Key.parse(case["vkey"])]
        good = is_right(head.check_witnesses, keys, 1)
        assert good == (case["expect"] == "accept")


def test_entries_of_a_key_holder_that_break_the_form_are_named(tmp_path: Path):
    with make_log(tmp_path, num_records=3) as log:
        entries = [log.read(index).envelope for index in range(3)]
    statement = json.loads(base64.b64decode(json.loads(entries[1])["payload"]))
    predicate = statement["predicate"]
    changes = [
        {"_type": "other"},
        {"predicateType": 1},
        {"subject": {}},
        {"subject": [{"name": 1, "digest": {"sha256": ""}}]},
        {"predicate": 3},
        *(
            {"predicate": predicate | change}
            for change in (
                {"log": "other"},
                {"index": 2},
                {"index": True},
                {"id": None},
                {"time": {}},
                {"time": {"clock": "sun", "error_us": 1, "utc_ns": "1"}},
                {"time": {"clock": "ntp", "error_us": -1, "utc_ns": "1"}},
                {"time": {"clock": "ntp", "error_us": 1, "utc_ns": "1"}},
                {"content": 1},
                {"content_ref": {}},
                {"attachments": [{"name": "a", "payload": {"encoding": "rot13"}}]},
            )
        ),
        {"predicateType": "urn:finsvc:audit:shredding:v1"},
        {"predicateType": "urn:finsvc:audit:key:v1"},
    ]
    for change in changes:
        entry = seal(json.dumps(statement | change).encode(), signer=SIGNER)
        write_entries(tmp_path / "log", [entries[0], entry, entries[2]], seals=[3])
        library, alone = both(tmp_path / "log")
        assert not library[0], change
        assert library == alone, change
    twice = json.dumps(statement).encode()[:-1] + b',"_type":"x"}'
    for data in (twice, b"[]", b"{", b'{"a":NaN}'):
        write_entries(tmp_path / "log", [entries[0], seal(data, signer=SIGNER)], seals=[2])
        library, alone = both(tmp_path / "log")
        assert library == alone == (False, 1)


def test_verification_is_fast_enough(tmp_path: Path):
    with make_log(tmp_path) as log:
        for _ in range(4):
            log.append_many(make_record(number, size=900) for number in range(250))
    rates = {}
    for tree_only in (True, False):
        durations = []
        for _ in range(3):
            start = time.process_time()
            checked = standalone.Log(tmp_path / "log", tree_only=tree_only)
            checked.run(KEY, [])
            durations.append(time.process_time() - start)
            assert (checked.problems, checked.seen) == ([], 1_000)
        rates[tree_only] = 1_000 / min(durations)
    assert rates[True] >= 10_000
    assert rates[False] >= 4_000


def frames_of(directory: Path) -> list[tuple[FrameKind, int, bytes]]:
    return [(frame.kind, frame.index, frame.data) for frame in read_frames(directory)]


def test_segments_that_break_the_form_are_judged_alike(tmp_path: Path):
    with make_log(tmp_path, num_records=2) as log:
        note = log.checkpoint()
        log.append(make_large_record(2))
    directory = tmp_path / "log"
    kept = frames_of(directory)
    rogue = (FrameKind.PAYLOAD, 2, b"rogue")
    changed = [
        [*kept[:4], rogue, *kept[4:]],
        [*kept[:-1], (FrameKind.PAYLOAD, 3, b"rogue"), kept[-1]],
        [*kept, (FrameKind.PAYLOAD, 3, b"rogue")],
        kept[:-1],
        [frame for frame in kept if frame[0] is not FrameKind.PAYLOAD],
        [*kept[:-1], (FrameKind.COMMIT, 3, bytes(32))],
        [kept[0], (FrameKind.COMMIT, 1, bytes(32)), *kept[2:]],
        [(FrameKind.ENTRY, 0, b"{}"), *kept[1:]],
    ]
    for mark in (b"", OPEN_MARK, b"\0", b"\xff"):
        (directory / "lock").write_bytes(mark)
        for frames in [kept, *changed]:
            write_frames(directory, frames)
            library, alone = both(directory)
            assert library == alone, (mark, frames)
            assert library[0] == (frames == kept and mark != b"\xff") or mark in {OPEN_MARK, b"\0"}
    write_frames(directory, kept)
    (directory / "lock").write_bytes(b"")
    (directory / "checkpoint").write_text(note)
    assert both(directory) == ((False, 2), (False, 2))
    (directory / "lock").write_bytes(OPEN_MARK)
    assert both(directory) == ((True, None), (True, None))
    (directory / "checkpoint").unlink()
    assert both(directory) == ((True, None), (True, None))


def test_segment_that_is_not_sealed_before_another_is_found(clean: Path, tmp_path: Path):
    directory = Path(shutil.copytree(clean, tmp_path / "log"))
    write_frames(directory, frames_of(directory)[:-1])
    library, alone = both(directory)
    assert library == alone
    assert not library[0]


def test_payload_that_does_not_decompress_is_named(tmp_path: Path):
    with make_log(tmp_path, num_records=1) as log:
        envelope = log.read(0).envelope
    statement = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    junk = b"no zlib"
    del statement["predicate"]["content"]
    for encoding in ("zlib", "identity"):
        statement["predicate"]["content_ref"] = {
            "encoding": encoding,
            "sha256": hashlib.sha256(junk).hexdigest(),
            "size_bytes": 6,
            "stored_sha256": hashlib.sha256(junk).hexdigest(),
        }
        entry = seal(json.dumps(statement).encode(), signer=SIGNER)
        tree = MerkleTree()
        tree.append(leaf_hash(entry))
        write_frames(
            tmp_path / "log",
            [
                (FrameKind.PAYLOAD, 0, junk),
                (FrameKind.ENTRY, 0, entry),
                (FrameKind.COMMIT, 1, tree.root()),
            ],
        )
        assert both(tmp_path / "log") == ((False, 0), (False, 0))
