"""Time of entries: the wall clock as it is, with what the kernel says of its quality.

Instants are nanoseconds since 1970 UTC. The clock is never smoothed; a step that the monotonic
clock does not explain is found by `find_jump` and logged as an event.
"""

import ctypes
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

# Kernel value for "not synchronised": STA_UNSYNC of <sys/timex.h>.
_STA_UNSYNC = 0x40
# What a clock without any discipline is said to be off by: the kernel's own ceiling, 16 s.
_ERROR_US_MAX = 16_000_000
# The kernel's figures change once a second at most.
_QUALITY_AGE_NS = 1_000_000_000


class ClockState(StrEnum):
    """Whether something keeps the clock."""

    NTP = "ntp"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """A reading of the clock.

    Attributes:
        utc_ns: Wall clock.
        monotonic_ns: A clock that never jumps; its zero means nothing.
        state: Whether the wall clock is synchronised.
        error_us: The kernel's bound on its error.
    """

    utc_ns: int
    monotonic_ns: int
    state: ClockState
    error_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A step of the wall clock.

    Attributes:
        previous_utc_ns: Before.
        utc_ns: After.
        elapsed_ns: By the monotonic clock; None across a restart.
    """

    previous_utc_ns: int
    utc_ns: int
    elapsed_ns: int | None


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> Instant:
        """Read the clock."""


class _Timex(ctypes.Structure):
    """`struct timex` of <sys/timex.h>, as far as it is read; the rest is room for the kernel."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def read_quality() -> tuple[ClockState, int]:
    """Ask the kernel for the state of the clock and the bound on its error in microseconds."""
    timex = _Timex()
    adjust = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjust is None or adjust(ctypes.byref(timex)) < 0 or timex.status & _STA_UNSYNC:
        return ClockState.FREE, _ERROR_US_MAX
    return ClockState.NTP, int(timex.maxerror)


class SystemClock:
    """The machine's clock."""

    def __init__(self) -> None:
        self._quality = read_quality()
        self._asked_ns = time.monotonic_ns()

    def now(self) -> Instant:
        """Read the clock."""
        monotonic_ns = time.monotonic_ns()
        if monotonic_ns - self._asked_ns > _QUALITY_AGE_NS:
            self._quality, self._asked_ns = read_quality(), monotonic_ns
        state, error_us = self._quality
        return Instant(
            utc_ns=time.time_ns(), monotonic_ns=monotonic_ns, state=state, error_us=error_us
        )


def find_jump(previous: Instant, now: Instant, *, bound_ns: int) -> Jump | None:
    """Return the step between two readings of one process, if there was one.

    Args:
        previous: The reading before.
        now: The reading after.
        bound_ns: Difference of wall and monotonic clock that is still no step.
    """
    elapsed_ns = now.monotonic_ns - previous.monotonic_ns
    stepped_ns = now.utc_ns - previous.utc_ns
    if stepped_ns >= 0 and abs(stepped_ns - elapsed_ns) <= bound_ns:
        return None
    return Jump(previous_utc_ns=previous.utc_ns, utc_ns=now.utc_ns, elapsed_ns=elapsed_ns)
