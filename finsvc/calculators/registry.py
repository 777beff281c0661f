"""Every calculator by name."""

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import chain
from types import MappingProxyType

from finsvc.calculators.calculator import Calculator
from finsvc.calculators.capital.catalogue import CAPITAL
from finsvc.calculators.capital.catalogue_ratios import CAPITAL_RATIOS
from finsvc.calculators.catalogue_book import BOOK
from finsvc.calculators.catalogue_market import MARKET
from finsvc.calculators.catalogue_risk import RISK
from finsvc.calculators.portfolio.catalogue import PORTFOLIO
from finsvc.calculators.pricing.catalogue_bonds import BONDS
from finsvc.calculators.pricing.catalogue_options import OPTIONS
from finsvc.calculators.pricing.catalogue_rates import RATES
from finsvc.calculators.risk.catalogue_backtests import BACKTESTS
from finsvc.calculators.risk.catalogue_given import GIVEN
from finsvc.calculators.risk.catalogue_tail import TAIL
from finsvc.domain.errors import UnknownNameError

_FAMILIES = (
    RISK,
    BOOK,
    MARKET,
    BACKTESTS,
    TAIL,
    GIVEN,
    PORTFOLIO,
    OPTIONS,
    BONDS,
    RATES,
    CAPITAL,
    CAPITAL_RATIOS,
)

CALCULATORS: Mapping[str, Calculator] = MappingProxyType(
    {
        entry.name: entry
        for entry in sorted(chain.from_iterable(_FAMILIES), key=lambda entry: entry.name)
    }
)
"""All calculators, sorted by name."""


def calculator(name: str) -> Calculator:
    """Look a calculator up.

    Raises:
        UnknownNameError: there is none of that name.
    """
    found = CALCULATORS.get(name)
    if found is None:
        alike = get_close_matches(name, CALCULATORS, n=5)
        raise UnknownNameError(
            field="calculator", kind="calculator", actual=name, known=alike or list(CALCULATORS)
        )
    return found
