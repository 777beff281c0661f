"""The services' record log on the audit package."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

from audit.canonical import JsonObject, JsonValue
from audit.entry import Entry
from audit.errors import PayloadShreddedError
from audit.keys import FileSigner
from audit.log import Log
from audit.options import LogOptions
from audit.record import Record, Subject
from audit.signer_process import SignerConfig, SignerProcess
from audit.signing import DirectSigner, LogSigner, SignerMemory
from audit.verify import Problem, VerifyReport, verify_directory
from finsvc.adapters.log_keys import LogKeys
from finsvc.adapters.log_terms import index_terms
from finsvc.services.ports import LoggedRecord, RecordKind, VerifySummary

_TYPE = "urn:finsvc:record:{kind}:v1"
_OURS = "urn:finsvc:record:"


def _plain(value: object) -> JsonValue:
    """Turn a JSON-like value into exactly what its JSON text reads back as."""
    return cast("JsonValue", json.loads(json.dumps(value, allow_nan=False)))


class AuditLog:
    """Implements the services' `RecordLog` and `AuditReader`; closed by its owner."""

    def __init__(self, log: Log) -> None:
        self._log = log

    @classmethod
    def open(
        cls, directory: Path, key_file: Path, *, is_signer_separate: bool = False
    ) -> "AuditLog":
        """Open the log for writing; the first time, make its keys and the log.

        The origin gets a random part, so that logs of two installations are never taken for one.

        Args:
            directory: The log.
            key_file: Its signing key; the other keys lie beside it.
            is_signer_separate: Whether the key is held by a process of its own, as a service should
                have it.

        Raises:
            AuditError: Keys and log do not belong together, are damaged or cannot be written.
        """
        key_file.parent.mkdir(parents=True, exist_ok=True)
        keys = LogKeys(key_file)
        if not key_file.exists() and not directory.exists():
            keys.create(f"finsvc.local/{secrets.token_hex(8)}")
        signer = _open_signer(keys, is_separate=is_signer_separate)
        try:
            options = LogOptions(terms=index_terms)
            vault = keys.load_vault()
            if directory.exists():
                log = Log.open(directory, signer=signer, vault=vault, options=options)
            else:
                origin = signer.verifier.name
                log = Log.create(
                    directory, origin=origin, signer=signer, vault=vault, options=options
                )
        except BaseException:
            signer.close()
            raise
        return cls(log)

    @classmethod
    def read(cls, directory: Path, key_file: Path | None = None) -> "AuditLog":
        """Open the log for reading alone: no signing key, no lock, beside a running service.

        Args:
            directory: The log.
            key_file: Beside it lie the keys of the contents; absent, only proofs can be had.

        Raises:
            AuditError: There is no log, or it is damaged.
        """
        vault = None
        if key_file is not None and LogKeys(key_file).vault.exists():
            vault = LogKeys(key_file).load_vault()
        return cls(Log.open(directory, vault=vault, options=LogOptions(terms=index_terms)))

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
        """The first record of an identifier; if its content was destroyed, with an empty body."""
        indices = self._log.find(record_id)
        return self._record(indices[0]) if indices else None

    def entry(self, record_id: str) -> Entry | None:
        """The log's own form of a record."""
        indices = self._log.find(record_id)
        return self._log.read(indices[0]) if indices else None

    def records(self) -> Iterator[LoggedRecord]:
        """All records in order; of one whose content was destroyed the body is empty."""
        for index in range(self._log.size):
            record = self._record(index)
            if record is not None:
                yield record

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

    def _record(self, index: int) -> LoggedRecord | None:
        """A record of the service; None for what the log notes about itself."""
        statement = self._log.statement(index)
        if not statement.type.startswith(_OURS):
            return None
        body: JsonObject = {}
        # What was destroyed is gone; that the record was made is still known and proven.
        with suppress(PayloadShreddedError):
            body = self._log.read(index).content
        kind = RecordKind(statement.type.split(":")[3])
        return LoggedRecord(index=index, kind=kind, record_id=statement.id, body=body)


def _open_signer(keys: LogKeys, *, is_separate: bool) -> LogSigner:
    passphrase = keys.passphrase()
    if is_separate:
        config = SignerConfig(key=keys.key, memory=keys.memory, passphrase=passphrase)
        return SignerProcess(config)
    signer = FileSigner.load(keys.key, passphrase=passphrase)
    return DirectSigner(signer, SignerMemory(keys.memory))


def verify_log(directory: Path, key_file: Path | None = None) -> VerifySummary:
    """Check a log as it lies in its directory, also one too damaged to be opened.

    Args:
        directory: The log.
        key_file: Beside it lie the keys of the contents, where these are to be checked too.
    """
    vault = None
    if key_file is not None and LogKeys(key_file).vault.exists():
        vault = LogKeys(key_file).load_vault()
    return _summary(verify_directory(directory, vault=vault))


def _summary(report: VerifyReport) -> VerifySummary:
    return VerifySummary(
        is_ok=report.ok,
        size=report.size,
        problems=tuple(_sentence(item) for item in report.problems),
        warnings=tuple(_sentence(item) for item in report.warnings),
        first_bad_index=report.first_bad_index,
    )


def _sentence(item: Problem) -> str:
    index = "" if item.index is None else f", index {item.index}"
    return f"{item.reason.value} at {item.path}{index}: {item.detail}"
