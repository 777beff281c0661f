import logging
import threading
import time
from http import HTTPStatus
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.cosignature import Cosigner, verify_cosignatures
from audit.errors import (
    AuditError,
    LogFailedError,
    StaleCheckpointError,
    WitnessQuorumError,
    WitnessRefusedError,
)
from audit.verify import verify_directory
from audit.witness import Witness, WitnessAnswer, WitnessRequest
from audit.witnessing import Peer, Witnessing
from tests.audit.support import ORIGIN, make_log, make_record, make_signer
from tests.audit.test_cosignature import ED25519

SIGNER = make_signer()
SECOND = Cosigner("witness.example/w2", MLDSA44PrivateKey.from_seed_bytes(bytes(32)))


class Station:
    """A witness that can be away."""

    def __init__(self, folder: Path, cosigner) -> None:
        self.witness = Witness(
            folder, cosigners=[cosigner], logs={ORIGIN: [SIGNER.verifier]}, clock_s=lambda: 7
        )
        self.is_away, self.num_asked = False, 0
        self.peer = Peer(keys=(cosigner.verifier,), ask=self.ask)

    def ask(self, request: WitnessRequest) -> WitnessAnswer:
        self.num_asked += 1
        if self.is_away:
            raise WitnessRefusedError("witness", expected="an answer", actual="none")
        return self.witness.add_checkpoint(request.text.encode())


@pytest.fixture
def stations(tmp_path: Path) -> list[Station]:
    made = []
    for number, cosigner in enumerate((ED25519, SECOND)):
        made.append(Station(tmp_path / f"w{number}", cosigner))
    return made


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def keep(log, stations, folder: Path, *, quorum=2, interval_s=60.0, clock_s=time.monotonic):
    return Witnessing(
        log,
        [station.peer for station in stations],
        folder=folder,
        quorum=quorum,
        interval_s=interval_s,
        clock_s=clock_s,
    )


def test_round_brings_every_witness_up_and_keeps_notes_that_an_auditor_can_use(
    tmp_path: Path, stations
):
    with make_log(tmp_path, num_records=3) as log:
        keeper = keep(log, stations, tmp_path / "witnessed")
        assert (keeper.size, keeper.num_behind) == (0, 3)
        assert log.snapshot().head.size == 3
        assert log.vault is None
        keeper.round()
        assert (keeper.size, keeper.num_behind) == (3, 0)
        assert [(one.size, one.cosigned_s, one.error) for one in keeper.standings()] == [
            (3, 7, "")
        ] * 2
        keeper.round()
        assert [station.num_asked for station in stations] == [1, 1]
        log.append(make_record(3))
        keeper.round()
        # Taken up from the kept notes, without asking.
        again = keep(log, stations, tmp_path / "witnessed")
        assert (again.size, again.num_behind) == (4, 0)
    notes = [path.read_text() for path in sorted((tmp_path / "witnessed").iterdir())]
    assert len(notes) == 2
    for note in notes:
        verify_cosignatures(note, [ED25519.verifier, SECOND.verifier])
    assert verify_directory(tmp_path / "log", verifier=SIGNER.verifier, trusted=notes).ok


def test_witness_that_is_away_is_asked_later_and_later_and_catches_up(
    tmp_path: Path, stations, caplog
):
    away, clock = stations[1], Time()
    away.is_away = True
    with make_log(tmp_path, num_records=2) as log, caplog.at_level(logging.WARNING):
        keeper = keep(log, stations, tmp_path / "witnessed", clock_s=clock)
        keeper.round()
        assert (keeper.size, keeper.num_behind) == (0, 2)
        assert [one.error for one in keeper.standings()] == ["", "audit_witness_refused"]
        (record,) = [item for item in caplog.records if item.message == "audit_witness_failed"]
        assert (record.records_behind, record.pause_s) == (2, 1.0)
        keeper.round()
        assert away.num_asked == 1
        for number in range(1, 9):
            clock.now += 2.0 ** (number - 1)
            keeper.round()
        # 1, 2, 4, 8, 16, 32, then each minute at most.
        assert 7 <= away.num_asked <= 9
        log.append_many(make_record(number) for number in range(5))
        away.is_away = False
        clock.now += 60.0
        keeper.round()
        assert (keeper.size, keeper.num_behind) == (7, 0)
        assert away.num_asked <= 10


