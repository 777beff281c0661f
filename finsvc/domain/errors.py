"""Errors of the service.

FinsvcError
├── InputError                 the caller's input is wrong (exit 2, HTTP 400)
│   ├── UnknownNameError       a book, instrument, currency, agent … that does not exist (HTTP 404)
│   ├── NonTradingDayError     the date has no prices: a weekend or an exchange holiday
│   ├── DateOutOfRangeError    the date lies outside the data
│   └── InsufficientDataError  too few observations for the method
├── RefusedError               policy denied the request (exit 3, HTTP 403)
├── StateError                 the data directory, snapshot or configuration is unusable
└── UnavailableError           a part is busy, draining or timed out (HTTP 503)

Each error has a stable ``code``; its sentence names the field, what was expected and what came.
"""

from collections.abc import Sequence
from datetime import date


class FinsvcError(Exception):
    """Root of the service's errors."""

    code = "internal_error"


class InputError(FinsvcError):
    """A field of the caller's input is wrong."""

    code = "invalid_input"

    def __init__(self, *, field: str, expected: str, actual: str) -> None:
        self.field = field
        self.expected = expected
        self.actual = actual
        super().__init__(f"{field}: expected {expected}, got {actual}")


class UnknownNameError(InputError):
    """A name that refers to nothing we hold."""

    code = "unknown_name"

    def __init__(self, *, field: str, kind: str, actual: str, known: Sequence[str]) -> None:
        self.kind = kind
        self.known = tuple(known)
        shown = ", ".join(self.known[:25]) or "none"
        super().__init__(field=field, expected=f"a known {kind} ({shown})", actual=repr(actual))


class NonTradingDayError(InputError):
    """The date has no prices although it lies inside the data."""

    code = "non_trading_day"

    def __init__(self, *, field: str, actual: date, previous: date) -> None:
        self.previous = previous
        super().__init__(
            field=field,
            expected=f"a trading day (the last one before is {previous.isoformat()})",
            actual=actual.isoformat(),
        )


class DateOutOfRangeError(InputError):
    """The date lies before the first or after the last day of the data."""

    code = "date_out_of_range"

    def __init__(self, *, field: str, actual: date, first: date, last: date) -> None:
        self.first = first
        self.last = last
        super().__init__(
            field=field,
            expected=f"a date from {first.isoformat()} to {last.isoformat()}",
            actual=actual.isoformat(),
        )


class InsufficientDataError(InputError):
    """The data holds too few observations for what was asked."""

    code = "insufficient_data"


class RefusedError(FinsvcError):
    """Policy denied the request."""

    code = "policy_denied"

    def __init__(self, *, action: str, reasons: Sequence[str]) -> None:
        self.action = action
        self.reasons = tuple(reasons)
        shown = ", ".join(self.reasons) or "no policy permits it"
        super().__init__(f"{action} was refused by policy: {shown}")


class StateError(FinsvcError):
    """The data directory, a snapshot or the configuration cannot be used."""

    code = "invalid_state"


class UnavailableError(FinsvcError):
    """A part of the service is busy, draining or did not answer in time."""

    code = "unavailable"
