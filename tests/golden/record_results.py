"""Records what calculators return, so that any later process, machine and day can be compared.

    python -m tests.golden.record_results

takes the cases of every calculator, changes them by a fixed seed to 1,000 inputs and writes them
with the SHA-256 of each result's JSON. Record again only when a calculator changes on purpose, its
version then changes too, or when calculators or cases are added.
"""

import hashlib
import json
import random
import time
from collections.abc import Mapping
from pathlib import Path

from finsvc.calculators.calculator import Calculator
from finsvc.calculators.registry import calculator
from finsvc.calculators.serialization import result_to_json
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView
from tests.finsvc.calculators.test_registry import REAL_CASES
from tests.finsvc.marketdata.factories import real_market

FILE = Path(__file__).parent / "recorded_results.json"
NUM_RESULTS = 1000
SLOW_S, SLOW_MAX = 0.05, 3
"""A case slower than this is recorded so many times at most, to keep the test short."""

DAYS = ("2022-12-28", "2022-12-27", "2022-09-30", "2021-11-26", "2020-03-23", "2018-02-05")
CHOICES: Mapping[str, tuple[object, ...]] = {
    "as_of": DAYS,
    "confidence": ("0.9", "0.95", "0.975", "0.99", "0.995"),
    "horizon_days": (1, 5, 10, 20),
    "window_days": (120, 250, 251, 500, 750, 1000),
    "scaling": ("sqrt_time", "overlapping"),
    "band": ("0.8", "0.9", "0.99"),
    "quantity": ("1", "-7", "250", "1000.5"),
    "amount": ("1", "-25000", "1000000.01"),
    "strike": ("3000", "3712.5", "4400"),
    "test_level": ("0.9", "0.99"),
    "exceptions": (0, 3, 9, 12),
    "seed": (1, 2, 3),
    "rate": ("0", "0.01", "-0.005"),
    "volatility": ("0", "0.18", "0.4"),
    "spot": ("90", "100", "112.5"),
    "loss": ("1000", "250000"),
    "max_weight": ("0.5", "0.9"),
    "num_points": (2, 5),
}


def digest_of(entry: Calculator, inputs: object, market: MarketView) -> str:
    """First half of the SHA-256 of a result's JSON, as hexadecimal."""
    document = result_to_json(entry.run(entry.parse(inputs), market))
    text = json.dumps(document, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def leaves(document: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Paths of the leaves that have choices."""
    found: list[tuple[str | int, ...]] = []
    items: list[tuple[str | int, object]] = []
    if isinstance(document, dict):
        items = list(document.items())
    elif isinstance(document, list):
        items = list(enumerate(document))
    for name, value in items:
        if name in CHOICES and not isinstance(value, dict | list):
            found.append((*path, name))
        found += leaves(value, (*path, name))
    return found


def changed(document: object, path: list[str | int], value: object) -> object:
    """A copy of a document with one leaf replaced."""
    if not path:
        return value
    if isinstance(document, list):
        index = int(path[0])
        return [
            changed(item, path[1:], value) if at == index else item
            for at, item in enumerate(document)
        ]
    assert isinstance(document, dict)
    name = str(path[0])
    return {**document, name: changed(document.get(name), path[1:], value)}


def apply(document: object, changes: list[list[object]]) -> object:
    """Apply recorded changes, each a path and a value."""
    for path, value in changes:
        assert isinstance(path, list)
        document = changed(document, path, value)
    return document


def record() -> dict[str, object]:
    """Draw and compute."""
    chooser, market = random.Random(20221228), real_market()
    bases = [{"calculator": name, "inputs": document} for name, document in REAL_CASES]
    results: list[list[object]] = []
    spent = dict.fromkeys(range(len(bases)), 0)
    seen: set[str] = set()
    # Every case as it is, so that every calculator is there; then changed ones.
    for index, base in enumerate(bases):
        digest = digest_of(calculator(str(base["calculator"])), base["inputs"], market)
        results.append([index, [], digest])
        seen.add(json.dumps([index, []]))
    while len(results) < NUM_RESULTS:
        index = chooser.randrange(len(bases))
        entry, document = calculator(str(bases[index]["calculator"])), bases[index]["inputs"]
        if spent[index] >= SLOW_MAX:
            continue
        paths = leaves(document)
        picked = chooser.sample(paths, min(len(paths), chooser.randrange(0, 4)))
        changes = [[list(path), chooser.choice(CHOICES[str(path[-1])])] for path in picked]
        key = json.dumps([index, changes])
        if key in seen:
            continue
        seen.add(key)
        start = time.perf_counter()
        try:
            digest = digest_of(entry, apply(document, changes), market)
        except InputError:
            continue
        if time.perf_counter() - start > SLOW_S:
            spent[index] += 1
        results.append([index, changes, digest])
    return {"bases": bases, "results": results}


def text_of(recorded: Mapping[str, object]) -> str:
    """The file's text, one case or result a line."""
    parts = []
    for name in ("bases", "results"):
        items = recorded[name]
        assert isinstance(items, list)
        lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
        parts.append(f'"{name}": [\n{lines}\n]')
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    FILE.write_text(text_of(record()), encoding="utf-8")
