"""Errors of the audit log.

    AuditError
    ├── FatalAuditError            asking again cannot help
    │   ├── RecordError                the record cannot be logged: not I-JSON, or too large
    │   ├── FormatError                bytes that break a format (note, key, proof, envelope)
    │   │   └── ForeignEntryError          an entry was made for another log
    │   ├── SignatureError             a signature is wrong, or none is by a known key
    │   │   └── ForeignReceiptError        a receipt is of another log than the trusted keys
    │   ├── ProofError                 a Merkle proof does not lead to the root
    │   ├── KeyFileError               a key file is absent, exposed or not Ed25519
    │   ├── WrongKeyError              the key is not the one that this log was made with
    │   │   └── ForeignLogError            the key is of another log
    │   ├── UnknownEntryError          the index lies outside the log
    │   ├── PayloadError               a payload is missing or is not what the entry commits to
    │   ├── PayloadShreddedError       a payload's key was destroyed; the entry's proof stays valid
    │   ├── PayloadLockedError         a sealed payload was asked for without the vault
    │   ├── VaultError                 the vault is absent, damaged, or under another passphrase
    │   ├── RetentionError             a record on hold, or still to be kept, was to be destroyed
    │   ├── SignerRefusedError         the signer has signed more, or something else, than this log
    │   ├── SignerFailedError          the signer's process or token does not answer
    │   ├── TimeStampError             a time stamp is refused, wrong, or over something else
    │   ├── WitnessRefusedError        a witness refuses, or does not answer
    │   ├── StaleCheckpointError       a witness knows a larger log: this one was set back
    │   ├── WitnessQuorumError         too few required witnesses have cosigned in time
    │   ├── WitnessStateError          what a witness remembers is damaged: it may cosign nothing
    │   ├── LogExistsError             create: the directory already holds something
    │   ├── LogMissingError            open: the directory is not an audit log
    │   ├── CorruptLogError            stored bytes were changed or lost; names the first bad index
    │   ├── LogFailedError             storage failed or the log was closed: nothing is acknowledged
    │   │   ├── DiskFullError              storage has no room left
    │   │   └── DiskReadOnlyError          storage may not be written
    │   ├── ReadOnlyError              append on a log opened without a signer
    │   └── ReplayError                a level was asked for without the replayer it needs
    └── RetriableAuditError        the same call may succeed later
        ├── LogLockedError             another writer holds the log
        └── LogBusyError               too many records wait to be written

Each error has a stable `code` and typed fields; its sentence says what was expected and what came.
"""

from pathlib import Path
from typing import ClassVar


class AuditError(Exception):
    """Root of all errors raised by the audit package."""

    code: ClassVar[str] = "audit_error"


class FatalAuditError(AuditError):
    """Asking again cannot help."""

    code: ClassVar[str] = "audit_fatal"


class RetriableAuditError(AuditError):
    """The same call may succeed later."""

    code: ClassVar[str] = "audit_retriable"


