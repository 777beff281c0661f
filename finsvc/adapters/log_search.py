"""Searching the log by its index: who, book, verdict, tool, number and the rest, and time."""

from collections.abc import Mapping
from datetime import UTC, datetime

from audit.reader import Reader
from audit.search import Query

_NS = 1_000_000_000


def search_indices(
    log: Reader,
    *,
    terms: Mapping[str, str],
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[int, ...]:
    """Return the records that meet everything, oldest first.

    Args:
        log: An open log.
        terms: Values by the names of `log_terms`.
        since: Written then or later; zone-aware.
        until: Written before; zone-aware.
    """
    query = Query(
        since_ns=None if since is None else int(since.timestamp() * _NS),
        until_ns=None if until is None else int(until.timestamp() * _NS),
        terms=terms,
    )
    return log.search(query)


def found_record(log: Reader, index: int) -> dict[str, object]:
    """Index, time, type and id of a record."""
    statement = log.statement(index)
    time = datetime.fromtimestamp(statement.stamp.utc_ns / _NS, UTC)
    return {
        "index": index,
        "time": time.isoformat(timespec="milliseconds"),
        "type": statement.type,
        "id": statement.id,
    }
