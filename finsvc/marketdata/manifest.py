"""The manifest of a snapshot folder: what is in it and where it came from."""

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from finsvc.domain.errors import StateError
from finsvc.domain.identifiers import SnapshotDigest

MANIFEST_NAME = "manifest.json"
FORMAT = "finsvc-snapshot-v1"


class TableEntry(BaseModel):
    """One Parquet file of the snapshot.

    ``digest`` is the canonical digest of the content, ``file_sha256`` that of the file's bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(pattern=r"^[a-z]+\.parquet$")
    file_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    rows: int = Field(ge=1)
    columns: tuple[str, ...]
    first: date
    last: date
    package: str
    version: str
    resource: str
    resource_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    content: str


class Manifest(BaseModel):
    """The whole manifest; ``digest`` names the snapshot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = Field(pattern=f"^{FORMAT}$")
    digest: SnapshotDigest = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    tables: dict[str, TableEntry]


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a snapshot folder.

    Raises:
        StateError: it is missing or malformed.
    """
    path = folder / MANIFEST_NAME
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StateError(
            f"snapshot {folder.name}: expected a readable {MANIFEST_NAME}, got {error.strerror}"
        ) from error
    try:
        return Manifest.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise StateError(
            f"snapshot {folder.name}: {MANIFEST_NAME}: {where}: {first['msg']}"
        ) from error
