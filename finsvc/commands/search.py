"""``finsvc audit search``: which records of the log speak of somebody or something."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from finsvc.commands import common, lazy, output, render
from finsvc.domain.errors import InputError
from finsvc.services.search import Search

_COLUMNS = ("index", "time", "type", "id")

Who = Annotated[str | None, typer.Option(help="Who asked or approved, or for whom.")]
ClientOf = Annotated[str | None, typer.Option(help="Client whose data the record holds.")]
Session = Annotated[str | None, typer.Option(help="Session of the caller's system.")]
Purpose = Annotated[str | None, typer.Option(help="What the answer was for.")]
Book = Annotated[str | None, typer.Option(help="Book that was asked about.")]
VerdictOf = Annotated[str | None, typer.Option(help="Verdict of the answer.")]
Tool = Annotated[str | None, typer.Option(help="Calculator, tool or report.")]
Number = Annotated[str | None, typer.Option(help="A claimed value, as recorded.")]
Since = Annotated[str | None, typer.Option("--from", help="Earliest time.")]
Until = Annotated[str | None, typer.Option("--to", help="Time to stop before.")]


def search(
    *,
    who: Who = None,
    client: ClientOf = None,
    session: Session = None,
    purpose: Purpose = None,
    book: Book = None,
    verdict: VerdictOf = None,
    tool: Tool = None,
    number: Number = None,
    since: Since = None,
    until: Until = None,
    as_json: common.JsonFlag = False,
) -> None:
    """List the records that meet all that is given, oldest first.

    Reads the log's files, which leaves no record; a search over HTTP (/v1/audit/search) does.

    For example:

      finsvc audit search --who alice --verdict needs_human --from 2026-03-01T00:00Z
    """
    terms = {
        "who": who,
        "client": client,
        "session": session,
        "purpose": purpose,
        "book": book,
        "verdict": verdict,
        "tool": tool,
        "number": number,
    }
    found = lazy.local_log().search(common.load_settings(), wanted(terms, since, until))
    if as_json:
        output.emit_json({"records": found})
    else:
        rows = [[one[name] for name in _COLUMNS] for one in found]
        render.show_table(output.out, _COLUMNS, rows)


def wanted(terms: dict[str, str | None], since: str | None, until: str | None) -> Search:
    """What options say; a time without a zone is UTC.

    Raises:
        InputError: A time cannot be read.
    """
    return Search(
        terms={name: value for name, value in terms.items() if value is not None},
        since=_time("from", since),
        until=_time("to", until),
    )


def _time(field: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(field=field, expected="an ISO 8601 time", actual=repr(text)) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