def test_wait_begins_a_round_and_ends_with_the_quorum(tmp_path: Path, stations):
    with make_log(tmp_path, num_records=1) as log:
        keeper = keep(log, stations, tmp_path / "witnessed", interval_s=3600.0)
        keeper.start()
        keeper.wait_for(0, timeout_s=20.0)
        assert keeper.size == 1
        keeper.close()
        keeper.close()


def test_wait_without_a_quorum_fails_by_its_own_code_and_log_goes_on(tmp_path: Path, stations):
    stations[0].is_away = True
    with make_log(tmp_path, num_records=1) as log:
        keeper = keep(log, stations, tmp_path / "witnessed", interval_s=3600.0)
        keeper.start()
        with pytest.raises(WitnessQuorumError, match="audit_witness_refused") as raised:
            keeper.wait_for(0, timeout_s=0.2)
        assert raised.value.code == "audit_witness_quorum"
        assert log.append(make_record(1)).index == 1
        # Back again: found within its pause, though the interval is an hour.
        stations[0].is_away = False
        keeper.wait_for(0, timeout_s=20.0)
        keeper.close()
        one = keep(log, stations, tmp_path / "witnessed", quorum=1)
        assert one.size >= 1


def test_appends_never_wait_for_a_witness_that_hangs(tmp_path: Path, stations):
    release = threading.Event()

    def hang(request: WitnessRequest) -> WitnessAnswer:
        release.wait(30.0)
        return WitnessAnswer(status=HTTPStatus.NOT_FOUND, body="")

    peer = Peer(keys=(ED25519.verifier,), ask=hang)
    with make_log(tmp_path) as log:
        keeper = Witnessing(log, [peer], folder=tmp_path / "witnessed", quorum=1, interval_s=0.001)
        keeper.start()
        started = time.perf_counter()
        for number in range(50):
            log.append(make_record(number))
        assert time.perf_counter() - started < 20.0
        assert keeper.size == 0
        release.set()
        keeper.close()


def test_log_set_back_is_named_as_older_than_the_witness(tmp_path: Path, stations):
    (tmp_path / "one").mkdir()
    with make_log(tmp_path / "one") as log:
        log.append_many(make_record(number) for number in range(4))
        keep(log, stations, tmp_path / "witnessed").round()
    with make_log(tmp_path, num_records=2) as log:
        keeper = keep(log, stations, tmp_path / "elsewhere")
        keeper.round()
        assert [one.error for one in keeper.standings()] == ["audit_checkpoint_stale"] * 2
        # The kept notes tell as much without asking anybody.
        with pytest.raises(StaleCheckpointError, match="got 2"):
            keep(log, stations, tmp_path / "witnessed")


def test_note_that_cannot_be_kept_counts_for_nothing(tmp_path: Path, stations):
    with make_log(tmp_path, num_records=1) as log:
        keeper = keep(log, stations[:1], tmp_path / "witnessed", quorum=1)
        (tmp_path / "witnessed").rmdir()
        keeper.round()
        assert keeper.size == 0
        assert keeper.standings()[0].error == LogFailedError.code


def test_kept_note_that_is_damaged_is_refused(tmp_path: Path, stations):
    with make_log(tmp_path, num_records=1) as log:
        keep(log, stations, tmp_path / "witnessed").round()
        (path, _) = sorted((tmp_path / "witnessed").iterdir())
        path.write_text(path.read_text().replace("\n1\n", "\n2\n", 1))
        with pytest.raises(AuditError):
            keep(log, stations, tmp_path / "witnessed")


@pytest.mark.parametrize("quorum", [0, 3])
def test_quorum_that_cannot_be_met_is_refused(tmp_path: Path, stations, quorum: int):
    with make_log(tmp_path) as log, pytest.raises(WitnessQuorumError):
        keep(log, stations, tmp_path / "witnessed", quorum=quorum)
