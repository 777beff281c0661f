"""Same inputs, same bytes: 1,000 results recorded once are computed again.

The long run computes them in other processes, with one thread and with more for every library that
has threads, another hash seed and another time zone.
"""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from finsvc.calculators.registry import CALCULATORS, calculator
from tests.data import ROOT
from tests.finsvc.marketdata.factories import real_market
from tests.golden.record_results import FILE, NUM_RESULTS, apply, digest_of


def wrong_results() -> Counter[str]:
    """Calculators whose results differ from the record, with how many do."""
    recorded = json.loads(FILE.read_text(encoding="utf-8"))
    market = real_market()
    wrong: Counter[str] = Counter()
    for index, changes, digest in recorded["results"]:
        base = recorded["bases"][index]
        entry = calculator(base["calculator"])
        if digest_of(entry, apply(base["inputs"], changes), market) != digest:
            wrong[entry.name] += 1
    assert len(recorded["results"]) == NUM_RESULTS
    return wrong


def test_thousand_recorded_results_have_the_same_bytes() -> None:
    assert not wrong_results(), "record again only if these calculators changed on purpose"


@pytest.mark.slow
@pytest.mark.parametrize(("threads", "zone"), [("1", "UTC"), ("2", "Asia/Tokyo")])
def test_recorded_results_have_the_same_bytes_in_another_process(threads: str, zone: str) -> None:
    counts = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "RAYON")
    changes = {f"{name}_NUM_THREADS": threads for name in counts}
    changes |= {"POLARS_MAX_THREADS": threads, "PYTHONHASHSEED": threads, "TZ": zone}
    text = "from tests.golden.test_recorded_results import wrong_results; print(wrong_results())"
    finished = subprocess.run(  # noqa: S603 (our own interpreter and text)
        [sys.executable, "-c", text],
        cwd=ROOT,
        env={**os.environ, **changes},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.strip() == "Counter()"


def test_recorded_results_are_distinct_and_of_every_calculator() -> None:
    recorded = json.loads(FILE.read_text(encoding="utf-8"))
    inputs = {json.dumps([index, changes]) for index, changes, _ in recorded["results"]}
    names = {recorded["bases"][index]["calculator"] for index, _, _ in recorded["results"]}
    assert len(inputs) == NUM_RESULTS
    assert names == set(CALCULATORS)
