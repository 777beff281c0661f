"""``finsvc audit search``: which records of the log speak of somebody or something."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from finsvc.adapters.log_search import search_log
from finsvc.commands import common, output, render
from finsvc.domain.errors import InputError

_COLUMNS = ("index", "time", "type", "id")


def search(
    *,
    who: Annotated[str | None, typer.Option(help="Who asked or approved.")] = None,
    book: Annotated[str | None, typer.Option(help="Book that was asked about.")] = None,
    verdict: Annotated[str | None, typer.Option(help="Verdict of the answer.")] = None,
    tool: Annotated[str | None, typer.Option(help="Calculator or tool that was called.")] = None,
    number: Annotated[str | None, typer.Option(help="A claimed value, as recorded.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Earliest time.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Time to stop before.")] = None,
    as_json: common.JsonFlag = False,
) -> None:
    """List the records that meet all that is given, oldest first.

    For example:

      finsvc audit search --who alice --verdict needs_human --from 2026-03-01T00:00Z
    """
    named = {"who": who, "book": book, "verdict": verdict, "tool": tool, "number": number}
    folder = common.load_settings().data_dir
    found = search_log(
        folder / "log",
        folder / "keys" / Path("log.pem"),
        terms={name: value for name, value in named.items() if value is not None},
        since=_time("from", since),
        until=_time("to", until),
    )
    if as_json:
        output.emit_json({"records": found})
    else:
        rows = [[one[name] for name in _COLUMNS] for one in found]
        render.show_table(output.out, _COLUMNS, rows)


def _time(field: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(field=field, expected="an ISO 8601 time", actual=repr(text)) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
