from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import QuantLib as ql  # type: ignore[import-untyped]  # noqa: N813 (ships no types; its usual name)

from finsvc.calculators.second.quantlib_adapter import EuropeanOption, greeks
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
