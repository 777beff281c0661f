"""A replay dealt out to processes."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from finsvc.adapters import replay_processes
from finsvc.adapters.replay import DecisionReplayer
from finsvc.adapters.replay_processes import ParallelReplayer
from finsvc.domain.errors import UnavailableError
from finsvc.services.replay import Level, ReplayResult
from finsvc.settings import Settings

# Stands in for the worker: equal, but for what is named so.
_ECHO = """
import json, sys
job = json.load(sys.stdin)
for one in job["ids"]:
    if one == "dec_stop":
        sys.exit(1)
    levels = {job["level"]: job["settings"]["model"]}
    print(json.dumps({"record_id": one, "is_ok": True, "levels": levels, "details": {}}))
"""


class Inner:
    """Replays in this process."""

    fingerprint = "f"

    def replay(self, record_id: str, level: Level) -> ReplayResult:
        return ReplayResult(record_id=record_id, is_ok=True, levels={"here": "x"}, details={})

    def replay_many(self, record_ids: Sequence[str], level: Level) -> Iterator[ReplayResult]:
        return (self.replay(one, level) for one in record_ids)

    def what_if(self, record_ids: Sequence[str], bundle: Path) -> str:
        return "what_if"

    def what_if_model(self, record_ids: Sequence[str], model: Path) -> str:
        return "what_if_model"

    def record_ids(self) -> list[str]:
        return ["dec_0"]


@pytest.fixture
def replayer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ParallelReplayer:
    (tmp_path / "echo_worker.py").write_text(_ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(replay_processes, "_WORKER", "echo_worker")
    monkeypatch.setattr(replay_processes, "GROUP_DECISIONS", 4)
    settings = Settings(data_dir=tmp_path, replay_processes=3)
    return ParallelReplayer(cast("DecisionReplayer", Inner()), settings)


def test_results_of_all_processes_come_in_the_order_of_the_log(replayer: ParallelReplayer) -> None:
    ids = [f"dec_{number}" for number in range(10)]
    results = list(replayer.replay_many(ids, Level.R2))
    assert [result.record_id for result in results] == ids
    assert {tuple(result.levels.items()) for result in results} == {(("R2", "embedded"),)}


def test_few_decisions_are_replayed_here(replayer: ParallelReplayer) -> None:
    (result,) = replayer.replay_many(["dec_0"], Level.R2)
    assert result.levels == {"here": "x"}


def test_process_that_ends_early_is_an_error_and_leaves_none_behind(
    replayer: ParallelReplayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[str]] = []
    real = subprocess.Popen

    def start(*argv: object, **options: object) -> subprocess.Popen[str]:
        started.append(real(*argv, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(replay_processes.subprocess, "Popen", start)
    ids = [f"dec_{number}" for number in range(6)] + ["dec_stop", "dec_7"]
    with pytest.raises(UnavailableError):
        list(replayer.replay_many(ids, Level.R2))
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)


def test_everything_else_is_done_here(replayer: ParallelReplayer, tmp_path: Path) -> None:
    assert replayer.fingerprint == "f"
    assert replayer.replay("dec_0", Level.R0).levels == {"here": "x"}
    assert cast("str", replayer.what_if([], tmp_path)) == "what_if"
    assert cast("str", replayer.what_if_model([], tmp_path)) == "what_if_model"
    assert replayer.record_ids() == ["dec_0"]
