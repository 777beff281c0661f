"""Value at risk worked by hand and from a textbook."""

import math
from decimal import Decimal

import numpy as np
import pytest

from finsvc.calculators.inputs.risk import RiskInput
from finsvc.calculators.tail import tail_of
from finsvc.calculators.value_at_risk import historical_tail, parametric_tail
from finsvc.domain.identifiers import InstrumentId
from finsvc.domain.market import Series
from tests.finsvc.calculators.factories import SyntheticMarket, book, stock

DAYS = np.arange("2022-01-03", "2022-01-08", dtype="datetime64[D]")


def market(**closes: tuple[float, ...]) -> SyntheticMarket:
    return SyntheticMarket(
        prices={
            InstrumentId(name): Series(dates=DAYS, values=np.array(values))
            for name, values in closes.items()
        },
        rates={},
    )


def inputs(*positions: dict[str, str], confidence: str) -> RiskInput:
    return RiskInput.model_validate(
        {
            "portfolio": book(*positions),
            "as_of": "2022-01-07",
            "confidence": confidence,
            "horizon_days": 1,
            "window_days": 4,
        }
    )


def test_historical_figures_of_four_days_by_hand() -> None:
    # Growth 1.1, 0.9, 1.2 and 0.75 of one share worth 89.1: losses -8.91, 8.91, -17.82, 22.275.
    view = market(ABC=(100.0, 110.0, 99.0, 118.8, 89.1))
    tail = historical_tail(inputs(stock("ABC", "1"), confidence="0.75"), view)
    # ceil(4 * 0.75) = 3: the third smallest of the four.
    assert tail.var == pytest.approx(8.91, rel=1e-12)
    assert tail.es == pytest.approx((8.91 + 22.275) / 2, rel=1e-12)


def test_parametric_figure_of_two_stocks_by_hand() -> None:
    # Log returns of ABC: +a, -a, +a, -a; of IDX: +b, +b, -b, -b; uncorrelated, sample variances
    # 4 a^2 / 3 and 4 b^2 / 3. Both end where they began, at 100.
    a, b = 0.02, 0.01
    view = market(
        ABC=(100.0, 100.0 * math.exp(a), 100.0, 100.0 * math.exp(a), 100.0),
        IDX=(100.0, 100.0 * math.exp(b), 100.0 * math.exp(2 * b), 100.0 * math.exp(b), 100.0),
    )
    tail = parametric_tail(inputs(stock("ABC", "3"), stock("IDX", "-2"), confidence="0.95"), view)
    deviation = math.sqrt((300 * a) ** 2 * 4 / 3 + (200 * b) ** 2 * 4 / 3)
    # Normal quantile 1.6448536 and tail density 0.1031356 at 95 %: tables of the distribution.
    assert tail.var == pytest.approx(1.6448536 * deviation, rel=1e-7)
    assert tail.es == pytest.approx(0.1031356 / 0.05 * deviation, rel=1e-6)


def test_hundred_ordered_losses_give_the_five_percent_tail() -> None:
    tail = tail_of(np.arange(1.0, 101.0), Decimal("0.95"))
    assert (tail.var, tail.es) == (95.0, 97.5)


def test_textbook_portfolio_of_ten_million_in_microsoft() -> None:
    # J. Hull, Options, Futures, and Other Derivatives, 8th edition, section 21.4: 10 million
    # dollars at a daily volatility of 2 %: one-day 99 % value at risk 466,000 (2.33 deviations),
    # ten-day 1,473,621. With the exact quantile 2.326348 the figures are 465,270 and 1,471,311.
    a = 0.02 * math.sqrt(3 / 4)
    view = market(
        ABC=(100.0, 100.0 * math.exp(a), 100.0, 100.0 * math.exp(a), 100.0),
    )
    ten_million = inputs(stock("ABC", "100000"), confidence="0.99")
    one_day = parametric_tail(ten_million, view).var
    ten_days = parametric_tail(ten_million.model_copy(update={"horizon_days": 10}), view).var
    assert one_day == pytest.approx(466_000, rel=2e-3)
    assert one_day == pytest.approx(465_270, abs=1)
    assert ten_days == pytest.approx(1_473_621, rel=2e-3)
