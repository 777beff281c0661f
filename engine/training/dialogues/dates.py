"""Dates, periods, windows and horizons in the surface forms of a desk.

Convention: a period ("over 2022", "in Q1 2021", "year to date") is one span, given as `start`.
"""

from random import Random

from engine.training.dialogues.entities import Value, plain
from engine.training.dialogues.grammar import listed, worded
from engine.training.dialogues.names import pick

MONTHS = worded(
    "January February March April May June July August September October November December"
)
_SHORT = worded("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
_WEEKDAYS = worded("Monday Tuesday Wednesday Thursday Friday")
_NUMBER_WORDS = worded(
    "one two three four five six seven eight nine ten twelve fifteen twenty thirty sixty ninety"
)
_RELATIVE_DAYS = listed(
    "yesterday;yesterday;today;last Friday;last Monday;this morning;yesterday's close;last night;"
    "the day before yesterday;last month end;last quarter end;last year end;month end;year end;"
    "quarter end;last week;two weeks ago;a month ago;a year ago;three days ago;last Thursday;T-1"
)
_RELATIVE_PERIODS = listed(
    "last year;this year;last month;this month;last week;this week;last quarter;"
    "this quarter;yesterday;"
    "year to date;YTD;ytd;month to date;MTD;quarter to date;QTD;today;this morning;last Friday;"
    "year-to-date;month-to-date;the year to date;last 12 months;the trailing year;"
    "the past year;the last year;the last month;the past week;the last quarter"
)


def _ordinal(day: int) -> str:
    suffix = "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


def _year(rng: Random) -> int:
    return int(2015 + rng.random() * 12) if rng.random() < 0.7 else int(1990 + rng.random() * 38)


# Formats of a day by share; `m` is the month's name, `o` the ordinal of the day.
_FORMATS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.26, ("{y}-{n:02d}-{d:02d}",)),
    (0.46, ("{d} {m} {y}",)),
    (0.62, ("{m} {d}, {y}",)),
    (0.68, ("{o} {m} {y}",)),
    (0.72, ("{m} {o}, {y}",)),
    (0.76, ("{o} of {m} {y}",)),
    (0.79, ("{d:02d}/{n:02d}/{y}",)),
    (0.82, ("{d:02d}.{n:02d}.{y}",)),
    (0.86, ("{d}/{n}/{y}", "{d}/{n}/{t:02d}")),
    (0.89, ("{m} {d} {y}",)),
    (0.92, ("{d}-{s}-{y}", "{d}-{s}-{t:02d}")),
    (0.94, ("{y}{n:02d}{d:02d}",)),
    (0.96, ("{y}/{n:02d}/{d:02d}",)),
    (1.0, ("{d} {m}", "{m} {d}", "{o} {m}")),
)


def exact_date(rng: Random) -> str:
    """A day, nearly always with its year."""
    year, month, day = _year(rng), int(rng.random() * 12), 1 + int(rng.random() * 28)
    if rng.random() < 0.25:
        day = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]
    name = MONTHS[month] if rng.random() < 0.65 else _SHORT[month]
    value = rng.random()
    options = next(options for bound, options in _FORMATS if value < bound)
    return pick(rng, options).format(
        y=year, t=year % 100, n=month + 1, d=day, m=name, s=_SHORT[month], o=_ordinal(day)
    )


def _loose_date(rng: Random) -> str:
    year, month = _year(rng), pick(rng, MONTHS)
    return pick(
        rng,
        (
            f"{month} {year}",
            f"{month} {year}",
            f"{year}",
            f"end of {month} {year}",
            f"end of {year}",
            f"end {year}",
            f"end-{year}",
            f"year end {year}",
            f"year-end {year}",
            f"{year} year end",
            f"mid {year}",
            f"mid-{month} {year}",
            f"early {year}",
            f"late {month} {year}",
            f"start of {year}",
            f"beginning of {month} {year}",
            f"Q{1 + int(rng.random() * 4)} {year}",
            f"end of Q{1 + int(rng.random() * 4)} {year}",
            f"{month}",
            f"end of {month}",
            f"last {pick(rng, _WEEKDAYS)}",
            f"close of {exact_date(rng)}",
            f"COB {exact_date(rng)}",
            f"month-end {month} {year}",
            f"end-{month} {year}",
            f"EOY {year}",
            f"YE {year}",
            f"FY{year}",
            f"last trading day of {year}",
            f"last day of {month} {year}",
            f"{1 + int(rng.random() * 12):02d}/{year}",
            f"{year}-{1 + int(rng.random() * 12):02d}",
            f"{month[:3]}-{year % 100:02d}",
            f"{month[:3]} {year % 100:02d}",
            f"Q{1 + int(rng.random() * 4)}'{year % 100:02d}",
        ),
    )


