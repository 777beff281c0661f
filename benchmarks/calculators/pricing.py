"""Speed of the option formulas, as a table and JSON lines.

    python -m benchmarks.calculators.pricing

European prices with Greeks against a loop over QuantLib's analytic engine in the same run, American
prices with Greeks by the fast scheme with its largest distance from the precise one, and a sweep
over the number of contracts.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import date

import numpy as np

from benchmarks.run import RESULTS, commit, processor
from finsvc.calculators.pricing.american import FAST, PRECISE, american_greeks
from finsvc.calculators.pricing.european import Contracts, value_and_greeks
from finsvc.calculators.second.quantlib_adapter import EuropeanOption, greeks
from finsvc.domain.positions import OptionType

ON, EXPIRY = date(2022, 12, 28), date(2023, 12, 28)
SEED = 20221228


def contracts(count: int) -> Contracts:
    """Random contracts around the money, with positive rates."""
    draw = np.random.default_rng(SEED).uniform
    return Contracts(
        sign=np.where(draw(size=count) < 0.5, 1.0, -1.0),
        spot=draw(70.0, 140.0, count),
        strike=np.full(count, 100.0),
        years=draw(0.05, 3.0, count),
        volatility=draw(0.1, 0.6, count),
        rate=draw(0.0, 0.1, count),
        dividend_yield=draw(0.0, 0.1, count),
    )


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Best time of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def quantlib_loop(terms: Contracts, count: int) -> None:
    """Price contracts one by one with the library, all Greeks."""
    for index in range(count):
        greeks(
            EuropeanOption(
                option_type=OptionType.CALL if terms.sign[index] > 0 else OptionType.PUT,
                spot=float(terms.spot[index]),
                strike=float(terms.strike[index]),
                expiry=EXPIRY,
                on=ON,
                volatility=float(terms.volatility[index]),
                rate=float(terms.rate[index]),
                dividend_yield=float(terms.dividend_yield[index]),
            )
        )


def main() -> int:
    """Measure, print the table and keep the rows."""
    rows: list[dict[str, object]] = []
    for count in (10_000, 100_000, 1_000_000):
        terms = contracts(count)
        taken = seconds(lambda terms=terms: value_and_greeks(terms))
        rows.append({"metric": "european_with_greeks", "contracts": count, "seconds": taken})
    per_second = 1_000_000 / float(str(rows[-1]["seconds"]))
    loop = seconds(lambda: quantlib_loop(contracts(2_000), 2_000)) / 2_000
    rows.append({"metric": "european_per_second", "value": per_second})
    rows.append({"metric": "european_over_quantlib_loop", "value": per_second * loop})
    for count in (2_500, 5_000, 10_000, 20_000):
        terms = contracts(count)
        taken = seconds(lambda terms=terms: american_greeks(terms, FAST))
        rows.append({"metric": "american_with_greeks", "contracts": count, "seconds": taken})
    sample = contracts(500)
    apart = np.abs(american_greeks(sample, FAST).price - american_greeks(sample, PRECISE).price)
    rows.append({"metric": "american_fast_from_precise_max", "value": float(apart.max())})
    common = {"commit": commit(), "processor": processor(), "seed": SEED}
    with RESULTS.open("a") as file:
        for row in rows:
            file.write(json.dumps({**row, **common}, sort_keys=True) + "\n")
            words = ", ".join(f"{key} {value}" for key, value in row.items() if key != "metric")
            sys.stdout.write(f"{row['metric']}: {words}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
