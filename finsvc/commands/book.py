"""``finsvc book``: the shelf of books."""

from pathlib import Path
from typing import Annotated

import typer

from finsvc.commands import common, lazy, output, render

app = typer.Typer(no_args_is_help=True, help="List books and import your own.")


@app.command("list")
def list_books(as_json: common.JsonFlag = False) -> None:
    """List every book.

    For example:

      finsvc book list
    """
    rows = lazy.local_data().books(common.load_settings(), output.progress)
    if as_json:
        output.emit_json({"books": rows})
    else:
        cells = [(row["name"], row["positions"], row["limits"]) for row in rows]
        render.show_table(output.out, ("name", "positions", "limits"), cells)


@app.command("import")
def import_book(
    file: Annotated[Path, typer.Argument(help="CSV file of positions.")],
    name: Annotated[str, typer.Argument(help="Name of the book: lower-case letters, digits, - _.")],
    *,
    limits: Annotated[Path | None, typer.Option(help="CSV file of limits.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a book of the name.")] = False,
    as_json: common.JsonFlag = False,
) -> None:
    """Check a book and put it on the shelf; an error names row and column, nothing is half-written.

    For example:

      finsvc book import positions.csv rates --limits limits.csv
    """
    settings = common.load_settings()
    book = lazy.local_data().import_book(
        settings, output.progress, file=file, name=name, limits=limits, replace=replace
    )
    if as_json:
        output.emit_json(book)
    else:
        output.out.print(
            f"{book['name']}: {book['positions']} positions, {book['limits']} limits", markup=False
        )
