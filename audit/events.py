"""Records of the log about itself: their types and contents (SPEC.md, section 8)."""

from audit.canonical import JsonObject, text_field
from audit.clock import Jump
from audit.errors import FormatError
from audit.payloads import SlotKey

KEY_EVENT = "urn:finsvc:audit:key:v1"
CLOCK_EVENT = "urn:finsvc:audit:clock:v1"
SHREDDING_EVENT = "urn:finsvc:audit:shredding:v1"
HOLD_EVENT = "urn:finsvc:audit:hold:v1"
RELEASE_EVENT = "urn:finsvc:audit:release:v1"


def clock_event(jump: Jump) -> JsonObject:
    """Return the content of a clock event."""
    elapsed_ns = None if jump.elapsed_ns is None else str(jump.elapsed_ns)
    return {
        "previous_utc_ns": str(jump.previous_utc_ns),
        "utc_ns": str(jump.utc_ns),
        "elapsed_ns": elapsed_ns,
    }


class Shredded:
    """What the shredding events of a log have destroyed."""

    def __init__(self) -> None:
        self._keys: set[SlotKey] = set()
        self._subjects: set[str] = set()

    def add(self, content: JsonObject) -> None:
        """Take up an event.

        Raises:
            FormatError: It names neither keys nor a data subject.
        """
        if "subject" in content:
            self._subjects.add(text_field(content, "subject", field="shredding"))
            return
        keys = content.get("keys")
        if not isinstance(keys, list):
            raise FormatError("shredding", expected="keys or subject", actual=repr(keys)[:80])
        self._keys.update(SlotKey.parse(key, field="shredding.keys") for key in keys)

    def covers(self, key: SlotKey) -> bool:
        """Say whether a payload's key was to be destroyed."""
        return key in self._keys or key.subject_id in self._subjects
