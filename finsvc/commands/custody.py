"""``finsvc audit keys | hold | shred | retention | stamp``: custody of the log.

Each act needs the role `custodian` and a reason; both go into the log. With a running service it is
done there, else in this process, which loads no model.
"""

from typing import Annotated

import typer

from finsvc.commands import common, output, render
from finsvc.commands.backend import CustodyBackend, Json
from finsvc.commands.common import JsonFlag, KeyFile
from finsvc.domain.custody import Operation, Order, View

_ROLE = "Acts need an API key with the role custodian: finsvc key ID --role custodian."

keys = typer.Typer(no_args_is_help=True, help=f"Signing keys of the log. {_ROLE}")
hold = typer.Typer(no_args_is_help=True, help=f"Legal holds. {_ROLE}")
stamp = typer.Typer(no_args_is_help=True, help=f"RFC 3161 time stamps. {_ROLE}")

Reason = Annotated[str, typer.Option(help="Why; it is signed into the log.")]
Records = Annotated[list[str], typer.Option("--record", metavar="ID", help="Id of a record.")]
DataSubject = Annotated[
    str, typer.Option("--subject", metavar="NAME", help="Data subject: the client of the records.")
]


@keys.command("list")
def list_keys(*, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Show the keys that the log has had, and where their private halves are.

    For example:

      finsvc audit keys list
    """
    columns = ("first_index", "vkey", "is_current", "private_key")
    _show(View.KEYS, columns, key_file=key_file, as_json=as_json)


@keys.command("rotate")
def rotate_key(*, reason: Reason, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Make a new signing key and go over to it; no answer waits.

    Both keys sign checkpoints until `finsvc audit keys retire`; hand the new public key to auditors
    and witnesses meanwhile. The old key signs the change, so who trusts it can follow.

    For example:

      finsvc audit keys rotate --reason "yearly change" --key-file custodian.key
    """
    order = Order(operation=Operation.ROTATE_KEY, reason=reason)
    result = _operate(order, key_file=key_file, as_json=as_json)
    if result is not None:
        output.out.print(f"The new key: {result['vkey']}", markup=False)


@keys.command("retire")
def retire_keys(*, reason: Reason, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """End the overlap and destroy the private halves of all keys but the current one.

    For example:

      finsvc audit keys retire --reason "auditors have the new key" --key-file custodian.key
    """
    order = Order(operation=Operation.RETIRE_KEYS, reason=reason)
    result = _operate(order, key_file=key_file, as_json=as_json)
    if result is not None:
        output.out.print(f"{_count(result, 'retired')} retired.")


@hold.command("set")
def set_hold(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the hold.")],
    *,
    reason: Reason,
    record: Records = [],  # noqa: B006 - typer wants a list
    subject: DataSubject = "",
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Forbid that records, or everything of a data subject, are destroyed.

    For example:

      finsvc audit hold set case-17 --record dec_0123... --reason "litigation" \
        --key-file custodian.key
    """
    order = Order(
        operation=Operation.SET_HOLD,
        reason=reason,
        hold=name,
        record_ids=tuple(record),
        data_subject=subject,
    )
    if _operate(order, key_file=key_file, as_json=as_json) is not None:
        output.out.print(f"Held: {name}", markup=False)


@hold.command("list")
def list_holds(*, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Show the holds in force.

    For example:

      finsvc audit hold list
    """
    columns = ("hold", "indices", "subject", "reason")
    _show(View.HOLDS, columns, key_file=key_file, as_json=as_json)


@hold.command("lift")
def lift_hold(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the hold.")],
    *,
    reason: Reason,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """End a hold.

    For example:

      finsvc audit hold lift case-17 --reason "settled" --key-file custodian.key
    """
    order = Order(operation=Operation.LIFT_HOLD, reason=reason, hold=name)
    if _operate(order, key_file=key_file, as_json=as_json) is not None:
        output.out.print(f"Lifted: {name}", markup=False)


def shred(
    *,
    reason: Reason,
    record: Records = [],  # noqa: B006 - typer wants a list
    subject: DataSubject = "",
    expired: Annotated[
        bool, typer.Option("--expired", help="Everything whose retention has ended.")
    ] = False,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Destroy the contents of records for good; that they were made stays provable.

    Nothing on hold, and nothing that a retention rule still keeps, is destroyed: exit code 3. Needs
    the role custodian; whoever may ask questions may not destroy.

    For example:

      finsvc audit shred --subject client-7 --reason "GDPR Art 17" --key-file custodian.key

      finsvc audit shred --expired --reason "end of retention" --key-file custodian.key
    """
    order = Order(
        operation=Operation.SHRED_EXPIRED if expired else Operation.SHRED,
        reason=reason,
        record_ids=tuple(record),
        data_subject=subject,
    )
    result = _operate(order, key_file=key_file, as_json=as_json)
    if result is not None:
        output.out.print(f"{_count(result, 'indices')} records without content now.")


def retention(*, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Show the retention rules and the records that each no longer keeps.

    Rules are those of FINSVC_AUDIT_RETENTION_FILE, a JSON list such as
    [{"type": "urn:finsvc:record:decision:*", "days": 1827, "basis": "MiFID II Art 16(7)"}].

    For example:

      finsvc audit retention
    """
    columns = ("type", "days", "basis", "expired")
    _show(View.RETENTION, columns, key_file=key_file, as_json=as_json)


@stamp.command("now")
def stamp_now(*, reason: Reason, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Have the latest checkpoint stamped by the authority of FINSVC_AUDIT_TSA_URL.

    A running service does so by itself, each FINSVC_AUDIT_TSA_INTERVAL.

    For example:

      finsvc audit stamp now --reason "end of quarter" --key-file custodian.key
    """
    order = Order(operation=Operation.STAMP, reason=reason)
    result = _operate(order, key_file=key_file, as_json=as_json)
    if result is not None:
        output.out.print(f"{result['size']} records stamped at {result['time']}.", markup=False)


@stamp.command("list")
def list_stamps(*, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Check all time stamps against FINSVC_AUDIT_TSA_ROOTS and show them.

    For example:

      finsvc audit stamp list
    """
    _show(View.STAMPS, ("size", "time", "file"), key_file=key_file, as_json=as_json)


def witnesses(*, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Show how far the witnesses of the running service have come.

    For example:

      finsvc audit witnesses
    """
    columns = ("witness", "size", "cosigned_s", "error")
    _show(View.WITNESSES, columns, key_file=key_file, as_json=as_json)


def _operate(order: Order, *, key_file: KeyFile, as_json: bool) -> Json | None:
    """Do an act; the result, unless it was printed as JSON already."""
    with common.open_custody(common.load_settings(), key_file=key_file) as backend:
        document = backend.operate(order)
    if as_json:
        output.emit_json(document)
        return None
    result = document["result"]
    return result if isinstance(result, dict) else {}


def _show(view: View, columns: tuple[str, ...], *, key_file: KeyFile, as_json: bool) -> None:
    backend: CustodyBackend
    with common.open_custody(common.load_settings(), key_file=key_file) as backend:
        document = backend.look(view)
    if as_json:
        output.emit_json(document)
        return
    data = document["data"]
    rows = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
    render.show_table(output.out, columns, [[row[name] for name in columns] for row in rows])


def _count(result: Json, name: str) -> int:
    values = result[name]
    return len(values) if isinstance(values, list) else 0
