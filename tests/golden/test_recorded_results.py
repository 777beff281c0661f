"""Same inputs, same bytes: 1,000 results recorded once are computed again."""

import json
from collections import Counter

from finsvc.calculators.registry import CALCULATORS, calculator
from tests.finsvc.marketdata.factories import real_market
from tests.golden.record_results import FILE, NUM_RESULTS, apply, digest_of


def test_thousand_recorded_results_have_the_same_bytes() -> None:
    recorded = json.loads(FILE.read_text(encoding="utf-8"))
    market = real_market()
    wrong: Counter[str] = Counter()
    for index, changes, digest in recorded["results"]:
        base = recorded["bases"][index]
        entry = calculator(base["calculator"])
        if digest_of(entry, apply(base["inputs"], changes), market) != digest:
            wrong[entry.name] += 1
    assert len(recorded["results"]) == NUM_RESULTS
    assert not wrong, "record again only if these calculators changed on purpose"


def test_recorded_results_are_distinct_and_of_many_calculators() -> None:
    recorded = json.loads(FILE.read_text(encoding="utf-8"))
    inputs = {json.dumps([index, changes]) for index, changes, _ in recorded["results"]}
    names = {recorded["bases"][index]["calculator"] for index, _, _ in recorded["results"]}
    assert len(inputs) == NUM_RESULTS
    assert names <= set(CALCULATORS)
    assert len(names) >= 40
