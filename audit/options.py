"""What can be chosen when a log is opened."""

from dataclasses import dataclass, field

from audit.canonical import JsonObject
from audit.clock import Clock, SystemClock
from audit.draft import Terms, TermSource
from audit.filesystem import FileSystem, RealFileSystem

SEGMENT_BYTES_MAX = 64 * 1024 * 1024
# Far more than a disciplined clock is slewed in the hour between two records of a quiet log.
CLOCK_STEP_NS_MAX = 2_000_000_000


def no_terms(_record_type: str, _predicate: JsonObject) -> Terms:
    """Index nothing but id, type and time."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Everything about an open log but its keys.

    Attributes:
        files: System calls.
        segment_bytes_max: Length at which a new segment is begun.
        clock: Tells the time of entries.
        clock_step_ns_max: Difference of wall and monotonic clock that is no jump.
        terms: Says what a search finds a record by, from its type and predicate.
    """

    files: FileSystem = field(default_factory=RealFileSystem)
    segment_bytes_max: int = SEGMENT_BYTES_MAX
    clock: Clock = field(default_factory=SystemClock)
    clock_step_ns_max: int = CLOCK_STEP_NS_MAX
    terms: TermSource = no_terms
