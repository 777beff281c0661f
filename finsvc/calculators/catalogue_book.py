"""Registration of the calculators on portfolios other than value at risk."""

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.exposure import exposure, large_exposures, positions
from finsvc.calculators.inputs.book import (
    ExposureInput,
    LargeExposuresInput,
    LimitCheckInput,
    PositionsInput,
)
from finsvc.calculators.inputs.risk import ProfitAndLossInput, StressTestInput
from finsvc.calculators.limits import limit_check
from finsvc.calculators.profit_and_loss import profit_and_loss
from finsvc.calculators.second.books import (
    confirm_exposure,
    confirm_large_exposures,
    confirm_positions,
    confirm_profit_and_loss,
)
from finsvc.calculators.second.limits import confirm_limit_check
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.second.stress import confirm_stress_test
from finsvc.calculators.stress import stress_test
from finsvc.calculators.tolerances import ANALYTIC

_BASE = "base currency"


def _amount(name: str, meaning: str, *, is_table: bool = False) -> FieldSpec:
    return FieldSpec(name=name, unit=_BASE, meaning=meaning, tolerance=ANALYTIC, is_table=is_table)


BOOK: tuple[Calculator, ...] = (
    Calculator(
        name="stress_test",
        version="1.0.0",
        summary="Profit or loss in a stretch of history or under chosen shocks.",
        input_model=StressTestInput,
        outputs=(_amount("pnl", "Profit is positive, loss negative."),),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(StressTestInput, stress_test),
        second=bind_second(StressTestInput, confirm_stress_test),
        formula="V(moved prices and rates) - V(today).",
        source="Basel Committee (2018), Stress testing principles, d450.",
    ),
    Calculator(
        name="exposure",
        version="1.0.0",
        summary="Delta-equivalent exposure by currency, sector or instrument.",
        input_model=ExposureInput,
        outputs=(
            _amount("exposure", "Net exposure of a group; long is positive.", is_table=True),
            _amount("exposure_total", "Net exposure, the sum of the rows."),
            _amount("exposure_gross", "Sum of absolute exposures of distinct holdings."),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(ExposureInput, exposure),
        second=bind_second(ExposureInput, confirm_exposure),
        formula="sum over a group of units times delta times price times rate.",
        source="Convention of this project.",
    ),
    Calculator(
        name="profit_and_loss",
        version="1.0.0",
        summary="Profit and loss between two closes, price and FX effects apart.",
        input_model=ProfitAndLossInput,
        outputs=(
            _amount("pnl", "Profit is positive, loss negative."),
            _amount("price_effect", "Part from prices, at the first exchange rate."),
            _amount("fx_effect", "Part from exchange rates, on the last value."),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(ProfitAndLossInput, profit_and_loss),
        second=bind_second(ProfitAndLossInput, confirm_profit_and_loss),
        formula="V(end) - V(start); FX effect = last local value times the change of the rate.",
        source="Convention of this project.",
    ),
    Calculator(
        name="positions",
        version="1.0.0",
        summary="Holdings with their market values.",
        input_model=PositionsInput,
        outputs=(
            _amount("positions", "Market value of a holding; long is positive.", is_table=True),
            _amount("positions_total", "Net market value, the sum of the rows."),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(PositionsInput, positions),
        second=bind_second(PositionsInput, confirm_positions),
        formula="units times price times rate.",
        source="Convention of this project.",
    ),
    Calculator(
        name="limit_check",
        version="1.0.0",
        summary="Utilisation of limits and whether one is breached.",
        input_model=LimitCheckInput,
        outputs=(
            FieldSpec(
                name="limits",
                unit="%",
                meaning="Measured amount in percent of the limit; above 100 is a breach.",
                tolerance=ANALYTIC,
                is_table=True,
            ),
            FieldSpec(
                name="measured",
                unit="the limit's unit",
                meaning="Measured amount; a loss is positive.",
                tolerance=ANALYTIC,
                is_table=True,
            ),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(LimitCheckInput, limit_check),
        second=bind_second(LimitCheckInput, confirm_limit_check),
        formula="100 times measured over limit; a breach is above 100.",
        source="Convention of this project.",
    ),
    Calculator(
        name="large_exposures",
        version="1.0.0",
        summary="Instruments and foreign cash above a share of the value of the book.",
        input_model=LargeExposuresInput,
        outputs=(
            FieldSpec(
                name="exposures",
                unit="%",
                meaning="Net exposure in percent of the net market value; short is negative.",
                tolerance=ANALYTIC,
                is_table=True,
            ),
            _amount("book_value", "Net market value of the book."),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(LargeExposuresInput, large_exposures),
        second=bind_second(LargeExposuresInput, confirm_large_exposures),
        formula="100 times exposure over the book's value, above the threshold.",
        source="Regulation (EU) 575/2013, Article 392, with the book's value for capital.",
    ),
)
