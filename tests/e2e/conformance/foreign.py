"""Suites that others wrote, run against a service from an environment of their own.

They need other versions of what the service is built with (LlamaIndex an older client of OpenAI's),
so `make test-full` installs them beside it (``constraints/conformance.txt``).
"""

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from finsvc.demo import Service
from tests.data import ROOT

SUITES = Path(__file__).with_name("suites")


def environment() -> Path:
    """Folder of the programs; its absence is a failure in CI, else the test is skipped."""
    default = ROOT / ".venv" / "conformance" / "bin"
    folder = Path(os.environ.get("FINSVC_CONFORMANCE", default))
    if not (folder / "python").exists():
        message = f"no conformance suites under {folder}; make test-full installs them"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


def run(
    program: str,
    *arguments: str,
    service: Service,
    timeout_s: float,
    more: Mapping[str, str] | None = None,
    folder: Path = SUITES,
) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment in a folder; any exit status will do."""
    return subprocess.run(  # noqa: S603 - a program that we installed
        [str(environment() / program), *arguments],
        cwd=folder,
        env={
            "PATH": os.defpath,
            "HOME": os.environ.get("HOME", "/nonexistent"),
            "CONFORMANCE_URL": service.url,
            "CONFORMANCE_KEY": service.key,
            "NO_COLOR": "1",
            "PYTHONPATH": str(SUITES),
            **(more or {}),
        },
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def pytest_outcomes(
    name: str, service: Service, folder: Path, *, timeout_s: float
) -> dict[str, str]:
    """Run a suite of pytest's: passed, failed or skipped by the name of the test."""
    report = folder / "report.xml"
    done = run(
        "python",
        *(
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:benchmark",
            "-c",
            "pytest.ini",
            "--tb=line",
        ),
        f"--junitxml={report}",
        f"{name}.py",
        service=service,
        timeout_s=timeout_s,
    )
    assert report.exists(), done.stdout + done.stderr
    # Written by the pytest that we ran.
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314
    return {str(case.get("name")): _outcome(case) for case in cases}


def check(outcomes: Mapping[str, str], expected: Mapping[str, str], passed: Sequence[str]) -> None:
    """Every failure is expected and explained, and what was expected to fail does."""
    failed = {name for name, outcome in outcomes.items() if outcome == "failed"}
    assert failed == set(expected), f"{sorted(failed)} failed, expected {sorted(expected)}"
    assert all(expected.values())
    assert {name for name in passed if outcomes.get(name) != "passed"} == set()


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"
