"""Limits of a book by name or by what they bound."""

import re
from collections.abc import Sequence

from finsvc.agents.arguments.spans import Parsed, read_span
from finsvc.domain.errors import UnknownNameError
from finsvc.domain.limits import Limit, LimitMetric

_NOUN = re.compile(r" (?:limits?|caps?|thresholds?)$")
_ALL = ("limit", "all", "any", "every", "all the", "limits", "all limits", "any limit")
_METRICS = {
    LimitMetric.VALUE_AT_RISK: "var;value at risk",
    LimitMetric.EXPECTED_SHORTFALL: "es;expected shortfall;cvar;conditional var;tail loss",
    LimitMetric.INSTRUMENT_EXPOSURE: (
        "single name;single stock;instrument;instrument exposure;name;concentration;position;"
        "issuer;single name exposure;stock;single name concentration"
    ),
    LimitMetric.SECTOR_EXPOSURE: "sector;sector exposure;industry;sector concentration",
    LimitMetric.CURRENCY_EXPOSURE: "currency;currency exposure;fx;fx exposure;ccy",
    LimitMetric.STRESS_LOSS: "stress;stress loss;stress test;scenario;scenario loss",
}


def parse_limit_name(
    text: str, *, field: str = "limit", limits: Sequence[Limit]
) -> Parsed[tuple[Limit, ...]]:
    """Find the limits that a span means: one by its name, or all that bound the same thing.

    "VaR limit" is the limit of that name if there is one, else every value-at-risk limit; "all
    limits" is every one.

    Raises:
        UnknownNameError: no limit of the book has this name or bounds this.
    """
    span = read_span(text, field=field, expected="the name of a limit")
    body = _NOUN.sub("", span.text)
    if span.text in _ALL or body in _ALL:
        return Parsed(value=tuple(limits))
    for wanted in (_key(span.text), _key(body)):
        named = tuple(limit for limit in limits if _key(limit.name) == wanted)
        if named:
            return Parsed(value=named)
    for metric, words in _METRICS.items():
        if _key(body) in words.split(";"):
            bounding = tuple(limit for limit in limits if limit.metric is metric)
            if bounding:
                return Parsed(value=bounding)
    raise UnknownNameError(
        field=field, kind="limit", actual=span.written, known=[limit.name for limit in limits]
    )


def _key(text: str) -> str:
    return re.sub(r"[\s_:-]+", " ", text.casefold()).strip()