def _articled(text: str) -> Value:
    for article in ("the ", "close of "):
        if text.startswith(article):
            return Value(article, text[len(article) :])
    return plain(text)


def day(rng: Random) -> Value:
    """A date, mostly exact."""
    value = rng.random()
    if value < 0.68:
        return plain(exact_date(rng))
    if value < 0.84:
        return _articled(_loose_date(rng))
    return _articled(pick(rng, _RELATIVE_DAYS))


def calendar_day(rng: Random) -> Value:
    """A date that stands after "on" or "as of": exact or loose, never relative."""
    return plain(exact_date(rng)) if rng.random() < 0.85 else _articled(_loose_date(rng))


def line_date(rng: Random) -> str:
    """The date of an `As of:` line; the service writes ISO dates there."""
    text = exact_date(rng)
    year, month, number = _year(rng), 1 + int(rng.random() * 12), 1 + int(rng.random() * 28)
    return text if rng.random() < 0.25 else f"{year}-{month:02d}-{number:02d}"


def period(rng: Random) -> Value:
    """A period that stands after over, in or during."""
    year, month = _year(rng), int(rng.random() * 12)
    value = rng.random()
    if value < 0.3:
        return plain(f"{year}")
    if value < 0.5:
        return plain(f"{MONTHS[month] if rng.random() < 0.8 else _SHORT[month]} {year}")
    if value < 0.62:
        number = 1 + int(rng.random() * 4)
        ordinals = ("first", "second", "third", "fourth")
        return pick(
            rng,
            (
                plain(f"Q{number} {year}"),
                plain(f"{year} Q{number}"),
                plain(f"{number}Q{year % 100:02d}"),
                Value("the ", f"{ordinals[number - 1]} quarter of {year}"),
                Value("the ", f"{pick(rng, ('first', 'second'))} half of {year}"),
                plain(f"H{1 + number % 2} {year}"),
            ),
        )
    if value < 0.68:
        return plain(MONTHS[month])
    unit = pick(rng, ("days", "weeks", "months", "months", "years", "trading days"))
    count = pick(rng, ("2", "3", "5", "6", "10", "12", "30", "90", "two", "three", "six", "five"))
    return Value("the ", f"{pick(rng, ('last', 'past'))} {count} {unit}")


def relative_period(rng: Random) -> Value:
    """A period that stands alone: last year, this month, year to date."""
    return _articled(pick(rng, _RELATIVE_PERIODS))


def _count(rng: Random, numbers: tuple[int, ...]) -> str:
    if rng.random() < 0.25:
        return pick(rng, _NUMBER_WORDS)
    return str(pick(rng, numbers))


def horizon(rng: Random) -> Value:
    """A holding period in any form, for the place after over, for or a comma."""
    value = rng.random()
    if value < 0.3:
        return plain(_hyphenated(rng, _HORIZON_NUMBERS, ("day", "day", "day", "week", "month")))
    if value < 0.5:
        return plain(f"{pick(rng, _HORIZON_NUMBERS)}{pick(rng, ('d', 'd', 'D', 'w', 'm'))}")
    if value < 0.9:
        return horizon_noun(rng)
    return plain(pick(rng, ("overnight", "overnight", "daily", "weekly", "monthly", "intraday")))


_HORIZON_NUMBERS = (1, 1, 1, 10, 10, 10, 2, 3, 5, 5, 7, 14, 15, 20, 21, 30, 60, 90, 4, 6)


def _hyphenated(rng: Random, numbers: tuple[int, ...], units: tuple[str, ...]) -> str:
    return f"{_count(rng, numbers)}{pick(rng, ('-', '-', ' '))}{pick(rng, units)}"


def horizon_adjective(rng: Random) -> Value:
    """A holding period before a noun: 10-day, ten day, 1d, overnight, weekly."""
    value = rng.random()
    if value < 0.62:
        return plain(_hyphenated(rng, _HORIZON_NUMBERS, ("day", "day", "day", "week", "month")))
    if value < 0.82:
        return plain(f"{pick(rng, _HORIZON_NUMBERS)}{pick(rng, ('d', 'd', 'D', 'w', 'm'))}")
    return plain(
        pick(rng, ("overnight", "daily", "weekly", "monthly", "one-day", "ten-day", "two-week"))
    )


