"""The embedded model's decisions, carried to another folder and replayed by the command line."""

import json
import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.audit.replay_questions import questions
from finsvc.agents.catalogue import AgentName
from finsvc.services.decision import AskCommand
from finsvc.settings import Settings
from finsvc.wiring import open_services

# About 80 seconds on two cores. Speed is measured by benchmarks/audit/replay.py.
DECISIONS = 60


def make(folder: Path) -> None:
    """Ask the questions."""
    with open_services(Settings(data_dir=folder), on_progress=lambda _: None) as services:
        for text in islice(questions(), DECISIONS):
            command = AskCommand(
                question=text,
                agent=AgentName.AUTO,
                book=None,
                as_of=None,
                principal=services.local_principal,
                request_id="req_replay",
            )
            services.ask(command, lambda _: None)


@pytest.mark.slow
def test_decisions_carried_elsewhere_replay_equal_in_a_fresh_process(tmp_path: Path) -> None:
    made, carried = tmp_path / "made", tmp_path / "carried"
    make(made)
    shutil.copytree(made, carried)
    command = [sys.executable, "-m", "finsvc.cli", "audit", "replay", "--all", "--level", "R4"]
    done = subprocess.run(  # noqa: S603
        [*command, "--json"],
        env={**os.environ, "FINSVC_DATA_DIR": str(carried)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    replays = json.loads(done.stdout)["replays"]
    assert len(replays) == DECISIONS
    outcomes = [item["levels"] for item in replays]
    assert all(levels["R0"] == levels["R1"] == "match" for levels in outcomes)
    assert {levels[name] for levels in outcomes for name in ("R3", "R4")} == {"match"}
    assert {levels["R2"] for levels in outcomes} <= {"match", "not_applicable"}