class _FieldError(FatalAuditError):
    """Something named has the wrong content.

    Attributes:
        field: What is wrong.
        expected: What it should have been.
        actual: What came instead.
    """

    def __init__(self, field: str, *, expected: str, actual: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {actual}")
        self.field = field
        self.expected = expected
        self.actual = actual


class RecordError(_FieldError):
    """A record cannot be logged."""

    code: ClassVar[str] = "audit_record_invalid"


class FormatError(_FieldError):
    """Text or bytes break a format."""

    code: ClassVar[str] = "audit_format_invalid"


class ForeignEntryError(FormatError):
    """An entry was made for another log than the one that it is read from."""

    code: ClassVar[str] = "audit_foreign_entry"


class SignatureError(_FieldError):
    """A signature is wrong, or none of them is by a known key."""

    code: ClassVar[str] = "audit_signature_invalid"


class ForeignReceiptError(SignatureError):
    """A receipt is of another log than the trusted keys are."""

    code: ClassVar[str] = "audit_foreign_receipt"


class ProofError(_FieldError):
    """A Merkle proof does not lead to the root."""

    code: ClassVar[str] = "audit_proof_invalid"


class KeyFileError(_FieldError):
    """A key file is absent, readable by others or not an Ed25519 key."""

    code: ClassVar[str] = "audit_key_file"


class WrongKeyError(_FieldError):
    """The key is not the one that this log was made with."""

    code: ClassVar[str] = "audit_wrong_key"


class ForeignLogError(WrongKeyError):
    """The key is of another log: it bears another name than this log's."""

    code: ClassVar[str] = "audit_foreign_log"


class UnknownEntryError(_FieldError):
    """The index lies outside the log."""

    code: ClassVar[str] = "audit_unknown_entry"


class PayloadError(_FieldError):
    """A payload is missing or is not what its entry commits to."""

    code: ClassVar[str] = "audit_payload_invalid"


class PayloadShreddedError(_FieldError):
    """A payload's key was destroyed; that its entry is in the log can still be proven."""

    code: ClassVar[str] = "audit_payload_shredded"


class PayloadLockedError(_FieldError):
    """A sealed payload was asked for without the vault."""

    code: ClassVar[str] = "audit_payload_locked"


class VaultError(_FieldError):
    """The vault is absent, damaged, or under another passphrase."""

    code: ClassVar[str] = "audit_vault"


class RetentionError(_FieldError):
    """A record that is on hold, or still to be kept, was to be destroyed."""

    code: ClassVar[str] = "audit_retention"


class SignerRefusedError(_FieldError):
    """The signer has signed a larger log, or another history: this log was set back or forked."""

    code: ClassVar[str] = "audit_signer_refused"


class SignerFailedError(_FieldError):
    """The signer's process or token does not answer, or answers nonsense."""

    code: ClassVar[str] = "audit_signer_failed"


class TimeStampError(_FieldError):
    """A time stamp is refused, wrong, or over something else."""

    code: ClassVar[str] = "audit_time_stamp"


class WitnessRefusedError(_FieldError):
    """A witness refuses to cosign, or does not answer."""

    code: ClassVar[str] = "audit_witness_refused"


class StaleCheckpointError(_FieldError):
    """A witness has cosigned a larger log than this one: it was set back, or is a copy."""

    code: ClassVar[str] = "audit_checkpoint_stale"


class WitnessQuorumError(_FieldError):
    """Too few witnesses have cosigned a record in time where their cosignatures are required."""

    code: ClassVar[str] = "audit_witness_quorum"


class WitnessStateError(_FieldError):
    """What a witness remembers of a log is damaged; it may cosign nothing of it."""

    code: ClassVar[str] = "audit_witness_state"


class ReplayError(_FieldError):
    """A replay level was asked for without the replayer that it needs."""

    code: ClassVar[str] = "audit_replayer_missing"


class _DirectoryError(FatalAuditError):
    """A log directory cannot be used.

    Attributes:
        directory: The log's directory.
        detail: The sentence that says what was expected and what was found.
    """

    def __init__(self, directory: Path, detail: str) -> None:
        super().__init__(f"{directory}: {detail}")
        self.directory = directory
        self.detail = detail


class LogExistsError(_DirectoryError):
    """The directory for a new log already holds something."""

    code: ClassVar[str] = "audit_log_exists"


class LogMissingError(_DirectoryError):
    """The directory is not an audit log."""

    code: ClassVar[str] = "audit_log_missing"


class CorruptLogError(_DirectoryError):
    """Stored bytes were changed or lost.

    Attributes:
        index: First entry that is damaged or missing.
    """

    code: ClassVar[str] = "audit_log_corrupt"

    def __init__(self, directory: Path, detail: str, *, index: int) -> None:
        super().__init__(directory, f"entry {index}: {detail}")
        self.index = index


class LogFailedError(_DirectoryError):
    """Storage failed or the log was closed: nothing can be acknowledged any more."""

    code: ClassVar[str] = "audit_log_failed"


class DiskFullError(LogFailedError):
    """Storage has no room left; free some and open the log again."""

    code: ClassVar[str] = "audit_disk_full"


class DiskReadOnlyError(LogFailedError):
    """Storage may be read, but not written."""

    code: ClassVar[str] = "audit_disk_read_only"


class ReadOnlyError(_DirectoryError):
    """The log was opened without a signer."""

    code: ClassVar[str] = "audit_log_read_only"


class LogLockedError(RetriableAuditError):
    """Another writer holds the log.

    Attributes:
        directory: The log's directory.
    """

    code: ClassVar[str] = "audit_log_locked"

    def __init__(self, directory: Path) -> None:
        super().__init__(f"{directory}: expected no other writer, but the lock is held")
        self.directory = directory


class LogBusyError(RetriableAuditError):
    """Too many records wait to be written; nothing of this one was logged.

    Attributes:
        num_waiting: Records that wait.
    """

    code: ClassVar[str] = "audit_log_busy"

    def __init__(self, num_waiting: int, *, limit: int) -> None:
        super().__init__(f"records waiting: expected at most {limit}, got {num_waiting}")
        self.num_waiting = num_waiting
