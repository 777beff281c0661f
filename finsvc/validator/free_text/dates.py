"""Finds days, months and years in text; a form that could be read in two ways is left unread."""

import re
from dataclasses import dataclass
from datetime import date

from finsvc.validator.free_text.units import UNIT_PATTERN

_MONTH_WORDS = (
    "january february march april may june july august september october november december"
)
_MONTHS = _MONTH_WORDS.split()
_NUMBERS = {name[:length]: n for n, name in enumerate(_MONTHS, 1) for length in (3, len(name))}
_NUMBERS["sept"] = 9
_MONTH = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_PATTERN = re.compile(
    r"\b(?P<y1>\d{4})-(?P<m1>\d{2})-(?P<d1>\d{2})\b"
    rf"|\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<m2>{_MONTH})\.?,? (?P<y2>\d{{4}})\b"
    rf"|\b(?P<m3>{_MONTH})\.? (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y3>\d{{4}})\b"
    rf"|\b(?P<m4>{_MONTH})\.?,? (?P<y4>\d{{4}})\b"
    rf"|(?<![\w.,/$€£¥-])(?P<y5>(?:19|20)\d{{2}})\b(?![.,]\d|/| ?(?:{UNIT_PATTERN}))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day, month or year in a text; ``month`` and ``day`` are 0 where none is stated."""

    span: tuple[int, int]
    year: int
    month: int
    day: int

    def fits(self, on: date) -> bool:
        """Whether a day is the one stated, or lies in the month or year stated."""
        return on.year == self.year and self.month in (0, on.month) and self.day in (0, on.day)


def find_days(text: str) -> list[Day]:
    """Every date in the text in order; a year alone is four digits that no unit follows."""
    found = []
    for match in _PATTERN.finditer(text):
        groups = {name[0]: value for name, value in match.groupdict().items() if value}
        month = groups.get("m", "0").casefold()
        found.append(
            Day(
                span=match.span(),
                year=int(groups["y"]),
                month=_NUMBERS[month] if month in _NUMBERS else int(month),
                day=int(groups.get("d", "0")),
            )
        )
    return found
