"""``finsvc audit``: verify the log, replay decisions, hand out proofs."""

from typing import Annotated

import typer

from finsvc.commands import common, custody, export, lazy, output, replay, search, witness
from finsvc.commands.output import ExitCode

app = typer.Typer(no_args_is_help=True, help="Verify the log, replay decisions, export proofs.")

app.command()(replay.replay)
app.command()(replay.what_if)
app.command()(search.search)
app.command()(export.export)
app.command()(export.law)
app.command()(custody.shred)
app.command()(custody.retention)
app.command()(custody.witnesses)
app.add_typer(custody.keys, name="keys")
app.add_typer(custody.hold, name="hold")
app.add_typer(custody.stamp, name="stamp")
app.add_typer(witness.app, name="witness")


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
    warnings = report["warnings"]
    for warning in warnings if isinstance(warnings, list) and not as_json else ():
        output.out.print(f"  warning: {warning}", markup=False)
    if report["ok"] is not True:
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
