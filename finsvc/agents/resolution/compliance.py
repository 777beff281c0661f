"""Resolves the compliance tools: limits, large exposures, holdings."""

from finsvc.agents.arguments.levels import parse_threshold
from finsvc.agents.arguments.limit_names import parse_limit_name
from finsvc.agents.resolution.context import Draft, Resolved, portfolio_json
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.book import LimitInput
from finsvc.domain.errors import InputError

# A tenth of the value is where large-exposure reporting begins (CRR Article 392).
_THRESHOLD = "0.1"


def limit_check(draft: Draft) -> Resolved:
    """Resolve a limit check: all limits of the book, or those that the question names."""
    argument, as_of = draft.portfolio()
    limits = argument.book.limits if argument.book is not None else ()
    if not limits:
        raise InputError(
            field="portfolio", expected="a book that has limits", actual=argument.portfolio.label
        )
    if "limit" in draft.spans:
        limits = draft.take(parse_limit_name(draft.spans["limit"], limits=limits))
    inputs = {
        "portfolio": portfolio_json(argument.portfolio),
        "as_of": as_of.isoformat(),
        "limits": [LimitInput.from_domain(limit).document() for limit in limits],
    }
    return draft.resolved("limit_check", inputs, "subject", "status", "limits", "as_of")


def large_exposures(draft: Draft) -> Resolved:
    """Resolve the positions above a share of the book's value."""
    argument, as_of = draft.portfolio()
    threshold = _THRESHOLD
    if "threshold" in draft.spans:
        threshold = decimal_text(draft.take(parse_threshold(draft.spans["threshold"])))
    else:
        draft.default("threshold", "10% of the value")
    inputs = {
        "portfolio": portfolio_json(argument.portfolio),
        "as_of": as_of.isoformat(),
        "threshold": threshold,
    }
    return draft.resolved("large_exposures", inputs, "subject", "exposures", "as_of")


def positions(draft: Draft) -> Resolved:
    """Resolve the holdings of a book."""
    argument, as_of = draft.portfolio()
    inputs = {"portfolio": portfolio_json(argument.portfolio), "as_of": as_of.isoformat()}
    return draft.resolved("positions", inputs, "subject", "positions", "as_of")
