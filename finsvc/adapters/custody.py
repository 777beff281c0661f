"""Custody of the log on the audit package: rotation, holds, shredding, time stamps."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from cryptography.x509 import Certificate, load_pem_x509_certificates
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from audit.errors import (
    AuditError,
    FormatError,
    KeyFileError,
    RetentionError,
    SignerFailedError,
    TimeStampError,
    UnknownEntryError,
    VaultError,
)
from audit.layout import TIMESTAMPS
from audit.log import Log
from audit.retention import Authority, Keeper, RetentionRule
from audit.timestamps import HttpAuthority, stamp_checkpoint, verify_stamp
from audit.witnessing import Standing
from finsvc.adapters.log_keys import KeyPlace, LogKeys
from finsvc.domain.custody import Mandate, Order, View
from finsvc.domain.errors import LogOperationError, StateError
from finsvc.services.ports import Json
from finsvc.settings_audit import AuditSettings

# What the longest of the usual duties asks for: five years.
_DEFAULT_RULE = RetentionRule(
    type="urn:finsvc:record:*",
    period=timedelta(days=5 * 365 + 2),
    basis="Directive 2014/65/EU, Art 16(6) and (7); Delegated Regulation (EU) 2017/565, Art 72",
)
# What tells the person who acts something; other failures are the service's.
_TOLD = (
    FormatError,
    KeyFileError,
    RetentionError,
    SignerFailedError,
    TimeStampError,
    UnknownEntryError,
    VaultError,
)


class _RuleDocument(BaseModel):
    """A retention rule as its file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Annotated[str, Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=36_525)]
    basis: Annotated[str, Field(min_length=1)]


