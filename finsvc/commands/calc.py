"""``finsvc calc``: calculators without an agent."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from finsvc.commands import common, lazy, output, render
from finsvc.commands.backend import Json
from finsvc.commands.remote import find_service
from finsvc.domain.errors import InputError

_RULE_SET = re.compile(
    r"(?P<who>[a-z]+)-\S+ from (?P<first>[0-9]{4})-\S+( to (?P<last>[0-9]{4})-\S+)?"
)

app = typer.Typer(no_args_is_help=True, help="Run calculators directly, with their schemas.")


@app.command("list")
def list_calculators(as_json: common.JsonFlag = False) -> None:
    """List every calculator with version and rules.

    With --json also the second method's kind and every rule set with its days.

    For example:

      finsvc calc list
    """
    rows = lazy.local_calculators().calculators()
    if as_json:
        output.emit_json({"calculators": rows})
    else:
        cells = [
            (row["name"], row["version"], _rules(str(row["rule_set"] or "")), row["summary"])
            for row in rows
        ]
        columns = ("name", "version", "rules", "computes")
        render.show_table(output.out, columns, cells)


def _rules(text: str) -> str:
    """Jurisdictions with their first and last years; the JSON names every rule set and day."""
    years: dict[str, list[str]] = {}
    for part in text.split("; "):
        found = _RULE_SET.fullmatch(part)
        if found is None:
            return text
        years.setdefault(found["who"], []).extend((found["first"], found["last"] or ""))
    return ", ".join(f"{who} {found[0]}-{found[-1]}" for who, found in years.items())


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of a calculator.")],
    as_json: common.JsonFlag = False,
) -> None:
    """Show the JSON Schemas of a calculator's inputs and result.

    For example:

      finsvc calc show historical_var
    """
    document = lazy.local_calculators().calculator(name)
    if as_json:
        output.emit_json(document)
    else:
        output.out.print_json(json.dumps(document))


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(help="Name of a calculator.")],
    *,
    inputs: Annotated[
        str, typer.Option("--input", help="JSON file of the inputs, or - for standard input.")
    ],
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the result into this .svg or .png file.")
    ] = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Run a calculator and its second method on the current snapshot.

    A portfolio may be {"book": NAME}. `finsvc calc show NAME` tells the other inputs.

    For example:

      echo '{"portfolio": {"book": "sample"}, "as_of": "2022-12-28"}' > in.json

      finsvc calc run historical_var --input in.json --json
    """
    document = read_document(inputs)
    if plot is not None:
        lazy.local_calculators().check_picture(plot.name)
    settings = common.load_settings()
    remote = find_service(settings)
    if remote is not None:
        with remote:
            result = remote.run_calculator(name, document)
    else:
        local = lazy.local_data()
        result = local.run_calculator(settings, output.progress, name=name, inputs=document)
    if plot is not None:
        _write(plot, lazy.local_calculators().picture(result, plot.name))
    if as_json:
        output.emit_json(result)
    else:
        render.show_result(output.out, result)


@app.command("explain")
def explain(
    name: Annotated[str, typer.Argument(help="Name of a calculator.")],
    *,
    before: Annotated[str, typer.Option("--before", help="JSON file of the first inputs.")],
    after: Annotated[str, typer.Option("--after", help="JSON file of the second inputs.")],
    field: Annotated[
        str | None, typer.Option("--field", help="Field to explain; the headline unless told.")
    ] = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Tell which inputs moved a result between two runs, as a tree that adds up.

    For example:

      finsvc calc explain historical_var --before monday.json --after tuesday.json
    """
    documents = (read_document(before), read_document(after))
    settings = common.load_settings()
    remote = find_service(settings)
    if remote is not None:
        with remote:
            found = remote.explain_calculator(name, *documents, field=field)
    else:
        found = lazy.local_data().explain_calculator(
            settings, output.progress, name=name, documents=documents, field=field
        )
    if as_json:
        output.emit_json(found)
    else:
        render.show_explanation(output.out, found)


@app.command("pages")
def pages(
    folder: Annotated[Path, typer.Argument(help="Folder of the pages.")],
) -> None:
    """Write a page for each calculator: formula, conventions, inputs, tolerances, second method.

    For example:

      finsvc calc pages docs/calculators
    """
    lazy.local_calculators().write_pages(folder)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(field="plot", expected="a writable file", actual=str(error)) from error


def read_document(source: str) -> Json:
    """A JSON object of a file, or of standard input for ``-``.

    Raises:
        InputError: There is none.
    """
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            field="input", expected="a readable text file", actual=str(error)
        ) from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(field="input", expected="JSON", actual=str(error)) from error
    if not isinstance(document, dict):
        raise InputError(field="input", expected="a JSON object", actual=type(document).__name__)
    return document
