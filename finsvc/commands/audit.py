"""``finsvc audit``: verify the log, replay decisions, hand out proofs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from finsvc.commands import common, lazy, output, render
from finsvc.commands.backend import Json
from finsvc.commands.output import ExitCode
from finsvc.domain.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Verify the log, replay decisions, export proofs.")


class ReplayLevel(StrEnum):
    """How much is derived again; each level includes those before it."""

    R0 = "R0"
    R1 = "R1"
    R2 = "R2"
    R3 = "R3"
    R4 = "R4"


@app.command()
def verify(as_json: common.JsonFlag = False) -> None:
    """Check every byte of the log: signatures, tree, payloads. Works beside a running service.

    Exit code 4 when something is wrong; the first bad index is named.

    For example:

      finsvc audit verify
    """
    report = lazy.local_log().verify(common.load_settings())
    if as_json:
        output.emit_json(report)
    elif report["ok"] is True:
        output.out.print(f"The log is in order: {report['size']} records.")
    else:
        output.out.print(f"The log is damaged; first bad index: {report['first_bad_index']}.")
        problems = report["problems"]
        for problem in problems if isinstance(problems, list) else ():
            output.out.print(f"  {problem}", markup=False)
    if report["ok"] is not True:
        raise typer.Exit(ExitCode.CHECK_FAILED)


@app.command()
def replay(
    decision_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Decision to replay.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Replay every decision.")] = False,
    level: Annotated[ReplayLevel, typer.Option(help="How much is derived again.")] = ReplayLevel.R3,
    as_json: common.JsonFlag = False,
) -> None:
    """Re-execute decisions and compare: signature, policies, calculators, tokens, logits.

    Exit code 4 when something differs.

    For example:

      finsvc audit replay dec_0123... --level R3

      finsvc audit replay --all --level R4 --json
    """
    if (decision_id is None) is not every:
        actual = "both" if every else "neither"
        raise InputError(field="ID", expected="an id or --all", actual=actual)
    with common.open_backend(common.load_settings()) as backend:
        ids = backend.decision_ids() if decision_id is None else [decision_id]
        replays: list[Json] = []
        for number, one in enumerate(ids, start=1):
            output.progress(f"replaying {one} ({number} of {len(ids)})")
            replays.append(backend.replay(one, level.value))
    is_ok = all(item["ok"] is True for item in replays)
    if as_json:
        output.emit_json({"ok": is_ok, "level": level.value, "replays": replays})
    else:
        render.show_table(
            output.out,
            ("decision", *(item.value for item in ReplayLevel if item <= level)),
            [_row(item, level) for item in replays],
        )
        _show_details(replays)
    if not is_ok:
        raise typer.Exit(ExitCode.CHECK_FAILED)


@app.command()
def receipt(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a record.")],
    as_json: common.JsonFlag = False,
) -> None:
    """Print a receipt: the proof that a record is in the log, checkable offline.

    For example:

      finsvc audit receipt dec_0123... --json
    """
    document = lazy.local_log().receipt(common.load_settings(), record_id)
    if as_json:
        output.emit_json(document)
        return
    proof = document["receipt"]
    if isinstance(proof, dict):
        output.out.print(f"record {proof['index']} of {proof['tree_size']}")
        output.out.print(f"leaf {proof['leaf_hash']}")
        output.out.print(str(proof["checkpoint"]), markup=False)
    output.out.print(f"key {document['vkey']}", markup=False)


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
    as_json: common.JsonFlag = False,
) -> None:
    """Write all records with their proofs as JSON lines, for a regulator.

    For example:

      finsvc audit export ./for-the-auditor
    """
    document = lazy.local_log().export(common.load_settings(), directory)
    if as_json:
        output.emit_json(document)
    else:
        output.out.print(f"{document['records']} records in {document['file']}", markup=False)


def _row(item: Json, level: ReplayLevel) -> list[object]:
    levels = item["levels"]
    outcomes = levels if isinstance(levels, dict) else {}
    shown = [outcomes.get(one.value, "-") for one in ReplayLevel if one <= level]
    return [item["decision_id"], *shown]


def _show_details(replays: list[Json]) -> None:
    for item in replays:
        details = item["details"]
        for name, detail in details.items() if isinstance(details, dict) else ():
            output.out.print(f"{item['decision_id']} {name}: {detail}", markup=False)
