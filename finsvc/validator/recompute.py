"""Asks a call's second method, on a market read by an independent reader.

Fail closed: whatever stops the second method from giving a value leaves its fields unconfirmed.
"""

from finsvc.calculators.comparison import compare
from finsvc.calculators.registry import calculator
from finsvc.domain.calls import ToolCall
from finsvc.domain.errors import FinsvcError
from finsvc.domain.market import MarketView
from finsvc.validator.validate import Confirmation, FieldCheck


class Recomputation:
    """Confirms calls; usable as `finsvc.validator.validate.Confirm`."""

    def __init__(self, market: MarketView) -> None:
        """Take the market of second methods, which shares no code with the first's."""
        self._market = market

    def __call__(self, call: ToolCall) -> Confirmation:
        """Recompute a call's result by the second method and compare every field."""
        if call.result is None:
            return Confirmation(method="", checks={}, failure="the call has no result")
        try:
            entry = calculator(call.calculator)
            second = entry.confirm(entry.parse(dict(call.inputs)), self._market)
            comparisons = compare(call.result, second, entry.tolerances)
        except (FinsvcError, ArithmeticError, ValueError, LookupError) as error:
            return Confirmation(method="", checks={}, failure=f"{type(error).__name__}: {error}")
        checks = {
            field: FieldCheck(
                value=item.second,
                difference=item.difference,
                tolerance=item.tolerance,
                is_within=item.within,
            )
            for field, item in comparisons.items()
            if item.second is not None and item.difference is not None
        }
        return Confirmation(method=second.method, checks=checks, failure=None)
