import numpy as np
import pytest

from finsvc.domain.errors import InputError, InsufficientDataError, NonTradingDayError
from finsvc.domain.identifiers import InstrumentId
from finsvc.domain.market import Series
from tests.finsvc.calculators.factories import (
    AS_OF,
    FLAT,
    SyntheticMarket,
    disagreements,
    run,
    value,
)

DAYS = np.array(["2022-12-26", "2022-12-27", "2022-12-28", "2022-12-29", "2022-12-30"], "M8[D]")


def tiny(*values: float) -> SyntheticMarket:
    series = Series(dates=DAYS[: len(values)], values=np.array(values))
    return SyntheticMarket(prices={InstrumentId("ABC"): series}, rates={})


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("close", {"instrument": "ABC", "as_of": AS_OF}),
        ("price_change", {"instrument": "ABC", "start": "2022-06-30", "end": AS_OF}),
        ("volatility", {"instrument": "ABC", "as_of": AS_OF, "window_days": 60}),
        ("volatility", {"instrument": "FLAT", "as_of": AS_OF}),
        ("correlation", {"first": "ABC", "second": "EUX", "as_of": AS_OF}),
        ("beta", {"instrument": "ABC", "benchmark": "IDX", "as_of": AS_OF}),
        ("beta", {"instrument": "FLAT", "benchmark": "IDX", "as_of": AS_OF}),
        ("drawdown", {"instrument": "ABC", "start": "2020-01-01", "end": "2021-12-31"}),
        ("drawdown", {"instrument": "FLAT", "start": "2020-01-01", "end": "2021-12-31"}),
    ],
)
def test_second_method_confirms(name: str, document: dict[str, object]) -> None:
    assert disagreements(name, **document) == []


def test_price_change_and_drawdown_by_hand() -> None:
    market = tiny(100.0, 120.0, 90.0, 110.0, 99.0)
    change = run("price_change", market, instrument="ABC", start="2022-12-26", end="2022-12-30")
    assert float(change.fields["change"].value) == -1.0
    fall = run("drawdown", market, instrument="ABC", start="2022-12-26", end="2022-12-30")
    assert float(fall.fields["drawdown"].value) == 25.0
    assert fall.labels["peak_date"] == "2022-12-27"
    assert fall.labels["trough_date"] == "2022-12-28"


def test_drawdown_of_a_rising_price_is_zero() -> None:
    result = run("drawdown", tiny(1.0, 2.0, 3.0), instrument="ABC", start="2022-12-26", end=AS_OF)
    assert float(result.fields["drawdown"].value) == 0.0


def test_volatility_by_hand() -> None:
    result = run(
        "volatility", tiny(1.0, np.e, 1.0), instrument="ABC", as_of="2022-12-28", window_days=2
    )
    # Log returns are +1 and -1: their sample deviation is the root of two.
    assert float(result.fields["volatility"].value) == pytest.approx(100 * (2 * 252) ** 0.5)


def test_volatility_of_a_constant_price_is_zero() -> None:
    assert value("volatility", "volatility", instrument="FLAT", as_of=AS_OF) == 0.0


def test_instrument_with_itself_has_correlation_and_beta_one() -> None:
    assert value("correlation", "correlation", first="ABC", second="ABC", as_of=AS_OF) == 1.0
    assert value("beta", "beta", instrument="ABC", benchmark="ABC", as_of=AS_OF) == 1.0


def test_correlation_is_symmetric_and_bounded() -> None:
    one = value("correlation", "correlation", first="ABC", second="IDX", as_of=AS_OF)
    two = value("correlation", "correlation", first="IDX", second="ABC", as_of=AS_OF)
    assert one == two
    assert -1.0 <= one <= 1.0


def test_ratio_to_a_constant_price_is_refused() -> None:
    for document in (
        {"first": "ABC", "second": FLAT},
        {"first": FLAT, "second": "ABC"},
    ):
        with pytest.raises(InputError, match="whose price moves"):
            run("correlation", as_of=AS_OF, **document)
    with pytest.raises(InputError, match="benchmark"):
        run("beta", instrument="ABC", benchmark="FLAT", as_of=AS_OF)


def test_different_calendars_short_data_and_weekends_are_refused() -> None:
    with pytest.raises(InsufficientDataError, match="same days"):
        run("correlation", first="ABC", second="GAP", as_of=AS_OF)
    with pytest.raises(InsufficientDataError):
        run("volatility", instrument="ABC", as_of=AS_OF, window_days=5000)
    with pytest.raises(NonTradingDayError):
        run("close", instrument="ABC", as_of="2022-12-25")
    with pytest.raises(InsufficientDataError, match="start"):
        run("drawdown", instrument="ABC", start="2022-12-24", end="2022-12-25")
    with pytest.raises(InputError, match="start before end"):
        run("price_change", instrument="ABC", start=AS_OF, end=AS_OF)
