import gzip
import math
from datetime import date
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from finsvc.domain.errors import (
    DateOutOfRangeError,
    InputError,
    InsufficientDataError,
    NonTradingDayError,
    UnknownNameError,
)
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.market import MarketView
from finsvc.marketdata.market import SnapshotMarket
from finsvc.marketdata.second_reader import SecondMarket
from finsvc.marketdata.sources import PINNED_DIGEST
from tests.finsvc.marketdata.factories import real_market, real_snapshot_folder

AAPL = InstrumentId("AAPL")
SPX = InstrumentId("SPX")
EUR, USD, GBP, RUB, ISK, HRK = (
    CurrencyCode(code) for code in ("EUR", "USD", "GBP", "RUB", "ISK", "HRK")
)
LAST = date(2022, 12, 28)


@pytest.fixture(params=["first", "second"])
def market(request: pytest.FixtureRequest) -> MarketView:
    if request.param == "first":
        return real_market()
    return SecondMarket(real_snapshot_folder(), expected=PINNED_DIGEST)


def days(*iso: str) -> np.ndarray:
    return np.array(iso, dtype="datetime64[D]")


def test_snapshot_names_the_pinned_digest(market: MarketView) -> None:
    assert market.snapshot == PINNED_DIGEST


def test_close_equals_the_package_file_line_by_line(market: MarketView) -> None:
    path = Path(
        str(
            metadata.distribution("skfolio").locate_file(
                "skfolio/datasets/data/sp500_dataset.csv.gz"
            )
        )
    )
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    header = lines[0].split(",")
    for line in (lines[1], lines[4000], lines[-1]):
        day, *values = line.split(",")
        for ticker, value in zip(header[1:], values, strict=True):
            assert market.close(InstrumentId(ticker), date.fromisoformat(day)) == float(value)


@pytest.mark.parametrize(
    ("instrument", "on", "close"),
    [
        ("AAPL", LAST, 125.674),
        ("SPX", LAST, 3783.22),
        ("SPX", date(2007, 10, 9), 1565.15),
        ("SPX", date(2009, 3, 9), 676.53),
        ("SPX", date(1990, 1, 2), 359.69),
    ],
)
def test_close_on_trading_day_is_the_published_one(
    market: MarketView, instrument: str, on: date, close: float
) -> None:
    assert market.close(InstrumentId(instrument), on) == close


@pytest.mark.parametrize(
    ("on", "previous"),
    [
        (date(2022, 12, 25), date(2022, 12, 23)),
        (date(2022, 12, 26), date(2022, 12, 23)),
        (date(2001, 9, 13), date(2001, 9, 10)),
        (date(2022, 7, 4), date(2022, 7, 1)),
    ],
)
def test_close_on_other_day_inside_the_data_is_a_non_trading_day(
    market: MarketView, on: date, previous: date
) -> None:
    with pytest.raises(NonTradingDayError) as caught:
        market.close(AAPL, on, field="as_of")
    assert caught.value.previous == previous
    assert caught.value.field == "as_of"


@pytest.mark.parametrize("on", [date(1990, 1, 1), date(2022, 12, 29), date(2100, 1, 1)])
def test_close_outside_the_data_is_out_of_range(market: MarketView, on: date) -> None:
    with pytest.raises(DateOutOfRangeError) as caught:
        market.close(AAPL, on)
    assert (caught.value.first, caught.value.last) == (date(1990, 1, 2), LAST)


@pytest.mark.parametrize("ticker", ["TSLA", "aapl", "", "date"])
def test_unknown_instrument_is_an_unknown_name(market: MarketView, ticker: str) -> None:
    for query in (market.currency, market.sector, market.name):
        with pytest.raises(UnknownNameError, match="instrument"):
            query(InstrumentId(ticker))
    with pytest.raises(UnknownNameError):
        market.close(InstrumentId(ticker), LAST)


def test_reference_data_is_answered_for_stock_and_index(market: MarketView) -> None:
    assert market.currency(AAPL) == "USD"
    assert market.sector(AAPL) == "Information Technology"
    assert market.sector(SPX) == "Index"
    assert market.name(SPX) == "S&P 500"


def test_closes_end_at_the_day_asked_and_count(market: MarketView) -> None:
    series = market.closes(AAPL, end=date(2022, 12, 27), count=3)
    assert series.dates.tolist() == [date(2022, 12, 22), date(2022, 12, 23), date(2022, 12, 27)]
    assert series.values[-1] == market.close(AAPL, date(2022, 12, 27))


