"""Which decisions are replayed: a range of the log, a stretch of time, a sample of either.

A sample is drawn by the hash of a seed and each identifier, so that whoever knows the seed, which
the record of the replay holds, draws the same one again.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from finsvc.domain.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A decision that may be selected; ``at`` is when it was made, None where that is unknown."""

    record_id: str
    index: int
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to select; everything by default.

    Attributes:
        first: Lowest index of the log, included.
        last: Highest index, included.
        since: Earliest time, included.
        until: Latest time, excluded.
        sample: How many to draw of those; None takes all.
        seed: Of the draw.
    """

    first: int | None = None
    last: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    sample: int | None = None
    seed: str = ""

    def __post_init__(self) -> None:
        """Refuse bounds that nothing can meet.

        Raises:
            InputError: A time has no zone, a bound lies before its start, a sample is empty.
        """
        for name, time in (("since", self.since), ("until", self.until)):
            if time is not None and time.tzinfo is None:
                raise InputError(field=name, expected="a time with a zone", actual=str(time))
        if self.first is not None and self.last is not None and self.last < self.first:
            raise InputError(field="last", expected=f"at least {self.first}", actual=str(self.last))
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise InputError(field="until", expected=f"after {self.since}", actual=str(self.until))
        if self.sample is not None and self.sample < 1:
            raise InputError(field="sample", expected="at least 1", actual=str(self.sample))

    def select(self, candidates: Iterable[Candidate]) -> list[str]:
        """Return the identifiers selected, in the order of the log."""
        within = [item for item in candidates if self._holds(item)]
        if self.sample is not None:
            drawn = sorted(within, key=self._rank)[: self.sample]
            within = sorted(drawn, key=lambda item: item.index)
        return [item.record_id for item in within]

    def to_json(self) -> dict[str, object]:
        """JSON form for the record of a replay."""
        return {
            "first": self.first,
            "last": self.last,
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "sample": self.sample,
            "seed": self.seed,
        }

    def _holds(self, item: Candidate) -> bool:
        if self.first is not None and item.index < self.first:
            return False
        if self.last is not None and item.index > self.last:
            return False
        if self.since is None and self.until is None:
            return True
        if item.at is None:
            return False
        is_late_enough = self.since is None or item.at >= self.since
        return is_late_enough and (self.until is None or item.at < self.until)

    def _rank(self, item: Candidate) -> str:
        return hashlib.sha256(f"{self.seed}\n{item.record_id}".encode()).hexdigest()


def candidate(record_id: str, index: int, time: object) -> Candidate:
    """A candidate from a record's own fields; a time that is none is left out."""
    at = None
    if isinstance(time, str):
        try:
            parsed = datetime.fromisoformat(time)
        except ValueError:
            parsed = None
        at = parsed if parsed is not None and parsed.tzinfo is not None else None
    return Candidate(record_id=record_id, index=index, at=at)
