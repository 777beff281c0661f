"""Second method of the option calculator: QuantLib's analytic European engine."""

from finsvc.calculators.inputs.market import OptionPriceInput
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.quantlib_adapter import EuropeanOption, greeks
from finsvc.calculators.second.valuation import realised_volatility
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion


def confirm_option_price(inputs: OptionPriceInput, market: MarketView) -> SecondOpinion:
    """Price and Greeks by QuantLib."""
    if inputs.volatility is None:
        window_days = inputs.assumptions.volatility_window_days
        volatility = realised_volatility(market, inputs.underlying, inputs.as_of, window_days)
    else:
        volatility = float(inputs.volatility)
    unit = greeks(
        EuropeanOption(
            option_type=inputs.option_type,
            spot=market.close(inputs.underlying, inputs.as_of),
            strike=float(inputs.strike),
            expiry=inputs.expiry,
            on=inputs.as_of,
            volatility=volatility,
            rate=float(inputs.assumptions.rate),
            dividend_yield=float(inputs.assumptions.dividend_yield),
        )
    )
    values = {
        "price": unit.price,
        "delta": unit.delta,
        "gamma": unit.gamma,
        "vega": unit.vega,
        "theta": unit.theta,
        "rho": unit.rho,
    }
    return opinion("QuantLib AnalyticEuropeanEngine", values)
