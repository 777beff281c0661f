"""Inputs of the calculators on instruments and currencies."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import (
    CalculatorInput,
    Currency,
    DateText,
    DecimalText,
    Instrument,
    WindowDays,
)
from finsvc.calculators.inputs.portfolio import Assumptions
from finsvc.domain.identifiers import InstrumentId
from finsvc.domain.positions import OptionType


class CloseInput(CalculatorInput):
    """Inputs of a closing price."""

    instrument: Instrument
    as_of: DateText


class DateRangeInput(CalculatorInput):
    """An instrument between two dates."""

    instrument: Instrument
    start: DateText
    end: DateText

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start >= self.end:
            raise ValueError("expected start before end")
        return self


class PriceChangeInput(DateRangeInput):
    """Inputs of a price change; both ends are trading days."""


class DrawdownInput(DateRangeInput):
    """Inputs of a maximum drawdown; the ends need not be trading days."""


class VolatilityInput(CalculatorInput):
    """Inputs of a realised volatility."""

    instrument: Instrument
    as_of: DateText
    window_days: WindowDays = 250


class CorrelationInput(CalculatorInput):
    """Inputs of a correlation of daily log returns."""

    first: Instrument
    second: Instrument
    as_of: DateText
    window_days: WindowDays = 250


class BetaInput(CalculatorInput):
    """Inputs of a beta to a benchmark."""

    instrument: Instrument
    benchmark: Instrument = InstrumentId("SPX")
    as_of: DateText
    window_days: WindowDays = 250


class FxRateInput(CalculatorInput):
    """Inputs of an exchange rate: units of ``quote`` for one ``base``."""

    base: Currency
    quote: Currency
    as_of: DateText


class FxConvertInput(CalculatorInput):
    """Inputs of a conversion of ``amount`` from one currency to another."""

    amount: DecimalText
    from_currency: Currency
    to_currency: Currency
    as_of: DateText


class OptionPriceInput(CalculatorInput):
    """Inputs of a European option on one unit of its underlying.

    ``volatility`` is an annual fraction; left out, it is the realised volatility of the
    underlying (see `Assumptions`).
    """

    underlying: Instrument
    option_type: OptionType
    strike: Annotated[DecimalText, Field(ge=0)]
    expiry: DateText
    as_of: DateText
    volatility: Annotated[DecimalText, Field(ge=0, le=10)] | None = None
    assumptions: Assumptions = Assumptions()
