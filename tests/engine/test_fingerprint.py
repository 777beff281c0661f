"""What the fingerprint covers."""

import ast
import dataclasses
import json
import shutil
from pathlib import Path

import pytest

import engine.fingerprint
from engine.engine import Engine
from engine.fingerprint import code_digest

ENGINE = Path(engine.fingerprint.__file__).parent
# They carry requests, errors and names, or report; none of them decides a bit of a logit.
WITHOUT_EFFECT = {
    "errors",
    "types",
    "tokenizer",
    "fingerprint",
    "grammar",
    "collect",
    "runner",
    "pace",
    # Every file of the folder is covered, see below.
    "gpu.serving",
}


def imported(name: str) -> set[str]:
    tree = ast.parse((ENGINE / f"{name}.py").read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {module.removeprefix("engine.") for module in modules if module.startswith("engine.")}


def test_code_digest_covers_every_module_that_the_engine_imports() -> None:
    reached, pending = set(), {"engine"}
    while pending:
        name = pending.pop()
        reached.add(name)
        pending |= imported(name) - reached - WITHOUT_EFFECT
    assert reached == set(engine.fingerprint._ENGINE_SOURCES)


def test_code_digest_covers_the_gpu_runner_and_the_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(ENGINE, tmp_path / "engine", ignore=shutil.ignore_patterns("embedded"))
    monkeypatch.setattr(engine.fingerprint, "__file__", str(copy / "fingerprint.py"))
    before = code_digest.__wrapped__()
    assert before == code_digest()
    (copy / "gpu" / "network.py").write_text("changed")
    assert code_digest.__wrapped__() != before


def test_fingerprint_is_stable_and_changes_with_every_field(small_folder: Path) -> None:
    first = Engine.load(small_folder, num_threads=1).fingerprint
    assert first == Engine.load(small_folder, num_threads=1).fingerprint
    document = json.loads(first.to_json())
    assert document["code_digest"] == code_digest()
    assert document["device"]["num_threads"] == 1
    assert document["device"]["kind"] == "cpu"
    for field in dataclasses.fields(first):
        if field.name == "device":
            continue
        other = dataclasses.replace(first, **{field.name: "changed"})
        assert other.digest != first.digest, field.name
    device = dataclasses.replace(first.device, probe="changed")
    assert dataclasses.replace(first, device=device).digest != first.digest
