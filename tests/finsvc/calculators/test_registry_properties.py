"""Any input gives finite figures or an error that names a field, from both methods.

Spoilt copies of valid inputs of every calculator (`tests.finsvc.calculators.mutations`), warnings
being errors; a few of each in every run, thousands in the long one.
"""

import functools
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finsvc.calculators.comparison import compare
from finsvc.calculators.registry import CALCULATORS, calculator
from finsvc.domain.errors import CalculationError, InputError, NonFiniteResultError
from finsvc.marketdata.second_reader import SecondMarket
from tests.finsvc.calculators.mutations import mutated
from tests.finsvc.calculators.test_registry import REAL_CASES, second_market
from tests.finsvc.marketdata.factories import real_market

FEW, MANY = 12, 400
# Runs whose cost, not outcome, the change made unbearable.
_DEAR = 200_000


@functools.cache
def other_market() -> SecondMarket:
    return second_market()


def is_dear(document: Mapping[str, object]) -> bool:
    counts = (document.get(name) for name in ("num_paths", "num_simulations"))
    return any(isinstance(count, int) and count > _DEAR for count in counts)


def judge(name: str, document: object) -> None:
    """Run both methods; errors of other kinds than those declared come through."""
    entry = calculator(name)
    refused: list[InputError | NonFiniteResultError] = []
    try:
        inputs = entry.parse(document)
        result = entry.run(inputs, real_market())
    except (InputError, NonFiniteResultError) as error:
        refused.append(error)
    else:
        assert all(quantity.value.is_finite() for quantity in result.fields.values())
        # A library that refuses confirms nothing.
        with suppress(InputError, CalculationError):
            compare(result, entry.confirm(inputs, other_market()), entry.tolerances)
    assert all(error.field and str(error) for error in refused)


def spoil(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    limits = settings(
        max_examples=count, deadline=None, derandomize=True, suppress_health_check=quiet
    )

    def wrap(test: Callable[..., None]) -> Callable[..., None]:
        draws = given(random=st.randoms(use_true_random=False), changes=st.integers(1, 3))
        return limits(draws(test))

    return wrap


def check(name: str, random: Random, changes: int) -> None:
    spoilt: object = random.choice([document for case, document in REAL_CASES if case == name])
    for _ in range(changes):
        spoilt = mutated(spoilt, random)
    if not (isinstance(spoilt, dict) and is_dear(spoilt)):
        judge(name, spoilt)


@pytest.mark.parametrize("name", sorted(CALCULATORS))
@spoil(FEW)
def test_spoilt_input_gives_finite_figures_or_names_a_field(
    name: str, random: Random, changes: int
) -> None:
    check(name, random, changes)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CALCULATORS))
@spoil(MANY)
def test_many_spoilt_inputs_give_finite_figures_or_name_a_field(
    name: str, random: Random, changes: int
) -> None:
    check(name, random, changes)
