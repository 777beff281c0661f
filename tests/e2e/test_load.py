"""A real service under load: what is refused is told so, nothing fails, memory stays.

SOAK_MINUTES sets the length of the long soak (30 for a release; 3 unless said).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.serving.scheduler_load import Bench, measure_saturation, measure_soak
from finsvc.demo import running_service

pytestmark = pytest.mark.e2e

GROWTH_PERCENT_MAX = 2.0
# A few seconds fill neither the caches nor the allocator's arenas.
SHORT_GROWTH_PERCENT_MAX = 10.0


@pytest.fixture(scope="module")
def bench(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("load")
    with running_service(folder) as service:
        yield Bench(service, folder)


def number(value: object) -> float:
    assert isinstance(value, int | float)
    return value


def test_ten_times_the_load_is_refused_in_time_and_the_rest_is_answered(bench: Bench) -> None:
    row = measure_saturation(bench, seconds=6.0)
    assert row["other"] == 0
    assert number(row["refused"]) > 0
    assert number(row["goodput_percent"]) > 0
    assert number(row["refused_p50_ms"]) <= 100


@pytest.mark.slow
def test_ten_times_the_load_meets_its_bars(bench: Bench) -> None:
    row = measure_saturation(bench, seconds=30.0)
    assert row["other"] == 0
    assert number(row["goodput_percent"]) >= 80
    assert number(row["refused_p99_ms"]) <= 100


def test_service_at_eight_tenths_answers_everything(bench: Bench) -> None:
    row = measure_soak(bench, minutes=0.15)
    assert row["errors"] == 0
    assert number(row["growth_percent"]) <= SHORT_GROWTH_PERCENT_MAX


@pytest.mark.slow
def test_long_soak_at_eight_tenths_keeps_its_memory(bench: Bench) -> None:
    row = measure_soak(bench, minutes=float(os.environ.get("SOAK_MINUTES", "3")))
    assert row["errors"] == 0
    assert number(row["growth_percent"]) <= GROWTH_PERCENT_MAX
