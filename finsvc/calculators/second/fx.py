"""Second methods of exchange rates: both legs against the euro, decimal arithmetic."""

from decimal import Decimal

from finsvc.calculators.inputs.market import FxConvertInput, FxRateInput
from finsvc.calculators.second.opinion import opinion
from finsvc.domain.identifiers import CurrencyCode
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_EURO = CurrencyCode("EUR")
_METHOD = "ratio of euro legs as decimals"


def _cross(
    market: MarketView,
    base: CurrencyCode,
    quote: CurrencyCode,
    inputs: FxRateInput | FxConvertInput,
) -> Decimal:
    """Units of quote for one base: euros for one base, times quote for one euro."""
    per_euro = [Decimal(repr(market.fx_rate(_EURO, code, inputs.as_of))) for code in (base, quote)]
    return per_euro[1] / per_euro[0]


def confirm_fx_rate(inputs: FxRateInput, market: MarketView) -> SecondOpinion:
    """Divide the euro legs."""
    return opinion(_METHOD, {"rate": _cross(market, inputs.base, inputs.quote, inputs)})


def confirm_fx_convert(inputs: FxConvertInput, market: MarketView) -> SecondOpinion:
    """Multiply with the exact cross rate."""
    rate = _cross(market, inputs.from_currency, inputs.to_currency, inputs)
    values = {"amount": inputs.amount, "rate": rate, "converted": inputs.amount * rate}
    return opinion(_METHOD, values)
