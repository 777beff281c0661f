"""The services' record log on the audit package."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from audit.canonical import JsonObject, JsonValue
from audit.entry import Entry
from audit.keys import FileSigner
from audit.log import Log
from audit.record import Record, Subject
from audit.verify import VerifyReport, verify_directory
from finsvc.services.ports import LoggedRecord, RecordKind, VerifySummary

_TYPE = "urn:finsvc:record:{kind}:v1"


def _plain(value: object) -> JsonValue:
    """Turn a JSON-like value into exactly what its JSON text reads back as."""
    return cast("JsonValue", json.loads(json.dumps(value, allow_nan=False)))


class AuditLog:
    """Implements the services' `RecordLog` and `AuditReader`; closed by its owner."""

    def __init__(self, log: Log) -> None:
        self._log = log

    @classmethod
    def open(cls, directory: Path, key_file: Path) -> "AuditLog":
        """Open the log for writing; the first time, make its key and the log.

        The origin gets a random part, so that logs of two installations are never taken for one.

        Raises:
            AuditError: Key and log do not belong together, are damaged or cannot be written.
        """
        if directory.exists():
            return cls(Log.open(directory, signer=FileSigner.load(key_file)))
        key_file.parent.mkdir(parents=True, exist_ok=True)
        if key_file.exists():
            signer = FileSigner.load(key_file)
        else:
            origin = f"finsvc.local/{secrets.token_hex(8)}"
            signer = FileSigner.generate(key_file, name=origin)
        return cls(Log.create(directory, origin=signer.verifier.name, signer=signer))

    @classmethod
    def read(cls, directory: Path) -> "AuditLog":
        """Open the log for reading alone: no key, no lock, beside a running service.

        Raises:
            AuditError: There is no log, or it is damaged.
        """
        return cls(Log.open(directory))

    @property
    def log(self) -> Log:
        """The log itself, for replay."""
        return self._log

    def append(
        self, kind: RecordKind, record_id: str, body: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Append durably; the record's subjects are its own text and the answer, if it has one."""
        predicate = cast("JsonObject", _plain(dict(body)))
        text = json.dumps(predicate, sort_keys=True, separators=(",", ":")).encode()
        subjects = [Subject(name="record", sha256=hashlib.sha256(text).hexdigest())]
        answer = predicate.get("answer")
        if isinstance(answer, str):
            digest = hashlib.sha256(answer.encode()).hexdigest()
            subjects.append(Subject(name="answer", sha256=digest))
        record = Record(
            type=_TYPE.format(kind=kind.value),
            id=record_id,
            subjects=tuple(subjects),
            predicate=predicate,
        )
        return self._log.append(record).to_json()

    def find(self, record_id: str) -> LoggedRecord | None:
        """The first record of an identifier."""
        entry = self.entry(record_id)
        return None if entry is None else _logged(entry)

    def entry(self, record_id: str) -> Entry | None:
        """The log's own form of a record."""
        indices = self._log.find(record_id)
        return self._log.read(indices[0]) if indices else None

    def records(self) -> Iterator[LoggedRecord]:
        """All records in order."""
        return (_logged(entry) for entry in self._log.entries())

    def receipt(self, record_id: str) -> Mapping[str, object] | None:
        """A receipt for a record against the latest checkpoint."""
        indices = self._log.find(record_id)
        return self._log.receipt(indices[0]).to_json() if indices else None

    def checkpoint(self) -> str:
        """The latest signed checkpoint, as a C2SP signed note."""
        return self._log.checkpoint()

    def vkey(self) -> str:
        """The log's public key in C2SP verifier-key form."""
        return self._log.verifier.vkey

    def verify(self) -> VerifySummary:
        """Check every byte of the log."""
        return _summary(self._log.verify())

    def export(self, destination: Path) -> int:
        """Write all records in readable form; returns how many."""
        return self._log.export(destination)

    def close(self) -> None:
        """Release the log."""
        self._log.close()


def _logged(entry: Entry) -> LoggedRecord:
    kind = entry.statement.type.split(":")[3]
    return LoggedRecord(
        index=entry.index,
        kind=RecordKind(kind),
        record_id=entry.statement.id,
        body=entry.content,
    )


def verify_log(directory: Path) -> VerifySummary:
    """Check a log as it lies in its directory, also one too damaged to be opened."""
    return _summary(verify_directory(directory))


def _summary(report: VerifyReport) -> VerifySummary:
    problems = tuple(
        f"{item.reason.value} at {item.path}"
        + (f", index {item.index}" if item.index is not None else "")
        + f": {item.detail}"
        for item in report.problems
    )
    return VerifySummary(
        is_ok=report.ok,
        size=report.size,
        problems=problems,
        first_bad_index=report.first_bad_index,
    )
