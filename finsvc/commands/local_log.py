"""The log's files: readable beside a running service, and when too damaged to be served."""

from pathlib import Path

from finsvc.adapters.audit import AuditLog, verify_log
from finsvc.commands.backend import Json
from finsvc.domain.errors import InputError
from finsvc.services.documents import verify_document
from finsvc.settings import Settings

_FOLDER = "log"
_KEY = Path("keys") / "log.pem"


def verify(settings: Settings) -> Json:
    """Check every byte of the log.

    Raises:
        InputError: There is no log yet.
    """
    return verify_document(
        verify_log(_directory(settings), settings.data_dir / _KEY, settings=settings.audit), None
    )


def receipt(settings: Settings, record_id: str) -> Json:
    """A receipt for a record against the latest checkpoint, with the log's public key.

    Raises:
        InputError: There is no such record.
    """
    log = AuditLog.read(_directory(settings), settings.data_dir / _KEY, settings=settings.audit)
    found = log.receipt(record_id)
    if found is None:
        raise InputError(field="id", expected="the id of a record", actual=repr(record_id))
    return {"id": record_id, "receipt": dict(found), "vkey": log.vkey()}


def export(settings: Settings, destination: Path) -> Json:
    """Write all records in readable form, with their proofs.

    Raises:
        InputError: There is no log yet, or the file cannot be written.
    """
    log = AuditLog.read(_directory(settings), settings.data_dir / _KEY, settings=settings.audit)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        count = log.export(destination / "records.jsonl")
    except OSError as error:
        raise InputError(
            field="directory", expected="a writable folder", actual=error.strerror or str(error)
        ) from error
    return {"file": str(destination / "records.jsonl"), "records": count, "vkey": log.vkey()}


def _directory(settings: Settings) -> Path:
    directory = settings.data_dir / _FOLDER
    if not directory.is_dir():
        raise InputError(
            field="data_dir", expected="a data directory with a log", actual=str(settings.data_dir)
        )
    return directory
