"""Exchange rates and conversions at ECB reference rates.

A rate is units of the quote currency for one unit of the base currency, as fixed on exactly the
as-of day. It is rounded to 12 significant digits first; a conversion multiplies the exact amount
with the rounded rate, so that it can be checked by hand.
"""

from decimal import Decimal

from finsvc.calculators.computation import Computation, Figure, to_decimal
from finsvc.calculators.inputs.market import FxConvertInput, FxRateInput
from finsvc.domain.identifiers import CurrencyCode
from finsvc.domain.market import MarketView

_NOTE = "Rates are ECB reference rates of the day; cross rates go through the euro."


def _rate(
    market: MarketView,
    base: CurrencyCode,
    quote: CurrencyCode,
    inputs: FxRateInput | FxConvertInput,
) -> Decimal:
    return to_decimal(market.fx_rate(base, quote, inputs.as_of), field="rate")


def fx_rate(inputs: FxRateInput, market: MarketView) -> Computation:
    """Exchange rate of a currency pair."""
    rate = _rate(market, inputs.base, inputs.quote, inputs)
    return Computation(
        headline="rate",
        fields={"rate": Figure(value=rate, unit=f"{inputs.quote}/{inputs.base}", decimals=4)},
        labels={"subject": f"{inputs.base}/{inputs.quote}"},
        as_of=inputs.as_of,
        method="reference_rate",
        parameters={},
        notes=(_NOTE, f"The rate is units of {inputs.quote} for one {inputs.base}."),
    )


def fx_convert(inputs: FxConvertInput, market: MarketView) -> Computation:
    """Convert an amount at the reference rate of the day."""
    rate = _rate(market, inputs.from_currency, inputs.to_currency, inputs)
    return Computation(
        headline="converted",
        fields={
            "amount": Figure(value=inputs.amount, unit=inputs.from_currency, decimals=2),
            "converted": Figure(value=inputs.amount * rate, unit=inputs.to_currency, decimals=2),
            "rate": Figure(
                value=rate, unit=f"{inputs.to_currency}/{inputs.from_currency}", decimals=4
            ),
        },
        labels={"subject": f"{inputs.from_currency} to {inputs.to_currency}"},
        as_of=inputs.as_of,
        method="reference_rate",
        parameters={},
        notes=(_NOTE,),
    )
