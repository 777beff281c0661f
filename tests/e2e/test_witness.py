"""Witnesses as processes of their own: on a stick, and asked by the running service."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audit.errors import WitnessQuorumError
from audit.keys import load_verifier
from audit.verify import verify_directory
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.log_witnesses import FOLDER
from finsvc.adapters.policies import CedarPolicies
from finsvc.services.ports import RecordKind
from finsvc.settings import Settings
from finsvc.settings_audit import AuditSettings
from finsvc.telemetry import Telemetry
from finsvc.wiring_log import open_audit
from tests.data import ROOT

pytestmark = pytest.mark.e2e

_PROGRAM = "import sys; from finsvc import cli; sys.exit(cli.run(sys.argv[1:]))"
_WAIT_S = 30.0


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", _PROGRAM, "audit", "witness", *map(str, arguments)]


def run(data_dir: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, "FINSVC_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def write_records(data_dir: Path, count: int) -> None:
    data_dir.mkdir(exist_ok=True)
    log = AuditLog.open(data_dir / "log", data_dir / "keys" / "log.pem")
    for number in range(count):
        log.append(RecordKind.DECISION, f"dec_{number}", {"answer": "yes"})
    log.close()


def test_checkpoint_travels_on_a_stick_between_two_machines(tmp_path: Path) -> None:
    bank, auditor, stick = (tmp_path / name for name in ("bank", "auditor", "stick"))
    stick.mkdir()
    write_records(bank, 2)
    made = run(auditor, "init", auditor / "w", "--name", "audit.example/w1")
    keys = [item for vkey in made.stdout.split() for item in ("--witness", vkey)]
    vkey = load_verifier(bank / "keys" / "log.pem.vkey").vkey
    shutil.copytree(bank, tmp_path / "backup")
    notes: list[str] = []
    for old, size in ((0, 2), (2, 5)):
        request, answer = stick / "request", stick / "answer"
        assert run(bank, "request", "--old", old, "--out", request).returncode == 0
        answered = run(auditor, "answer", auditor / "w", request, "--log", vkey, "--out", answer)
        assert answered.returncode == 0, answered.stderr
        note = stick / f"{size}.note"
        assert run(bank, "accept", request, answer, *keys, "--out", note).returncode == 0
        notes.append(note.read_text())
        write_records(bank, 3)
    key = load_verifier(bank / "keys" / "log.pem.vkey")
    assert verify_directory(bank / "log", verifier=key, trusted=notes).ok
    # A backup that was put back is refused by the auditor's machine and found by the note.
    shutil.rmtree(bank)
    shutil.copytree(tmp_path / "backup", bank)
    assert run(bank, "request", "--old", 5, "--out", stick / "r").returncode != 0
    assert run(bank, "request", "--old", 2, "--out", stick / "r").returncode == 0
    refused = run(
        auditor, "answer", auditor / "w", stick / "r", "--log", vkey, "--out", stick / "a"
    )
    assert (refused.returncode, "refused (409)" in refused.stdout) == (4, True)
    report = verify_directory(bank / "log", verifier=key, trusted=notes)
    assert (report.ok, report.first_bad_index) == (False, 2)


class WitnessHost:
    """A witness served by a process of its own, which can be stopped and started."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.logs = folder / f"w{number}", [""]
        made = run(folder, "init", self.folder, "--name", f"audit.example/w{number}")
        self.vkeys = made.stdout.split()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def setting(self) -> str:
        return " ".join([f"http://127.0.0.1:{self.port}", *self.vkeys])

    def start(self, log_vkey: str) -> None:
        arguments = ("serve", self.folder, "--log", log_vkey, "--port", self.port)
        self.process = subprocess.Popen(command(*arguments), cwd=ROOT)  # noqa: S603

    def is_listening(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[list[WitnessHost]]:
    made = [WitnessHost(tmp_path, number) for number in (1, 2)]
    yield made
    for host in made:
        host.stop()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@contextmanager
def service(folder: Path, **given: object) -> Iterator[tuple[AuditLog, Telemetry]]:
    settings = Settings(
        data_dir=folder,
        audit=AuditSettings(**{"witness_interval": "PT1S", "witness_timeout": "PT2S", **given}),
    )
    telemetry, policy = Telemetry(), CedarPolicies(folder / "bundles")
    with open_audit(settings, policy, telemetry=telemetry, is_served=True) as opened:
        yield opened.audit, telemetry


def behind(telemetry: Telemetry) -> float:
    name = "finsvc_audit_unwitnessed_records"
    (line,) = [one for one in telemetry.metrics().decode().splitlines() if one.startswith(name)]
    return float(line.split()[1])


def test_running_service_is_witnessed_by_a_quorum_and_catches_up(
    tmp_path: Path, hosts: list[WitnessHost]
) -> None:
    data_dir = tmp_path / "data"
    write_records(data_dir, 1)
    vkey = load_verifier(data_dir / "keys" / "log.pem.vkey").vkey
    for host in hosts:
        host.start(vkey)
    witnesses = tuple(host.setting for host in hosts)
    with service(data_dir, witnesses=witnesses, witness_quorum=2) as (log, telemetry):
        wait_until(lambda: behind(telemetry) == 0)
        hosts[1].stop()
        started = time.monotonic()
        for number in range(20):
            log.append(RecordKind.DECISION, f"more_{number}", {"answer": "yes"})
        assert time.monotonic() - started < 5
        wait_until(lambda: len(list((data_dir / FOLDER).iterdir())) == 2)
        assert behind(telemetry) == 20
        hosts[1].start(vkey)
        wait_until(lambda: behind(telemetry) == 0)
    notes = [path.read_text() for path in (data_dir / FOLDER).glob("*.note")]
    report = verify_directory(data_dir / "log", trusted=notes)
    assert (report.ok, report.size) == (True, 21)


def test_answer_waits_for_the_quorum_where_it_is_required(
    tmp_path: Path, hosts: list[WitnessHost]
) -> None:
    data_dir, host = tmp_path / "data", hosts[0]
    write_records(data_dir, 1)
    vkey = load_verifier(data_dir / "keys" / "log.pem.vkey").vkey
    given = {"witnesses": (host.setting,), "witness_require": True, "witness_interval": "PT1M"}
    with service(data_dir, **given) as (log, telemetry):
        with pytest.raises(WitnessQuorumError, match="audit_witness_refused"):
            log.append(RecordKind.DECISION, "dec_1", {"answer": "yes"})
        host.start(vkey)
        wait_until(host.is_listening)
        time.sleep(1.0)
        log.append(RecordKind.DECISION, "dec_2", {"answer": "yes"})
        assert behind(telemetry) == 0
