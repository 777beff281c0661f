"""How often requests are completed, for those who ask when to come back. Free of tensors."""

from __future__ import annotations

# Weight of the latest interval in the mean.
_RECENT = 0.1


class Pace:
    """A running mean of the seconds between completions.

    Attributes:
        interval_s: The mean; 0 until two requests were completed.
        num_completed: Requests completed so far.
    """

    def __init__(self) -> None:
        """Start without a completion."""
        self.interval_s = 0.0
        self.num_completed = 0
        self._last: float | None = None

    def note(self, now: float) -> None:
        """Count a completion at `now`, in seconds on any clock."""
        self.num_completed += 1
        if self._last is not None:
            latest = now - self._last
            mean = self.interval_s or latest
            self.interval_s = mean + _RECENT * (latest - mean)
        self._last = now
