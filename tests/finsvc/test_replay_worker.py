"""The process that replays a share of many decisions, run here."""

import io
import json
import shutil
from pathlib import Path

import pytest
import torch

from finsvc import replay_worker
from tests.engine.factories import SMALL_SHAPE, random_checkpoint
from tests.finsvc.asking import Desk
from tests.finsvc.conftest import MarketData
from tests.finsvc.scripted import ScriptedModel, call, final


def test_worker_replays_what_it_is_given_and_writes_nothing_to_the_log(
    data: MarketData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    threads = torch.get_num_threads()
    desk = Desk(data, tmp_path)
    model = ScriptedModel(call("price", instrument="Apple"), final("{subject} closed at {close}."))
    ids = [desk.ask("Where did Apple close?", model).decision_id for _ in range(2)]
    shutil.copytree(data.snapshots, tmp_path / "snapshots")
    folder = random_checkpoint(tmp_path / "model", SMALL_SHAPE, seed=5)
    settings = {"data_dir": str(tmp_path), "model": str(folder), "threads": 1}
    job = {"settings": settings, "level": "R2", "ids": list(reversed(ids))}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(job)))
    # The writer is at work meanwhile.
    assert replay_worker.main() == 0
    torch.set_num_threads(threads)
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [result["record_id"] for result in results] == list(reversed(ids))
    assert all(result["levels"] == dict.fromkeys(("R0", "R1", "R2"), "match") for result in results)
    assert desk.audit.log.size == 2
    desk.audit.close()