class Custodian:
    """Implements the services' `LogCustodian` over an open log."""

    def __init__(
        self,
        log: Log,
        keys: LogKeys,
        settings: AuditSettings,
        *,
        is_signer_separate: bool,
        standings: Callable[[], Sequence[Standing]] = tuple,
    ) -> None:
        """Take an open log and complete destructions that a crash interrupted.

        Args:
            log: Open for writing, with its vault.
            keys: Its keys.
            settings: Retention rules and the time stamp authority.
            is_signer_separate: Whether new keys are held by processes of their own.
            standings: How far each witness has come.

        Raises:
            StateError: A file that the settings name is not what it should be.
            AuditError: The log has no vault, or storage fails.
        """
        if log.vault is None:
            raise VaultError("vault", expected="that of the log", actual="none")
        self._log, self._keys, self._settings = log, keys, settings
        self._is_signer_separate = is_signer_separate
        self._standings = standings
        self._vault = log.vault
        self._rules = load_rules(settings.retention_file)
        self._roots = _load_roots(settings.tsa_roots)
        self._keeper = Keeper(log, log.vault, self._rules)
        self._keeper.finish()

    def view(self, what: View, now: datetime) -> Json:
        """Show keys, holds, retention, stamps or witnesses."""
        views: dict[View, Callable[[], list[Json]]] = {
            View.KEYS: self._view_keys,
            View.HOLDS: self._view_holds,
            View.RETENTION: lambda: self._view_retention(now),
            View.STAMPS: self._view_stamps,
            View.WITNESSES: self._view_witnesses,
        }
        with _told():
            return {"object": "list", "data": views[what]()}

    def subject_id(self, data_subject: str) -> str | None:
        """The random identifier of a data subject; None where it has no records."""
        return self._vault.find_subject(data_subject)

    def rotate_key(self) -> Json:
        """Go over to a new key; the old one signs on beside it."""
        with _told():
            place = self._keys.add(self._log.origin)
            signer = self._keys.open_signer(place, is_separate=self._is_signer_separate)
            try:
                receipt = self._log.rotate(signer)
            except BaseException:
                signer.close()
                raise
        return {"vkey": place.verifier.vkey, "event_index": receipt.index}

    def retire_keys(self) -> Json:
        """End the overlap and destroy the private halves of all but the current key."""
        with _told():
            self._log.end_overlap()
            retired = [place for place in self._old_places() if place.is_private_here]
            for place in retired:
                self._keys.retire(place)
        return {"retired": [place.verifier.vkey for place in retired]}

    def set_hold(self, order: Order, mandate: Mandate) -> Json:
        """Forbid the destruction of records or of a data subject's."""
        with _told():
            receipt = self._keeper.hold(
                order.hold,
                _authority(mandate),
                indices=self._indices(order.record_ids),
                data_subject=order.data_subject or None,
            )
        return {"hold": order.hold, "event_index": receipt.index}

    def lift_hold(self, order: Order, mandate: Mandate) -> Json:
        """End a hold."""
        with _told():
            receipt = self._keeper.release(order.hold, _authority(mandate))
        return {"hold": order.hold, "event_index": receipt.index}

    def shred(self, order: Order, mandate: Mandate) -> Json:
        """Destroy the contents of records or of a data subject's."""
        authority = _authority(mandate)
        with _told():
            if order.data_subject:
                receipt = self._keeper.shred_subject(order.data_subject, authority, now=mandate.at)
            else:
                indices = self._indices(order.record_ids)
                receipt = self._keeper.shred_records(indices, authority, now=mandate.at)
        return self._shredded(receipt.index)

    def shred_expired(self, mandate: Mandate) -> Json:
        """Destroy the contents whose retention has ended."""
        with _told():
            indices = self._keeper.expired(now=mandate.at)
            if not indices:
                return {"indices": [], "event_index": None}
            receipt = self._keeper.shred_records(indices, _authority(mandate), now=mandate.at)
        return self._shredded(receipt.index)

    def stamp(self) -> Json:
        """Have the latest checkpoint stamped by the time stamp authority."""
        url = self._settings.tsa_url
        with _told():
            if url is None:
                raise TimeStampError("tsa_url", expected="an authority", actual="none")
            snapshot = self._log.snapshot()
            time = stamp_checkpoint(
                self._log.directory, snapshot.checkpoint(), HttpAuthority(url), roots=self._roots
            )
        return {"size": snapshot.size, "time": time.isoformat()}

    def num_unstamped(self) -> int:
        """Records that no time stamp covers."""
        return self._log.size - max((size for size, _ in self._stamps()), default=0)

    def _view_keys(self) -> list[Json]:
        keyring = self._log.keyring
        places = {place.verifier: place for place in self._keys.places()}
        return [
            {
                "vkey": verifier.vkey,
                "first_index": first_index,
                "is_current": verifier == keyring.current,
                "private_key": _where(places.get(verifier)),
            }
            for verifier, first_index in zip(keyring.verifiers, keyring.first_indices, strict=True)
        ]

    def _view_holds(self) -> list[Json]:
        return [
            {
                "hold": hold.id,
                "indices": sorted(hold.indices),
                "subject": hold.subject_id,
                "reason": hold.reason,
            }
            for hold in self._keeper.holds().values()
        ]

    def _view_retention(self, now: datetime) -> list[Json]:
        expired = [self._log.statement(index) for index in self._keeper.expired(now=now)]
        return [
            {
                "type": rule.type,
                "days": rule.period.days,
                "basis": rule.basis,
                "expired": [item.index for item in expired if rule.applies(item.type)],
            }
            for rule in self._rules
        ]

    def _view_stamps(self) -> list[Json]:
        stamps: list[Json] = []
        for size, path in self._stamps():
            reply = path.with_suffix(".tsr").read_bytes()
            time = verify_stamp(path.read_bytes(), reply, roots=self._roots)
            stamps.append({"size": size, "time": time.isoformat(), "file": path.name})
        return stamps

    def _view_witnesses(self) -> list[Json]:
        return [
            {
                "witness": one.name,
                "size": one.size,
                "cosigned_s": one.cosigned_s,
                "error": one.error or None,
            }
            for one in self._standings()
        ]

    def _stamps(self) -> list[tuple[int, Path]]:
        paths = (self._log.directory / TIMESTAMPS).glob("*.note")
        return [(int(path.stem), path) for path in sorted(paths)]

    def _old_places(self) -> Iterator[KeyPlace]:
        old = self._log.keyring.verifiers[:-1]
        return (place for place in self._keys.places() if place.verifier in old)

    def _indices(self, record_ids: Sequence[str]) -> list[int]:
        indices: list[int] = []
        for record_id in record_ids:
            found = self._log.find(record_id)
            if not found:
                raise UnknownEntryError("record", expected="one in the log", actual=record_id)
            indices.extend(found)
        return indices

    def _shredded(self, event_index: int) -> Json:
        content = self._log.statement(event_index).content or {}
        return {"indices": content["indices"], "event_index": event_index}


def load_rules(path: Path | None) -> tuple[RetentionRule, ...]:
    """Read retention rules; without a file, everything is kept for five years.

    Raises:
        StateError: The file cannot be read or is no list of rules.
    """
    if path is None:
        return (_DEFAULT_RULE,)
    try:
        documents = TypeAdapter(tuple[_RuleDocument, ...]).validate_python(
            json.loads(path.read_bytes())
        )
    except (OSError, ValueError, ValidationError) as error:
        expected = 'a JSON list of {"type", "days", "basis"}'
        raise StateError(f"audit_retention_file: expected {expected}, got {error}") from error
    return tuple(
        RetentionRule(type=one.type, period=timedelta(days=one.days), basis=one.basis)
        for one in documents
    )


def _load_roots(path: Path | None) -> list[Certificate]:
    if path is None:
        return []
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StateError(f"audit_tsa_roots: expected PEM certificates, got {error}") from error


def _authority(mandate: Mandate) -> Authority:
    return Authority(by=mandate.by, reason=mandate.reason)


def _where(place: KeyPlace | None) -> str:
    if place is None or not place.is_private_here:
        return "none"
    return "token" if place.token_file.exists() else "file"


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the person who acts can mend into an error of the service."""
    try:
        yield
    except _TOLD as error:
        raise LogOperationError(error.code, str(error)) from error
    except OSError as error:
        raise LogOperationError(AuditError.code, f"files of the log: {error}") from error
