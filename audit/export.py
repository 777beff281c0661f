"""Export of entries for a regulator: JSON lines that can be verified without the log.

The first line names the log: `origin`, `vkey` and `checkpoint`. Each further line holds one entry:
`index`, `type`, `id`, `content` (the record, readable), `envelope` (base64 of the signed bytes) and
`receipt` (its proof). The content of a large or sealed record is bound to the envelope by its
commitment, which `opening` proves where it is sealed. A record whose keys were destroyed has the
content null and says so in `shredded`; its proof is as good as any.
"""

from collections.abc import Iterable
from pathlib import Path

from audit.canonical import JsonObject, canonical_bytes, encode_base64
from audit.entry import Entry
from audit.receipt import Receipt
from audit.record import Statement
from audit.signed_note import Verifier


def write_export(
    destination: Path, *, verifier: Verifier, checkpoint: str, entries: Iterable[JsonObject]
) -> int:
    """Write an export and return the number of entries.

    Args:
        destination: The file, replaced where it exists.
        verifier: The log's public key.
        checkpoint: Its signed checkpoint.
        entries: What to export, as `entry_json` or `shredded_json` give it.
    """
    header: JsonObject = {
        "origin": verifier.name,
        "vkey": verifier.vkey,
        "checkpoint": checkpoint,
    }
    num_entries = 0
    with destination.open("wb") as file:
        file.write(canonical_bytes(header, field="export") + b"\n")
        for entry in entries:
            file.write(canonical_bytes(entry, field="export") + b"\n")
            num_entries += 1
    return num_entries


def entry_json(entry: Entry) -> JsonObject:
    """Return an entry as exports show it."""
    opening = None if entry.opening is None else entry.opening.hex()
    return {
        "index": entry.index,
        "type": entry.statement.type,
        "id": entry.statement.id,
        "content": entry.content,
        "opening": opening,
        "envelope": encode_base64(entry.envelope),
        "receipt": entry.receipt.to_json(),
    }


def shredded_json(statement: Statement, envelope: bytes, receipt: Receipt) -> JsonObject:
    """Return an entry whose content was destroyed as exports show it."""
    return {
        "index": receipt.index,
        "type": statement.type,
        "id": statement.id,
        "content": None,
        "shredded": True,
        "envelope": encode_base64(envelope),
        "receipt": receipt.to_json(),
    }
