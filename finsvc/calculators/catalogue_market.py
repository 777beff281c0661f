"""Registration of the calculators on instruments, options and currencies."""

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.fx import fx_convert, fx_rate
from finsvc.calculators.inputs.market import (
    BetaInput,
    CloseInput,
    CorrelationInput,
    DrawdownInput,
    FxConvertInput,
    FxRateInput,
    OptionPriceInput,
    PriceChangeInput,
    VolatilityInput,
)
from finsvc.calculators.market_statistics import (
    beta,
    close,
    correlation,
    drawdown,
    price_change,
    volatility,
)
from finsvc.calculators.option import option_price
from finsvc.calculators.second.fx import confirm_fx_convert, confirm_fx_rate
from finsvc.calculators.second.market_statistics import (
    confirm_beta,
    confirm_close,
    confirm_correlation,
    confirm_drawdown,
    confirm_price_change,
    confirm_volatility,
)
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.second.option import confirm_option_price
from finsvc.calculators.tolerances import ANALYTIC, EXACT, ROUNDED
from finsvc.domain.results import Tolerance

_QUOTE = "quote currency of the instrument"


def _field(name: str, unit: str, meaning: str, tolerance: Tolerance = ANALYTIC) -> FieldSpec:
    return FieldSpec(name=name, unit=unit, meaning=meaning, tolerance=tolerance)


MARKET: tuple[Calculator, ...] = (
    Calculator(
        name="close",
        version="1.0.0",
        summary="Closing price of an instrument.",
        input_model=CloseInput,
        outputs=(_field("close", _QUOTE, "Adjusted close of the day.", EXACT),),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(CloseInput, close),
        second=bind_second(CloseInput, confirm_close),
        formula="the snapshot's adjusted close.",
        source="The snapshot's source.",
    ),
    Calculator(
        name="price_change",
        version="1.0.0",
        summary="Relative price change between two trading days.",
        input_model=PriceChangeInput,
        outputs=(
            _field("change", "%", "A rise is positive."),
            _field("start_close", _QUOTE, "Adjusted close of the first day.", EXACT),
            _field("end_close", _QUOTE, "Adjusted close of the last day.", EXACT),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(PriceChangeInput, price_change),
        second=bind_second(PriceChangeInput, confirm_price_change),
        formula="100 (P_end / P_start - 1).",
        source="Convention of this project.",
    ),
    Calculator(
        name="volatility",
        version="1.0.0",
        summary="Realised annual volatility from daily log returns.",
        input_model=VolatilityInput,
        outputs=(_field("volatility", "%", "Annual standard deviation."),),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(VolatilityInput, volatility),
        second=bind_second(VolatilityInput, confirm_volatility),
        formula="100 sqrt(252) sd(ln P_t / P_(t-1)), n - 1 in the denominator.",
        source="J. Hull (2018), section 15.4.",
    ),
    Calculator(
        name="correlation",
        version="1.0.0",
        summary="Correlation of the daily log returns of two instruments.",
        input_model=CorrelationInput,
        outputs=(_field("correlation", "1", "From -1 to 1."),),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(CorrelationInput, correlation),
        second=bind_second(CorrelationInput, confirm_correlation),
        formula="sample correlation of daily log returns.",
        source="J. Hull (2018), section 23.",
    ),
    Calculator(
        name="beta",
        version="1.0.0",
        summary="Beta of an instrument to a benchmark.",
        input_model=BetaInput,
        outputs=(_field("beta", "1", "Slope of the returns on those of the benchmark."),),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(BetaInput, beta),
        second=bind_second(BetaInput, confirm_beta),
        formula="cov(r, m) / var(m) of daily log returns.",
        source="W. Sharpe (1964).",
    ),
    Calculator(
        name="drawdown",
        version="1.0.0",
        summary="Largest fall from a peak between two dates.",
        input_model=DrawdownInput,
        outputs=(_field("drawdown", "%", "Fall from the peak; a fall is positive."),),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(DrawdownInput, drawdown),
        second=bind_second(DrawdownInput, confirm_drawdown),
        formula="100 max(1 - P_t / max_(s <= t) P_s).",
        source="Convention of this project.",
    ),
    Calculator(
        name="fx_rate",
        version="1.0.0",
        summary="Exchange rate of a currency pair.",
        input_model=FxRateInput,
        outputs=(_field("rate", "quote/base", "Quote currency for one base.", ROUNDED),),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(FxRateInput, fx_rate),
        second=bind_second(FxRateInput, confirm_fx_rate),
        formula="quote per euro over base per euro.",
        source="European Central Bank, euro foreign exchange reference rates.",
    ),
    Calculator(
        name="fx_convert",
        version="1.0.0",
        summary="Amount converted from one currency to another.",
        input_model=FxConvertInput,
        outputs=(
            _field("amount", "currency converted from", "The given amount.", EXACT),
            _field("converted", "currency converted to", "The amount times the rate.", ROUNDED),
            _field("rate", "to/from", "Units of the one currency for one other.", ROUNDED),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(FxConvertInput, fx_convert),
        second=bind_second(FxConvertInput, confirm_fx_convert),
        formula="amount times the rate.",
        source="European Central Bank, euro foreign exchange reference rates.",
    ),
    Calculator(
        name="option_price",
        version="1.0.0",
        summary="Price and Greeks of a European option.",
        input_model=OptionPriceInput,
        outputs=(
            _field("price", _QUOTE, "Value of one unit."),
            _field("delta", "1", "Change of the price for one currency unit of the underlying."),
            _field("gamma", "1", "Change of delta for one currency unit of the underlying."),
            _field("vega", _QUOTE, "Change of the price for one point of volatility."),
            _field("theta", _QUOTE, "Change of the price for one calendar day passing."),
            _field("rho", _QUOTE, "Change of the price for one point of the rate."),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(OptionPriceInput, option_price),
        second=bind_second(OptionPriceInput, confirm_option_price),
        formula="s (S e^(-qT) N(s d1) - K e^(-rT) N(s d2)), s = 1 for calls, -1 for puts.",
        source="F. Black, M. Scholes (1973); R. Merton (1973).",
    ),
)