def horizon_noun(rng: Random) -> Value:
    """A holding period after over: 10 days, two weeks, one month, a day."""
    value = rng.random()
    if value < 0.12:
        return plain(pick(rng, ("a day", "a week", "a month", "a fortnight", "a quarter")))
    number = _count(rng, _HORIZON_NUMBERS)
    unit = pick(rng, ("day", "day", "day", "week", "month", "trading day", "business day"))
    return plain(f"{number} {unit}" if number in ("1", "one") else f"{number} {unit}s")


_WINDOW_NUMBERS = (
    30,
    60,
    90,
    90,
    120,
    180,
    250,
    252,
    20,
    21,
    100,
    125,
    260,
    500,
    1,
    2,
    3,
    5,
    6,
    10,
    12,
)


def window_adjective(rng: Random) -> Value:
    """An observation window before a noun: 90-day, one-year, 250d, 1y."""
    value = rng.random()
    if value < 0.62:
        units = ("day", "day", "day", "month", "year", "week")
        return plain(_hyphenated(rng, _WINDOW_NUMBERS, units))
    if value < 0.9:
        return plain(
            f"{pick(rng, _WINDOW_NUMBERS)}{pick(rng, ('d', 'd', 'D', 'm', 'y', 'Y', 'w'))}"
        )
    return plain(pick(rng, ("one-year", "annual", "quarterly", "monthly", "one-month", "yearly")))


def window_noun(rng: Random) -> Value:
    """A window after over: (the last) 90 days, a year, (the) past year.

    Convention: `last` or `past` stays out of the span before a number, and stays in without one.
    """
    value = rng.random()
    if value < 0.1:
        return plain(pick(rng, ("a year", "a month", "a quarter", "half a year")))
    if value < 0.2:
        unit = pick(rng, ("year", "year", "month", "quarter", "week", "decade"))
        return Value("the ", f"{pick(rng, ('past', 'last'))} {unit}")
    number = _count(rng, _WINDOW_NUMBERS)
    unit = pick(rng, ("day", "day", "day", "trading day", "month", "year", "week", "business day"))
    span = f"{number} {unit}" if number in ("1", "one") else f"{number} {unit}s"
    before = pick(rng, ("", "", "the last ", "the past ", "the most recent ", "the previous "))
    return Value(before, span)


def window(rng: Random) -> Value:
    """A window in any form."""
    return window_noun(rng) if rng.random() < 0.6 else window_adjective(rng)


def expiry(rng: Random) -> Value:
    """An option's expiry: a month, a day, or a time to expiry."""
    value = rng.random()
    if value < 0.34:
        month = pick(rng, MONTHS) if rng.random() < 0.6 else pick(rng, _SHORT)
        year = 2020 + int(rng.random() * 8)
        return plain(f"{month} {year}" if rng.random() < 0.8 else f"{month} {year % 100}")
    if value < 0.66:
        return plain(exact_date(rng))
    if value < 0.72:
        return plain(pick(rng, MONTHS))
    unit = pick(rng, ("month", "month", "month", "week", "day", "year"))
    number = _count(rng, (1, 2, 3, 3, 6, 6, 9, 12, 18, 30, 90))
    if value < 0.92:
        return plain(f"{number} {unit}" if number in ("1", "one") else f"{number} {unit}s")
    return plain(
        f"{number}{pick(rng, ('-', ' '))}{unit}"
        if rng.random() < 0.6
        else f"{pick(rng, (1, 3, 6, 12))}m"
    )


def expiry_adjective(rng: Random) -> Value:
    """An expiry before a noun: June 2023, 3-month, Dec, 16 June 2023, 6m."""
    value = rng.random()
    if value < 0.4:
        month = pick(rng, MONTHS) if rng.random() < 0.6 else pick(rng, _SHORT)
        return plain(month if rng.random() < 0.25 else f"{month} {2020 + int(rng.random() * 8)}")
    if value < 0.55:
        return plain(exact_date(rng))
    if value < 0.85:
        units = ("month", "month", "month", "week", "year", "day")
        return plain(_hyphenated(rng, (1, 2, 3, 6, 9, 12, 18, 30), units))
    return plain(f"{pick(rng, (1, 2, 3, 6, 9, 12, 18))}{pick(rng, ('m', 'm', 'M', 'y', 'w'))}")


def expiry_in(rng: Random) -> Value:
    """A time to expiry after "in" or "with": 3 months, six months, 90 days."""
    unit = pick(rng, ("month", "month", "month", "week", "day", "year"))
    number = _count(rng, (1, 2, 3, 3, 6, 6, 9, 12, 18, 30, 90))
    return plain(f"{number} {unit}" if number in ("1", "one") else f"{number} {unit}s")
