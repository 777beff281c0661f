from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
import QuantLib as ql  # type: ignore[import-untyped]  # noqa: N813 (ships no types; its usual name)

from finsvc.calculators.second.quantlib_adapter import (
    EuropeanOption,
    _set_date,
    greeks,
    quantlib,
)
from finsvc.domain.errors import CalculationError
from finsvc.domain.positions import OptionType

OPTION = EuropeanOption(
    option_type=OptionType.CALL,
    spot=100.0,
    strike=105.0,
    expiry=date(2023, 6, 16),
    on=date(2022, 12, 28),
    volatility=0.25,
    rate=0.04,
    dividend_yield=0.01,
)


def test_evaluation_date_of_the_process_is_put_back() -> None:
    settings = ql.Settings.instance()
    before = settings.evaluationDate
    settings.evaluationDate = ql.Date(1, 2, 2003)
    try:
        greeks(OPTION)
        assert settings.evaluationDate == ql.Date(1, 2, 2003)
    finally:
        settings.evaluationDate = before


def test_threads_with_different_dates_do_not_meet() -> None:
    options = [replace(OPTION, on=OPTION.on - timedelta(days=step)) for step in range(60)]
    alone = [greeks(option) for option in options]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(greeks, options)) == alone


def test_listeners_of_a_failed_calculation_do_not_stop_the_next() -> None:
    quote = ql.QuoteHandle(ql.SimpleQuote(0.01))

    def build_and_fail() -> None:
        with quantlib(date(1901, 1, 1)) as library:
            index = library.Euribor3M()
            held.append(library.DepositRateHelper(quote, index))
            library.PiecewiseLogLinearDiscount(0, index.fixingCalendar(), held, ql.Actual360())
            raise RuntimeError("as the library does")

    held: list[object] = []
    with pytest.raises(CalculationError, match="QuantLib"):
        build_and_fail()
    assert greeks(OPTION).price > 0.0


def test_date_that_the_library_does_not_take_confirms_nothing() -> None:
    class Stubborn:
        @property
        def evaluationDate(self) -> object:  # noqa: N802 (the library's name)
            return ql.Date(1, 1, 2000)

        @evaluationDate.setter
        def evaluationDate(self, on: object) -> None:  # noqa: N802 (the library's name)
            raise RuntimeError("no")

    with pytest.raises(CalculationError, match="another"):
        _set_date(Stubborn(), ql.Date(2, 1, 2000))
