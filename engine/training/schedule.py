"""How far a training run is, and the learning rate that follows from it.

Progress is counted in thousandths. A run on a lent machine is planned in seconds, so progress
follows the clock; the first step of every thousandth is recorded, and a recorded run can be
repeated step for step on any machine. Runs planned in steps (tests) do not look at the clock at
all.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

PERMILLE = 1000


@dataclass(slots=True, kw_only=True)
class Schedule:
    """Progress of a run; exactly one of `seconds`, `steps` and a full `starts` plans it.

    Attributes:
        seconds: Training time of the whole run, set-up and compilation excluded.
        steps: Number of steps of the whole run.
        starts: `starts[i]` is the first step of thousandth i; grows as a run by the clock proceeds.
        is_recorded: `starts` is complete and decides alone.
    """

    seconds: float | None = None
    steps: int | None = None
    starts: list[int] = field(default_factory=list)
    is_recorded: bool = False

    def permille(self, step: int, elapsed_s: float) -> int:
        """Progress before `step`, 0 to 1000; 1000 means the run is over.

        Args:
            step: 0-based index of the step about to be made.
            elapsed_s: Training time so far.
        """
        if self.is_recorded:
            return bisect.bisect_right(self.starts, step) - 1
        if self.steps is not None:
            done = step * PERMILLE // self.steps
        elif self.seconds is not None:
            done = int(elapsed_s / self.seconds * PERMILLE)
        else:
            raise ValueError("schedule: expected seconds, steps or recorded starts, got none")
        # Progress never goes back, whatever the clock says after a resume.
        done = min(PERMILLE, max(done, len(self.starts) - 1))
        self.starts.extend([step] * (done + 1 - len(self.starts)))
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningRate:
    """Warm-up over steps, then constant, then linear decay to zero over the last part."""

    peak: float = 2e-3
    warmup_steps: int = 150
    decay_from: int = 650

    def at(self, step: int, permille: int) -> float:
        """The rate of 0-based `step` at progress `permille`."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        left = (PERMILLE - permille) / (PERMILLE - self.decay_from)
        return self.peak * warm * min(1.0, left)
