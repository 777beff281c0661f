"""Acts of custody of the log, as values: what, why, on whose order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Operation(StrEnum):
    """What may be done to the log."""

    ROTATE_KEY = "rotate_key"
    RETIRE_KEYS = "retire_keys"
    SET_HOLD = "set_hold"
    LIFT_HOLD = "lift_hold"
    SHRED = "shred"
    SHRED_EXPIRED = "shred_expired"
    STAMP = "stamp"


class View(StrEnum):
    """What may be looked at."""

    KEYS = "keys"
    HOLDS = "holds"
    RETENTION = "retention"
    STAMPS = "stamps"
    WITNESSES = "witnesses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done and why.

    Attributes:
        operation: The act.
        reason: A sentence; it is signed into the log.
        hold: Name of a hold, for holds.
        record_ids: Records to hold or shred.
        data_subject: Data subject to hold or shred instead.
    """

    operation: Operation
    reason: str
    hold: str = ""
    record_ids: tuple[str, ...] = ()
    data_subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """Who orders an act, why, and when; the log's own events repeat the first two."""

    by: str
    reason: str
    at: datetime
