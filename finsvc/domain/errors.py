"""Errors of the service.

FinsvcError
├── InputError                 the caller's input is wrong (exit 2, HTTP 400)
│   ├── UnknownNameError       a book, instrument, currency, agent … that does not exist (HTTP 404)
│   ├── NonTradingDayError     the date has no prices: a weekend or an exchange holiday
│   ├── DateOutOfRangeError    the date lies outside the data
│   ├── InsufficientDataError  too few observations for the method
│   ├── UnsupportedError       a parameter that would have no effect here (HTTP 400)
│   └── ContextLengthError     prompt and answer do not fit the model's context (HTTP 400)
├── RefusedError               policy denied the request (exit 3, HTTP 403)
├── LogOperationError          the log does not allow an act; the code is the log's own
├── StateError                 the data directory, snapshot or configuration is unusable
├── CalculationError           a calculator broke its own contract: our fault (exit 5, HTTP 500)
│   ├── NonFiniteResultError   a formula gave a value that is not a finite number
│   └── UndeclaredToleranceError  a field has no declared tolerance
└── UnavailableError           a part is draining or failed (HTTP 503)
    ├── BusyError              too many questions wait already (HTTP 429)
    └── TimedOutError          no answer within the time allowed (HTTP 503)

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


class UnsupportedError(InputError):
    """A parameter that this model would have to ignore; nothing is ignored silently."""

    code = "unsupported_parameter"


class ContextLengthError(InputError):
    """Prompt and answer exceed the context length of the model."""

    code = "context_length_exceeded"

    def __init__(self, *, field: str, limit: int, prompt: int, answer: int) -> None:
        self.limit = limit
        super().__init__(
            field=field,
            expected=f"prompt and answer of at most {limit} tokens",
            actual=f"{prompt} prompt tokens and room for {answer} more",
        )


class RefusedError(FinsvcError):
    """Policy denied the request."""

    code = "policy_denied"

    def __init__(self, *, action: str, reasons: Sequence[str]) -> None:
        self.action = action
        self.reasons = tuple(reasons)
        shown = ", ".join(self.reasons) or "no policy permits it"
        super().__init__(f"{action} was refused by policy: {shown}")


class LogOperationError(FinsvcError):
    """The log does not allow an act of custody: a hold, a retention period, an unknown record."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class StateError(FinsvcError):
    """The data directory, a snapshot or the configuration cannot be used."""

    code = "invalid_state"


class CalculationError(FinsvcError):
    """A calculator broke its own contract; nothing of it may be used."""

    code = "calculation_failed"

    def __init__(self, *, field: str, expected: str, actual: str) -> None:
        self.field = field
        self.expected = expected
        self.actual = actual
        super().__init__(f"{field}: expected {expected}, got {actual}")


class NonFiniteResultError(CalculationError):
    """A formula gave a value that is not a finite number."""

    code = "non_finite_result"

    def __init__(self, *, field: str, actual: str) -> None:
        super().__init__(field=field, expected="a finite number", actual=actual)


class UndeclaredToleranceError(CalculationError):
    """A field has no declared tolerance, so that nothing can confirm it."""

    code = "undeclared_tolerance"

    def __init__(self, *, field: str) -> None:
        super().__init__(field=field, expected="a declared tolerance", actual="none")


class UnavailableError(FinsvcError):
    """A part of the service is draining or failed."""

    code = "unavailable"


class BusyError(UnavailableError):
    """Too many questions wait already; the same call may succeed after ``retry_after_s``."""

    code = "busy"

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class TimedOutError(UnavailableError):
    """There was no answer within the time allowed."""

    code = "timed_out"
