"""Second-order expansion of a book, position by position with QuantLib's Greeks."""

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types

from finsvc.calculators.inputs.portfolio import PortfolioCalculation
from finsvc.calculators.second.market_risk.series import appraiser_of
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionPosition

Floats = npt.NDArray[np.float64]


def expanded_profits(
    inputs: PortfolioCalculation, market: MarketView, moves: pd.DataFrame
) -> Floats:
    """Profit of every row of growth factors by delta, gamma and the cross term with the rate."""
    appraiser = appraiser_of(inputs, market)
    total = np.zeros(len(moves))
    for position in inputs.portfolio.to_domain().positions:
        worth = appraiser.worth(position)
        change = np.zeros(len(moves))
        if worth.instrument is not None:
            shock = moves[worth.instrument].to_numpy() - 1.0
            curvature = 0.0
            if isinstance(position, OptionPosition):
                units = float(position.quantity) * float(position.multiplier)
                spot = appraiser.spot(position.underlying)
                curvature = units * appraiser.option(position).gamma * spot**2
            change = shock * (worth.delta + shock * curvature / 2.0)
        if worth.currency != inputs.portfolio.base_currency:
            drift = moves[f"fx:{worth.currency}"].to_numpy() - 1.0
            linear = worth.delta * (
                0.0 if worth.instrument is None else moves[worth.instrument].to_numpy() - 1.0
            )
            change = change + drift * (worth.value + linear)
        total = total + change * worth.rate
    return total
