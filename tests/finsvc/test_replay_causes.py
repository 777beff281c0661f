"""Each cause of a difference made for real, and named by a replay in a process of its own.

A decision of the embedded model is replayed by a copy of the code, of the model or of the log in
which one thing was changed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.audit.replay_questions import questions
from tests.data import ROOT

# About 10 seconds a cause.
pytestmark = pytest.mark.slow

QUESTION = next(questions())
PACKAGES = ("audit", "engine", "finsvc", "kernels", "policies")


@dataclass(frozen=True)
class Scene:
    """Where code, model and log of a replay lie; each may be changed."""

    code: Path
    data: Path
    model: Path

    def replay(self, level: str = "R4") -> tuple[int, dict[str, str], dict[str, str]]:
        """Exit code, outcomes and explanations of a replay by the command."""
        code, document = self.run("audit", "replay", "--all", "--level", level)
        (item,) = document["replays"]  # type: ignore[misc]
        return code, item["levels"], item["details"]

    def run(self, *argv: str) -> tuple[int, dict[str, object]]:
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-m", "finsvc.cli", *argv, "--json"],
            cwd=self.code,
            env={
                **os.environ,
                "PYTHONPATH": str(self.code),
                "FINSVC_DATA_DIR": str(self.data),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 4), done.stdout[-2000:] + done.stderr[-2000:]
        return done.returncode, json.loads(done.stdout)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.code / path
        text = file.read_text()
        assert old in text, f"{path} has changed: choose another place"
        file.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A copy of the code, and a log with one decision that it made."""
    folder = tmp_path_factory.mktemp("pristine")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / "code" / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    made = Scene(
        code=folder / "code",
        data=folder / "data",
        model=folder / "code" / "engine" / "embedded",
    )
    decision = made.run("ask", QUESTION)[1]
    assert decision["verdict"] == "verified"
    return made


@pytest.fixture
def scene(pristine: Scene, tmp_path: Path) -> Scene:
    """Copies of everything, to be changed at will."""
    for name in ("code", "data"):
        shutil.copytree(pristine.code.parent / name, tmp_path / name)
    return Scene(
        code=tmp_path / "code",
        data=tmp_path / "data",
        model=tmp_path / "code" / "engine" / "embedded",
    )


def test_nothing_changed_is_equal_at_every_level(scene: Scene) -> None:
    code, levels, details = scene.replay()
    assert (code, set(levels.values()), details) == (0, {"match"}, {})


def test_other_weights_are_named_with_token_and_both_candidates(scene: Scene) -> None:
    # Who changes weights changes the record of their training too, or the model is refused.
    (scene.model / "training.json").unlink()
    weights = min(scene.model.glob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1_000_000] = bytes(1_000_000)
    weights.write_bytes(data)
    code, levels, details = scene.replay()
    assert code == 4
    assert (levels["R1"], levels["R2"], levels["R4"]) == ("match", "match", "mismatch")
    assert re.search(
        r"turns\[\d\]: model\.weights_digest: recorded '\w{64}', here '\w{64}' \(other weights\)",
        details["R4"],
    )
    assert re.search(
        r"token \d+: recorded \d+ '.*' of probability [\d.e-]+.*, "
        r"derived \d+ '.*' of probability [\d.e-]+",
        details["R3"],
    ), details["R3"]


def test_other_build_of_the_kernels_is_named_and_neither_success_nor_failure(scene: Scene) -> None:
    # Not a bit of any logit changes, and it is told all the same.
    scene.edit("engine/cpu_runner.py", '"""', '"""Another build. ')
    code, levels, details = scene.replay()
    assert code == 4
    assert levels["R3"] == levels["R4"] == "class_mismatch"
    assert (levels["R0"], levels["R1"], levels["R2"]) == ("match", "match", "match")
    assert "another build of the kernels" in details["R3"]
    assert details["R3"].endswith("the same tokens all the same")


def forbid_asking(folder: Path) -> Path:
    """Add a policy to a bundle that lets nobody ask; return its folder."""
    policies = next(folder.rglob("*.cedar"))
    policies.write_text(
        policies.read_text() + '\n@id("nothing-at-all")\nforbid (principal, '
        'action == Finsvc::Action::"ask", resource);\n'
    )
    return policies.parent


def test_policy_bundle_in_force_later_changes_no_replay_and_is_told_by_what_if(
    scene: Scene,
) -> None:
    bundle = forbid_asking(scene.code / "policies")
    code, levels, _ = scene.replay("R1")
    assert (code, levels["R1"]) == (0, "match")
    _, found = scene.run("audit", "what-if", str(bundle))
    changes = found["changes"]
    assert [(change["action"], change["recorded"], change["derived"]) for change in changes] == [  # type: ignore[attr-defined]
        ("ask", "allow", "deny")
    ]


def test_policy_bundle_other_than_the_recorded_one_is_named(scene: Scene) -> None:
    (archived,) = (scene.data / "bundles").iterdir()
    forbid_asking(archived)
    # The bundle in force is another one, so the archive must give the recorded one.
    forbid_asking(scene.code / "policies")
    code, levels, details = scene.replay("R1")
    assert (code, levels["R1"]) == (4, "mismatch")
    assert archived.name in details["R1"]


def test_changed_calculator_version_is_named_with_both_values(scene: Scene) -> None:
    scene.edit(
        "finsvc/calculators/market_statistics.py",
        "    value = market.close(inputs.instrument, inputs.as_of)\n",
        "    value = market.close(inputs.instrument, inputs.as_of) + 1\n",
    )
    catalogue = scene.code / "finsvc" / "calculators" / "catalogue_market.py"
    catalogue.write_text(catalogue.read_text().replace('version="1.0.0"', 'version="1.1.0"'))
    code, levels, details = scene.replay("R2")
    assert (code, levels["R2"]) == (4, "mismatch")
    assert "another version of the calculator: recorded '1.0.0', here '1.1.0'" in details["R2"]
    assert re.search(r"fields: recorded \{.*\}, derived \{.*\}", details["R2"])


def test_calculator_changed_without_a_new_version_is_named_by_its_code(scene: Scene) -> None:
    scene.edit(
        "finsvc/calculators/market_statistics.py",
        "    value = market.close(inputs.instrument, inputs.as_of)\n",
        "    value = market.close(inputs.instrument, inputs.as_of) + 1\n",
    )
    code, levels, details = scene.replay("R2")
    assert (code, levels["R2"]) == (4, "mismatch")
    assert "same version, but other code of the calculators" in details["R2"]


def test_log_carried_elsewhere_replays_under_other_settings(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried = tmp_path / "elsewhere" / "state"
    carried.parent.mkdir()
    scene.data.rename(carried)
    for name, value in {"TZ": "Asia/Tokyo", "LANG": "tr_TR.UTF-8", "FINSVC_PORT": "9999"}.items():
        monkeypatch.setenv(name, value)
    code, levels, details = replace(scene, data=carried).replay()
    assert (code, set(levels.values()), details) == (0, {"match"}, {})