def test_closes_with_too_few_observations_is_insufficient(market: MarketView) -> None:
    with pytest.raises(InsufficientDataError, match="5 closes"):
        market.closes(AAPL, end=date(1990, 1, 3), count=5)
    assert len(market.closes(AAPL, end=date(1990, 1, 3), count=2).values) == 2


def test_closes_on_a_holiday_or_without_count_are_refused(market: MarketView) -> None:
    with pytest.raises(NonTradingDayError):
        market.closes(AAPL, end=date(2022, 12, 25), count=3)
    with pytest.raises(InputError, match="count"):
        market.closes(AAPL, end=LAST, count=0)


def test_closes_between_includes_both_ends_and_skips_holidays(market: MarketView) -> None:
    series = market.closes_between(AAPL, date(2022, 12, 22), date(2022, 12, 27))
    assert series.dates.tolist() == [date(2022, 12, 22), date(2022, 12, 23), date(2022, 12, 27)]
    weekend = market.closes_between(AAPL, date(2022, 12, 24), date(2022, 12, 25))
    assert weekend.values.size == 0


def test_closes_between_names_the_end_that_is_wrong(market: MarketView) -> None:
    with pytest.raises(DateOutOfRangeError, match=r"^start"):
        market.closes_between(AAPL, date(1989, 1, 1), LAST)
    with pytest.raises(DateOutOfRangeError, match=r"^end"):
        market.closes_between(AAPL, date(2022, 1, 3), date(2023, 1, 3))
    with pytest.raises(InputError, match="not after the end"):
        market.closes_between(AAPL, LAST, date(2022, 1, 3))


@pytest.mark.parametrize(
    ("base", "quote", "on", "rate"),
    [
        ("EUR", "USD", date(1999, 1, 4), 1.1789),
        ("EUR", "USD", date(2026, 10, 30), 1.1172),
        ("EUR", "JPY", date(2026, 10, 30), 175.68),
        ("USD", "EUR", date(2026, 10, 30), 1 / 1.1172),
        ("GBP", "USD", date(2026, 10, 30), 1.1172 / 0.8338),
        ("USD", "USD", date(2026, 10, 31), 1.0),
    ],
)
def test_fx_rate_is_the_fixing_or_the_ratio_of_two(
    market: MarketView, base: str, quote: str, on: date, rate: float
) -> None:
    assert market.fx_rate(CurrencyCode(base), CurrencyCode(quote), on) == pytest.approx(
        rate, rel=1e-15
    )


def test_fx_rate_on_weekend_is_a_non_trading_day(market: MarketView) -> None:
    with pytest.raises(NonTradingDayError) as caught:
        market.fx_rate(EUR, USD, date(2022, 12, 25))
    assert caught.value.previous == date(2022, 12, 23)


@pytest.mark.parametrize(
    ("code", "on", "first", "last"),
    [
        (RUB, date(2022, 3, 2), date(2005, 4, 1), date(2022, 3, 1)),
        (HRK, date(2023, 1, 2), date(2005, 4, 1), date(2022, 12, 30)),
        (USD, date(1998, 12, 31), date(1999, 1, 4), date(2026, 10, 30)),
    ],
)
def test_fx_rate_outside_the_currency_s_life_names_its_range(
    market: MarketView, code: CurrencyCode, on: date, first: date, last: date
) -> None:
    for base, quote in ((EUR, code), (code, EUR), (GBP, code)):
        if on.year == 1998 and base == GBP:
            continue
        with pytest.raises(DateOutOfRangeError) as caught:
            market.fx_rate(base, quote, on)
        assert (caught.value.first, caught.value.last) == (first, last)
    with pytest.raises(DateOutOfRangeError):
        market.fx_rates(EUR, code, np.array([on], dtype="datetime64[D]"))


def test_unknown_currency_is_an_unknown_name(market: MarketView) -> None:
    for base, quote in (("XXX", "USD"), ("USD", "XXX"), ("XXX", "XXX"), ("date", "USD")):
        with pytest.raises(UnknownNameError, match="currency"):
            market.fx_rate(CurrencyCode(base), CurrencyCode(quote), LAST)
        with pytest.raises(UnknownNameError, match="currency"):
            market.fx_rates(CurrencyCode(base), CurrencyCode(quote), days("2022-12-28"))


