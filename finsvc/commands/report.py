"""``finsvc report``: regulatory reports."""

from pathlib import Path
from typing import Annotated

import typer

from finsvc.commands import common, lazy, output, render
from finsvc.commands.backend import ReportInput
from finsvc.commands.output import ExitCode

app = typer.Typer(no_args_is_help=True, help="Run regulatory reports.")


@app.command("list")
def list_reports(as_json: common.JsonFlag = False) -> None:
    """List every report.

    For example:

      finsvc report list
    """
    rows = lazy.local_calculators().reports()
    if as_json:
        output.emit_json({"reports": rows})
    else:
        cells = [(row["name"], row["title"]) for row in rows]
        render.show_table(output.out, ("name", "states"), cells)


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(help="Name of a report.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Date, YYYY-MM-DD; by default the last one of the data."),
    ] = None,
    book: Annotated[str, typer.Option(help="Book to report on.")] = "sample",
    as_json: common.JsonFlag = False,
) -> None:
    """Run a report: every figure confirmed by a second method, logged before its files appear.

    Exit code 3 when a figure was not confirmed and a person has to look at it.

    For example:

      finsvc report run risk_limits --as-of 2022-12-28 --out ./report
    """
    given = ReportInput(name=name, book=book, as_of=common.parse_date(as_of), out=out)
    with common.open_backend(common.load_settings()) as backend:
        document = backend.run_report(given)
    if as_json:
        output.emit_json(document)
    else:
        state = "every figure confirmed" if document["confirmed"] else "NOT every figure confirmed"
        output.out.print(f"{document['report_id']}, as of {document['as_of']}: {state}")
        files = document["files"]
        for path in files.values() if isinstance(files, dict) else ():
            output.out.print(f"  {path}", markup=False)
    if document["confirmed"] is not True:
        raise typer.Exit(ExitCode.WITHHELD)
