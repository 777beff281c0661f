"""Checks the words of direction and comparison that stand next to bound numbers.

Only what can be decided is decided: a direction word next to exactly one signed number of its
sentence, ``breach`` against the calculator's own status. Any other such word leaves the claim
unchecked, and an unchecked claim goes to a human.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from finsvc.domain.verdicts import Reason

_NEUTRAL = re.compile(r"\bprofits? (?:or|and) loss(?:es)?\b", re.IGNORECASE)
_UP = re.compile(
    r"\b(?:rose|risen|gained|gains?|increased|climbed|up|grew|profit(?:ed)?)\b", re.IGNORECASE
)
_DOWN = re.compile(
    r"\b(?:fell|fallen|lost|loses?|loss(?:es)?|decreased|declined|dropped|down|shrank)\b",
    re.IGNORECASE,
)
_BREACH = re.compile(r"\b(?:no breach|within (?:its|all|the) limits?)\b|\bbreach\w*", re.IGNORECASE)
_OTHER = re.compile(
    r"\b(?:largest|biggest|highest|greatest|most|smallest|lowest|least|higher|lower|greater|larger|"
    r"smaller|above|below|exceeds?|exceeded|more than|less than|best|worst|outperform\w*|"
    r"underperform\w*|safe|risky)\b",
    re.IGNORECASE,
)


_COMPARATIVE = re.compile(
    r"\b(?:(?P<large>higher|greater|larger|more|above|exceed(?:s|ed))|lower|smaller|less|below)"
    r"\b(?: than\b)?",
    re.IGNORECASE,
)


def compared(pieces: Sequence[str | tuple[Decimal, str]]) -> Reason | None:
    """Decide a sentence whose one word of comparison stands between its only two numbers.

    Args:
        pieces: The sentence's own words and, in their places, values with units.
    """
    numbers = [index for index, piece in enumerate(pieces) if not isinstance(piece, str)]
    found = [
        (index, match)
        for index, piece in enumerate(pieces)
        if isinstance(piece, str)
        for match in _COMPARATIVE.finditer(piece)
    ]
    others = sum(len(_OTHER.findall(piece)) for piece in pieces if isinstance(piece, str))
    words = " ".join(piece for piece in pieces if isinstance(piece, str))
    is_plain = len(found) == others == 1 and len(numbers) == 2 and direction(words) is None
    if not is_plain or not numbers[0] < found[0][0] < numbers[1]:
        return Reason.UNCHECKED_COMPARISON
    left, right = (pieces[index] for index in numbers)
    if isinstance(left, str) or isinstance(right, str) or left[1] != right[1]:
        return Reason.UNCHECKED_COMPARISON
    is_larger = found[0][1]["large"] is not None
    is_right = left[0] > right[0] if is_larger else left[0] < right[0]
    return None if is_right else Reason.COMPARISON_WRONG


def direction(words: str) -> int | None:
    """Which way words of direction point: 1 up, -1 down, 0 both; None without any."""
    plain = _NEUTRAL.sub("", words)
    is_up, is_down = bool(_UP.search(plain)), bool(_DOWN.search(plain))
    if not (is_up or is_down):
        return None
    return int(is_up) - int(is_down)


def _direction_reason(words: str, values: Sequence[Decimal]) -> Reason | None:
    way = direction(words)
    if way is None:
        return None
    if way == 0 or len(values) != 1:
        return Reason.UNCHECKED_COMPARISON
    return None if way * values[0] > 0 else Reason.COMPARISON_WRONG


def breach_reason(words: str, statuses: Sequence[str]) -> Reason | None:
    """Check words of breach against ``breach`` or ``no breach`` of the limits they speak of."""
    breach = _BREACH.search(words)
    if breach is None:
        return None
    says_breach = breach.group().lower().startswith("breach")
    if not statuses:
        return Reason.UNCHECKED_COMPARISON
    is_wrong = any((status == "breach") is not says_breach for status in statuses)
    return Reason.COMPARISON_WRONG if is_wrong else None


def check_words(words: str, values: Sequence[Decimal], statuses: Sequence[str]) -> Reason | None:
    """Check one sentence's own words against the numbers and statuses it cites.

    Args:
        words: The sentence without its references.
        values: The cited values in order; signs are profit positive.
        statuses: ``status`` labels of the calls the sentence cites.

    Returns:
        None when nothing contradicts or every word was confirmed.
    """
    plain = _NEUTRAL.sub("", words)
    breach = breach_reason(plain, statuses)
    if breach is not None:
        return breach
    plain = _BREACH.sub("", plain)
    if _OTHER.search(plain):
        return Reason.UNCHECKED_COMPARISON
    return _direction_reason(plain, values)
