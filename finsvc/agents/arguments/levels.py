"""Confidence levels and thresholds: percentages that become fractions."""

import re
from decimal import Decimal

from finsvc.agents.arguments.numbers import read_number
from finsvc.agents.arguments.spans import Parsed, read_span

PERCENT_PATTERN = r"(?:%|percent|per cent|pct|pc)"

_PERCENT = re.compile(rf"(.+?) ?{PERCENT_PATTERN}")
_ORDINAL = re.compile(r"([0-9.]+)(?:st|nd|rd|th)?[- ](?:percentile|quantile)")
_PARTS = {
    "a half": "0.5", "half": "0.5", "a quarter": "0.25", "quarter": "0.25", "a third": None,
    "a fifth": "0.2", "one fifth": "0.2", "a tenth": "0.1", "one tenth": "0.1",
    "a twentieth": "0.05", "one twentieth": "0.05",
}  # fmt: skip

CONFIDENCE_MIN = Decimal("0.5")
_CONFIDENCE = "a confidence level from 50 % to below 100 %, such as 99 %"
_THRESHOLD = "a share above 0 %, such as 10 %"


def parse_confidence(text: str, *, field: str = "confidence") -> Parsed[Decimal]:
    """Read a confidence level as a fraction: "99%", "0.99", "97.5 percent", "95th percentile".

    A bare number from 1 up is read in percent. Below 50 % it is refused, because "the 5 % VaR"
    means the 95 % one to some desks.

    Raises:
        InputError: it is not understood or not a level.
    """
    span = read_span(text, field=field, expected=_CONFIDENCE)
    body = re.sub(r"^at (?:an? )?| (?:confidence|confidence level|level)$", "", span.text)
    ordinal = _ORDINAL.fullmatch(body)
    level = _percent(f"{ordinal[1]}%") if ordinal else _share(body)
    if level is None or not CONFIDENCE_MIN <= level < 1:
        raise span.rejected()
    return Parsed(value=level)


def parse_threshold(text: str, *, field: str = "threshold") -> Parsed[Decimal]:
    """Read a share of a book's value as a fraction: "10%", "0.1", "ten percent", "a tenth".

    A bare number above 1 is read in percent; a bare 1 is refused as ambiguous.

    Raises:
        InputError: it is not understood or not above 0.
    """
    span = read_span(text, field=field, expected=_THRESHOLD)
    part = _PARTS.get(span.text)
    share = Decimal(part) if part else _share(span.text)
    if share is None or share <= 0:
        raise span.rejected()
    return Parsed(value=share)


def read_percent(text: str) -> Decimal | None:
    """Read "20%", "7.5 percent" or "twenty per cent" as a fraction."""
    return _percent(text)


def _share(text: str) -> Decimal | None:
    share = _percent(text)
    if share is not None:
        return share
    number = read_number(text)
    if number is None or number == 1:
        return None
    return number if number < 1 else number / 100


def _percent(text: str) -> Decimal | None:
    found = _PERCENT.fullmatch(text)
    number = read_number(found[1]) if found else None
    return None if number is None else number / 100
