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


def _direction_reason(words: str, values: Sequence[Decimal]) -> Reason | None:
    is_up, is_down = bool(_UP.search(words)), bool(_DOWN.search(words))
    if not (is_up or is_down):
        return None
    if is_up and is_down:
        return Reason.UNCHECKED_COMPARISON
    if len(values) != 1:
        return Reason.UNCHECKED_COMPARISON
    is_right = values[0] > 0 if is_up else values[0] < 0
    return None if is_right else Reason.COMPARISON_WRONG


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
    breach = _BREACH.search(plain)
    if breach is not None:
        says_breach = breach.group().lower().startswith("breach")
        if not statuses:
            return Reason.UNCHECKED_COMPARISON
        if any((status == "breach") is not says_breach for status in statuses):
            return Reason.COMPARISON_WRONG
        plain = _BREACH.sub("", plain)
    if _OTHER.search(plain):
        return Reason.UNCHECKED_COMPARISON
    return _direction_reason(plain, values)
