"""``finsvc approvals``: held answers and the second person's decision."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from finsvc.commands import common, lazy, output, render
from finsvc.commands.backend import Json

app = typer.Typer(no_args_is_help=True, help="List held answers, release or reject them.")


class Verdict(StrEnum):
    """What the second person decides; a test compares it with the service's."""

    APPROVED = "approved"
    REJECTED = "rejected"


@app.command("list")
def list_pending(*, key_file: common.KeyFile = None, as_json: common.JsonFlag = False) -> None:
    """List the held answers that you may decide about; never your own questions.

    For example:

      finsvc approvals list --key-file approver.key
    """
    with common.open_backend(common.load_settings(), key_file=key_file) as backend:
        rows = backend.pending()
    if as_json:
        output.emit_json({"approvals": rows})
    else:
        cells = [
            (row["decision_id"], row["asked_by"], _question(row), row["answer"]) for row in rows
        ]
        render.show_table(output.out, ("decision", "asked by", "question", "answer"), cells)


@app.command()
def decide(
    decision_id: Annotated[str, typer.Argument(metavar="ID", help="Held decision.")],
    verdict: Annotated[Verdict, typer.Argument(help="What you decide.")],
    *,
    comment: Annotated[str, typer.Option(help="Why; it is signed into the log.")],
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="File with the approver's API key.")
    ] = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Release or reject a held answer; who asked cannot decide.

    For example:

      finsvc approvals decide dec_0123... approved --comment "checked" --key-file approver.key
    """
    with common.open_backend(common.load_settings(), key_file=key_file) as backend:
        document = backend.decide(decision_id, verdict.value, comment)
    if as_json:
        output.emit_json(document)
    else:
        output.out.print(f"{document['decision_id']}: {document['verdict']}", markup=False)


def create_key(
    principal_id: Annotated[str, typer.Argument(metavar="ID", help="Who holds the key.")],
    *,
    role: Annotated[
        list[str],
        typer.Option(
            help="analyst, compliance, auditor, approver, custodian, model:raw or book:NAME."
        ),
    ],
    as_json: common.JsonFlag = False,
) -> None:
    """Make an API key for another person or program; it is printed this once.

    No service may run meanwhile, since it reads the keys when it starts.

    For example:

      finsvc key anna --role approver
    """
    settings = common.load_settings()
    key = lazy.local_service().create_key(settings, principal_id, frozenset(role))
    if as_json:
        output.emit_json({"id": principal_id, "roles": sorted(role), "key": key})
    else:
        output.out.print(key, markup=False)


def _question(row: Json) -> object:
    request = row["request"]
    return request.get("question", "") if isinstance(request, dict) else ""
