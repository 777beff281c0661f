"""The folder tree and the import rules that import-linter cannot state."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.data import ROOT
from tests.house.test_size import PACKAGES, sources


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("tokenizers", {"engine/tokenizer.py", "engine/training/tokenizer.py"}),
        ("llguidance", {"engine/grammar.py"}),
        ("QuantLib", {"finsvc/calculators/second/quantlib_adapter.py"}),
        ("arch", {"finsvc/calculators/second/arch_adapter.py"}),
        ("skfolio", {"finsvc/calculators/second/skfolio_adapter.py"}),
        ("matplotlib", {"finsvc/calculators/plots/matplotlib_adapter.py"}),
        ("sqlalchemy", {"finsvc/adapters/stored_responses"}),
        ("alembic", {"finsvc/adapters/stored_responses"}),
        ("jsonschema_rs", {"finsvc/adapters/schema_check.py"}),
        ("cedarpy", {"policies/bundle.py", "policies/evaluator.py"}),
        # Hand-over form of books, and a library that second methods may stand on.
        ("pandas", {"finsvc/books/frames.py", "finsvc/calculators/second/"}),
    ],
)
def test_wrapped_package_is_imported_at_its_one_place(package: str, allowed: set[str]) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in sources(*PACKAGES)
        if package in imported(path)
    }
    assert all(any(user.startswith(place) for place in allowed) for user in users), users


def test_kernels_package_imports_nothing() -> None:
    # Hugging Face's transformers imports any package of that name.
    assert imported(ROOT / "kernels" / "__init__.py") == set()


def test_version_is_a_calendar_version() -> None:
    # A 0.18.x version of a distribution that owns `kernels` is taken for Hugging Face's own.
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.fullmatch(r"20\d\d\.\d{1,2}\.\d+", version)


def test_environment_is_read_by_the_settings_alone() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in sources("finsvc", "audit", "policies")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text())
    }
    assert readers == set()


def test_every_folder_of_tests_mirrors_a_source_folder() -> None:
    known = {"house", "e2e", "golden"}
    for folder in (ROOT / "tests").rglob("*/"):
        relative = folder.relative_to(ROOT / "tests")
        if "__pycache__" in relative.parts or relative.parts[0] in known:
            continue
        assert (ROOT / relative).is_dir(), f"tests/{relative} mirrors nothing"


def test_no_pickle_and_no_eval_anywhere() -> None:
    offenders = []
    for path in sources(*PACKAGES):
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if imported(path) & {"pickle", "dill", "joblib", "marshal"} or calls & {"eval", "exec"}:
            offenders.append(str(path.relative_to(ROOT)))
    assert offenders == []
