"""The log's files: readable beside a running service, and when too damaged to be served."""

from pathlib import Path

from audit import standalone
from finsvc.adapters.audit import AuditLog, verify_log
from finsvc.adapters.engine import EMBEDDED_FOLDER
from finsvc.adapters.prompt_text import PromptText
from finsvc.commands.backend import Json
from finsvc.domain.errors import InputError
from finsvc.services.documents import verify_document
from finsvc.services.dossier.bundle import RECORDS, BundleParts, write_bundle
from finsvc.services.search import Search
from finsvc.settings import EMBEDDED, Settings

_FOLDER = "log"
_KEY = Path("keys") / "log.pem"
# A hundredth of a second each; ten thousand would take two minutes.
_PDF_RECORDS_MAX = 1_000


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
    log = _open(settings)
    found = log.receipt(record_id)
    if found is None:
        raise InputError(field="id", expected="the id of a record", actual=repr(record_id))
    return {"id": record_id, "receipt": dict(found), "vkey": log.vkey()}


def search(settings: Settings, wanted: Search) -> list[Json]:
    """Records that meet everything, oldest first.

    Raises:
        InputError: There is no log yet.
    """
    log = _open(settings)
    return [log.summary(index) for index in log.search(wanted)]


def export(settings: Settings, destination: Path, wanted: Search, *, with_pdf: bool | None) -> Json:
    """Write records with their proofs, pages to read and a verifier.

    Args:
        settings: Name the data directory and the model whose words prompts are in.
        destination: Folder, made where it does not exist.
        wanted: Which records; all by default.
        with_pdf: Whether pages are printed; None prints them unless there are very many.

    Raises:
        InputError: There is no log yet, or the folder cannot be written.
    """
    log = _open(settings)
    indices = log.search(wanted) if wanted != Search() else None
    try:
        destination.mkdir(parents=True, exist_ok=True)
        count = log.export(destination / RECORDS, indices)
        parts = BundleParts(
            prompts=PromptText(_model_folder(settings)),
            verifier=Path(standalone.__file__).read_bytes(),
            asked=wanted.to_json(),
            with_pdf=count <= _PDF_RECORDS_MAX if with_pdf is None else with_pdf,
        )
        bundle = write_bundle(destination, parts)
    except OSError as error:
        raise InputError(
            field="directory", expected="a writable folder", actual=error.strerror or str(error)
        ) from error
    return {
        "folder": str(destination),
        "file": str(destination / RECORDS),
        "records": bundle.num_records,
        "sheets": bundle.num_sheets,
        "vkey": log.vkey(),
    }


def _model_folder(settings: Settings) -> Path:
    return EMBEDDED_FOLDER if settings.model == EMBEDDED else Path(settings.model)


def _open(settings: Settings) -> AuditLog:
    return AuditLog.read(_directory(settings), settings.data_dir / _KEY, settings=settings.audit)


def _directory(settings: Settings) -> Path:
    directory = settings.data_dir / _FOLDER
    if not directory.is_dir():
        raise InputError(
            field="data_dir", expected="a data directory with a log", actual=str(settings.data_dir)
        )
    return directory
