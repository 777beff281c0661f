"""A record's page as a value, before it is HTML or PDF: sections of facts, tables and texts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names with their values; digests and identifiers are shown in a fixed pitch."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a head; ``weights`` share the width between the columns."""

    head: tuple[str, ...]
    weights: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text as it was written.

    Attributes:
        text: Its words; line ends count.
        label: What it is; empty for a section's only text.
        is_exact: Whether it is shown in a fixed pitch, for prompts and signed notes.
        is_long: Whether a page that can fold it does so, and a PDF leaves it to the other forms.
    """

    text: str
    label: str = ""
    is_exact: bool = False
    is_long: bool = False


Block = Facts | Table | Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a page."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The page of one record.

    Attributes:
        index: Place in the log.
        record_id: The record's identifier.
        kind: What the record is, in words.
        time: When it was written, as text.
        who: Who acted; empty where nobody did.
        verdict: The verdict, or what was decided; empty where there is none.
        subject: One line that tells what it is about.
        sections: In the order of reading.
    """

    index: int
    record_id: str
    kind: str
    time: str
    who: str
    verdict: str
    subject: str
    sections: tuple[Section, ...]