def test_fx_rates_carry_the_last_fixing_over_weekends(market: MarketView) -> None:
    rates = market.fx_rates(EUR, USD, days("2022-12-23", "2022-12-24", "2022-12-25", "2022-12-27"))
    friday = market.fx_rate(EUR, USD, date(2022, 12, 23))
    assert rates.tolist() == [friday, friday, friday, market.fx_rate(EUR, USD, date(2022, 12, 27))]


def test_fx_rates_never_use_a_later_fixing(market: MarketView) -> None:
    cross = market.fx_rates(GBP, CurrencyCode("JPY"), days("2022-12-26"))
    assert cross[0] == market.fx_rate(GBP, CurrencyCode("JPY"), date(2022, 12, 23))


def test_fx_rates_over_a_hole_in_the_data_are_refused(market: MarketView) -> None:
    with pytest.raises(InsufficientDataError, match="ISK"):
        market.fx_rates(ISK, USD, days("2010-01-04"))
    with pytest.raises(NonTradingDayError):
        market.fx_rate(ISK, USD, date(2010, 1, 4))


def test_fx_rates_of_equal_currencies_or_no_dates_need_no_data(market: MarketView) -> None:
    assert market.fx_rates(USD, USD, days("2022-12-24", "2022-12-25")).tolist() == [1.0, 1.0]
    assert market.fx_rates(EUR, USD, days()).shape == (0,)


@pytest.mark.parametrize(
    ("instruments", "uses_fx", "last"),
    [
        ((AAPL,), False, LAST),
        ((AAPL, SPX), True, LAST),
        ((), True, date(2026, 10, 30)),
        ((), False, date(2026, 10, 30)),
    ],
)
def test_last_date_is_shared_by_everything_named(
    market: MarketView, instruments: tuple[InstrumentId, ...], uses_fx: bool, last: date
) -> None:
    assert market.last_date(instruments, uses_fx=uses_fx) == last


@pytest.mark.parametrize(
    ("on", "uses_fx", "expected"),
    [
        (date(2022, 12, 25), False, date(2022, 12, 23)),
        (date(2022, 12, 23), False, date(2022, 12, 23)),
        # 2022-12-26: neither; 2022-04-18: Easter Monday, New York trades and the ECB does not fix.
        (date(2022, 4, 18), False, date(2022, 4, 18)),
        (date(2022, 4, 18), True, date(2022, 4, 14)),
    ],
)
def test_last_trading_day_looks_back_only(on: date, uses_fx: bool, expected: date) -> None:
    market = real_market()
    assert market.last_trading_day(on, instruments=(AAPL,), uses_fx=uses_fx) == expected


def test_last_trading_day_outside_the_data_is_out_of_range() -> None:
    for on in (date(2022, 12, 31), date(1989, 12, 31)):
        with pytest.raises(DateOutOfRangeError):
            real_market().last_trading_day(on, instruments=(AAPL,), uses_fx=False)


def test_market_lists_what_it_holds() -> None:
    market = real_market()
    assert len(market.instruments()) == 21
    assert len(market.currencies()) == 42
    assert "EUR" in market.currencies()
    assert market.date_range((AAPL,), uses_fx=True) == (date(1999, 1, 4), LAST)


def test_series_cannot_be_written() -> None:
    series = real_market().closes(AAPL, end=LAST, count=5)
    with pytest.raises(ValueError, match="read-only"):
        series.values[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        series.dates[0] = series.dates[1]


def test_both_readers_agree_on_every_value() -> None:
    first: SnapshotMarket = real_market()
    second = SecondMarket(real_snapshot_folder(), expected=PINNED_DIGEST)
    for name in first.instruments():
        one, two = (
            market.closes_between(name, date(1990, 1, 2), LAST) for market in (first, second)
        )
        assert np.array_equal(one.dates, two.dates)
        assert np.array_equal(one.values, two.values)
        assert all(math.isfinite(value) for value in two.values)
    calendar = first.closes_between(SPX, date(2010, 1, 4), date(2022, 2, 28)).dates
    for code in ("GBP", "JPY", "CHF", "RUB", "TRY"):
        one, two = (
            market.fx_rates(CurrencyCode(code), USD, calendar) for market in (first, second)
        )
        assert np.array_equal(one, two)
