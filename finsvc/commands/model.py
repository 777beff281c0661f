"""``finsvc model``: checkpoints."""

from pathlib import Path
from typing import Annotated

import typer

from finsvc.commands import common, lazy, output, render
from finsvc.commands.backend import Json
from finsvc.commands.output import ExitCode

app = typer.Typer(no_args_is_help=True, help="Describe and test checkpoints.")

ModelPath = Annotated[str, typer.Argument(metavar="PATH", help="'embedded' or a folder.")]


@app.command()
def info(path: ModelPath = "embedded", as_json: common.JsonFlag = False) -> None:
    """Tell what a checkpoint is: layout, sizes, digests.

    For example:

      finsvc model info

      finsvc model info /models/gpt-oss-20b --json
    """
    _show(lazy.local_model().info(common.load_settings(), path), as_json=as_json)


@app.command()
def check(
    path: ModelPath = "embedded",
    invariance: Annotated[
        bool,
        typer.Option("--invariance", help="On the GPU: every batch, chunk, cache and graph."),
    ] = False,
    as_json: common.JsonFlag = False,
) -> None:
    """Run a checkpoint's self-test: exact decoding, and the same bits however it is run.

    Exit code 4 when a check fails.

    For example:

      finsvc model check

      finsvc model check /models/gpt-oss-20b --invariance
    """
    commands = lazy.local_model()
    run = commands.invariance if invariance else commands.check
    document = run(common.load_settings(), path)
    _show(document, as_json=as_json)
    if document["ok"] is not True:
        raise typer.Exit(ExitCode.CHECK_FAILED)


@app.command()
def calibrate(
    path: ModelPath = "embedded",
    out: Annotated[
        Path | None, typer.Option(help="Where to; by default the service's data directory.")
    ] = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Choose how sure a material answer must be, on questions whose right calls are known.

    Takes about 20 minutes on two cores with the embedded model. Without a calibration of its own a
    model's material answers all wait for a person. The statement printed says what is promised.

    For example:

      finsvc model calibrate

      finsvc model calibrate /models/gpt-oss-20b --out calibration.json
    """
    settings = common.load_settings()
    _show(lazy.local_model().calibrate(settings, path, out, output.progress), as_json=as_json)


def _show(document: Json, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(document)
        return
    plain = [(name, value) for name, value in document.items() if name != "checks"]
    render.show_table(output.out, ("", ""), plain)
    checks = document.get("checks")
    if isinstance(checks, list):
        rows = [
            (item["name"], "passed" if item["ok"] else "FAILED", item["detail"]) for item in checks
        ]
        render.show_table(output.out, ("check", "outcome", "detail"), rows)
