"""The whole way of a question, warm, and the start of the service.

    python -m benchmarks.run benchmarks/finsvc/bench_ask.py

Bars on two cores: a warm question at most 3 s at the median, everything but the model at most
60 ms; ready within 10 s; at most 2 GB of memory.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from finsvc.agents.catalogue import AgentName
from finsvc.services.decision import AskCommand, Decision
from finsvc.settings import Settings
from finsvc.wiring import Services, open_services

QUESTIONS = (
    "What is the 10-day 99% VaR of the sample book?",
    "What is the expected shortfall of the sample book?",
    "How would the sample book have done in the 2008 crisis?",
    "What is 5m EUR in USD?",
    "Does the sample book breach any of its limits?",
    "What did Apple close at on 2022-06-30?",
)
ROUNDS = 5


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A service with a data directory of its own."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    with open_services(settings, on_progress=lambda _: None) as opened:
        yield opened


def ask(services: Services, question: str) -> Decision:
    """Ask one question as the local user."""
    command = AskCommand(
        question=question,
        agent=AgentName.AUTO,
        book=None,
        as_of=None,
        principal=services.local_principal,
        request_id="bench",
    )
    return services.ask(command, lambda _: None)


def test_ask_warm(benchmark: BenchmarkFixture, services: Services) -> None:
    """One round is every question once; extra_info holds medians of single questions."""
    decisions: list[Decision] = []

    def ask_all() -> None:
        decisions.extend(ask(services, question) for question in QUESTIONS)

    benchmark.pedantic(ask_all, rounds=ROUNDS, warmup_rounds=1)
    warm = decisions[len(QUESTIONS) :]
    benchmark.extra_info.update(
        questions=len(QUESTIONS),
        total_ms_median=statistics.median(d.timing_ms["total"] for d in warm),
        model_ms_median=statistics.median(d.timing_ms["model"] for d in warm),
        other_ms_median=statistics.median(d.timing_ms["other"] for d in warm),
        other_ms_max=max(d.timing_ms["other"] for d in warm),
        verified=sum(d.verdict.value == "verified" for d in warm) / len(warm),
        resident_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


_START = """
import sys, time
from pathlib import Path
from finsvc.settings import Settings
from finsvc.wiring import open_services
with open_services(Settings(data_dir=Path(sys.argv[1])), on_progress=lambda _: None):
    pass
"""


@pytest.mark.parametrize("state", ["first", "later"])
def test_cold_start(benchmark: BenchmarkFixture, tmp_path: Path, state: str) -> None:
    """A new process to ready: on an empty data directory, and on one that was used before."""
    command = [sys.executable, "-c", _START, str(tmp_path)]
    if state == "later":
        subprocess.run(command, check=True)  # noqa: S603

    def start() -> None:
        subprocess.run(command, check=True)  # noqa: S603

    benchmark.pedantic(start, rounds=1 if state == "first" else 3)
    benchmark.extra_info["at"] = time.strftime("%Y-%m-%d")
