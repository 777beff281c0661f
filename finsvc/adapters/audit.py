"""The services' record log on the audit package."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

from audit.canonical import JsonObject, JsonValue
from audit.entry import Entry
from audit.errors import PayloadShreddedError
from audit.log import Log
from audit.options import LogOptions
from audit.record import Record, Subject
from audit.vault import Vault
from audit.verify import Problem, VerifyReport, verify_directory
from finsvc.adapters.build import Build
from finsvc.adapters.log_keys import LogKeys
from finsvc.adapters.log_opening import open_log
from finsvc.adapters.log_search import found_record, search_indices
from finsvc.adapters.log_terms import index_terms
from finsvc.services.ports import LoggedRecord, RecordKind, VerifySummary
from finsvc.services.search import Search
from finsvc.settings_audit import AuditSettings

_TYPE = "urn:finsvc:record:{kind}:v1"
_OURS = "urn:finsvc:record:"


def build_id(digest: str) -> str:
    """Identifier of the record of a build."""
    return f"build_{digest.removeprefix('sha256:')}"


def _plain(value: object) -> JsonValue:
    """Turn a JSON-like value into exactly what its JSON text reads back as."""
    return cast("JsonValue", json.loads(json.dumps(value, allow_nan=False)))


class AuditLog:
    """Implements the services' `RecordLog` and `AuditReader`; closed by its owner."""

    def __init__(self, log: Log, *, build: Build | None = None) -> None:
        self._log = log
        self._build = build
        self._confirm: Callable[[int], None] | None = None
        if build is not None and not log.find(build_id(build.digest)):
            self.append(RecordKind.BUILD, build_id(build.digest), build.document())

    @classmethod
    def open(
        cls,
        directory: Path,
        key_file: Path,
        *,
        is_signer_separate: bool = False,
        build: Build | None = None,
        settings: AuditSettings | None = None,
    ) -> "AuditLog":
        """Open the log for writing; the first time, make its keys and the log.

        The origin gets a random part, so that logs of two installations are never taken for one.

        Args:
            directory: The log.
            key_file: Its signing key; the other keys lie beside it.
            is_signer_separate: Whether the key is held by a process of its own, as a service should
                have it.
            build: What this process is made of; put on record once, named by every record.
            settings: Where passphrase and token are.

        Raises:
            AuditError: Keys and log do not belong together, are damaged or cannot be written.
        """
        keys = LogKeys(key_file, settings)
        log = open_log(directory, keys, is_separate=is_signer_separate)
        try:
            return cls(log, build=build)
        except BaseException:
            log.close()
            raise

    @classmethod
    def read(
        cls,
        directory: Path,
        key_file: Path | None = None,
        *,
        settings: AuditSettings | None = None,
    ) -> "AuditLog":
        """Open the log for reading alone: no signing key, no lock, beside a running service.

        Args:
            directory: The log.
            key_file: Beside it lie the keys of the contents; absent, only proofs can be had.
            settings: Where the passphrase is.

        Raises:
            AuditError: There is no log, or it is damaged.
        """
        vault = _vault(key_file, settings)
        return cls(Log.open(directory, vault=vault, options=LogOptions(terms=index_terms)))

    def confirm_with(self, confirm: Callable[[int], None]) -> None:
        """Have each record confirmed from outside before `append` returns.

        Args:
            confirm: Takes the record's index; raises where it is not confirmed.
        """
        self._confirm = confirm

    @property
    def log(self) -> Log:
        """The log itself, for replay."""
        return self._log

    def append(
        self, kind: RecordKind, record_id: str, body: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Append durably; the record's subjects are its own text and the answer, if it has one.

        A body names the client whose data it holds as `client`; it is sealed under keys that can be
        destroyed with all others of that client.
        """
        document = dict(body)
        if self._build is not None:
            document["build"] = self._build.digest
        predicate = cast("JsonObject", _plain(document))
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
            data_subject=str(body.get("client", "")),
        )
        receipt = self._log.append(record)
        if self._confirm is not None:
            self._confirm(receipt.index)
        return receipt.to_json()

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

    def export(self, destination: Path, indices: Iterable[int] | None = None) -> int:
        """Write records, all if none are named, in readable form; returns how many."""
        return self._log.export(destination, indices)

    def search(self, search: Search) -> tuple[int, ...]:
        """Indices of the records that meet it, oldest first."""
        return search_indices(self._log, terms=search.terms, since=search.since, until=search.until)

    def summary(self, index: int) -> dict[str, object]:
        """Index, time, type and id of a record."""
        return found_record(self._log, index)

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


def verify_log(
    directory: Path, key_file: Path | None = None, *, settings: AuditSettings | None = None
) -> VerifySummary:
    """Check a log as it lies in its directory, also one too damaged to be opened.

    Args:
        directory: The log.
        key_file: Beside it lie the keys of the contents, where these are to be checked too.
        settings: Where the passphrase is.
    """
    return _summary(verify_directory(directory, vault=_vault(key_file, settings)))


def _vault(key_file: Path | None, settings: AuditSettings | None) -> Vault | None:
    if key_file is None or not LogKeys(key_file).vault.exists():
        return None
    return LogKeys(key_file, settings).load_vault()


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
