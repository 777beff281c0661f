"""Sentences on conventions and assumptions that results carry."""

from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.portfolio import (
    Assumptions,
    CashInput,
    OptionInput,
    PortfolioInput,
)

ADJUSTED_PRICES = "Prices are closes adjusted for splits and dividends."
FX_CARRY = (
    "Exchange rates are ECB reference rates; on a day without a fixing the last one before it "
    "counts."
)


def option_assumptions(assumptions: Assumptions) -> str:
    """Say how options are valued and that the inputs are assumptions."""
    return (
        "Options are valued by Black-Scholes-Merton; the volatility (realised over "
        f"{assumptions.volatility_window_days} days), the flat rate "
        f"{decimal_text(assumptions.rate)} and the dividend yield "
        f"{decimal_text(assumptions.dividend_yield)} are assumptions, not market quotes."
    )


def valuation_notes(portfolio: PortfolioInput, assumptions: Assumptions) -> tuple[str, ...]:
    """Return the notes that a valuation of this portfolio needs, and no others."""
    kinds = {type(position) for position in portfolio.positions}
    notes = []
    if kinds != {CashInput}:
        notes.append(ADJUSTED_PRICES)
    if OptionInput in kinds:
        notes.append(option_assumptions(assumptions))
    notes.append(FX_CARRY)
    return tuple(notes)


def assumption_parameters(portfolio: PortfolioInput, assumptions: Assumptions) -> dict[str, str]:
    """Return the assumptions as parameters when the portfolio holds options."""
    if not any(isinstance(position, OptionInput) for position in portfolio.positions):
        return {}
    return {
        "rate": decimal_text(assumptions.rate),
        "dividend_yield": decimal_text(assumptions.dividend_yield),
        "volatility_window_days": str(assumptions.volatility_window_days),
    }
