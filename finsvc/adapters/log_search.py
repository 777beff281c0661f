"""Searching the log by its index: who, book, verdict, tool, number and time."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from audit.search import Query
from finsvc.adapters.audit import AuditLog

_NS = 1_000_000_000


def search_log(
    directory: Path,
    key_file: Path,
    *,
    terms: Mapping[str, str],
    since: datetime | None,
    until: datetime | None,
) -> list[dict[str, object]]:
    """Return index, time, type and id of the records that meet everything, oldest first.

    Args:
        directory: The log.
        key_file: Beside it lie the keys of the contents and of the index.
        terms: Values by the names of `log_terms`.
        since: Written then or later; zone-aware.
        until: Written before; zone-aware.

    Raises:
        AuditError: There is no log, or it is damaged.
    """
    log = AuditLog.read(directory, key_file).log
    query = Query(
        since_ns=None if since is None else int(since.timestamp() * _NS),
        until_ns=None if until is None else int(until.timestamp() * _NS),
        terms=terms,
    )
    found: list[dict[str, object]] = []
    for index in log.search(query):
        statement = log.statement(index)
        time = datetime.fromtimestamp(statement.stamp.utc_ns / _NS, UTC)
        found.append(
            {
                "index": index,
                "time": time.isoformat(timespec="milliseconds"),
                "type": statement.type,
                "id": statement.id,
            }
        )
    return found
