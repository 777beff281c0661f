"""Receipts: the proof that an entry is in the log, checkable offline with the log's public key.

Text form: C2SP tlog-proof, without extra data. JSON form: `index`, `leaf_hash`, `tree_size`,
`proof` (hashes in lower-case hex, from the leaf's sibling upwards) and `checkpoint` (signed note).

Source: C2SP tlog-proof.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.canonical import (
    JsonObject,
    JsonValue,
    count_field,
    encode_base64,
    parse_base64,
    parse_count,
    text_field,
)
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.errors import ForeignReceiptError, FormatError, ProofError, SignatureError
from audit.rfc6962 import HASH_BYTES, leaf_hash, verify_inclusion
from audit.signed_note import Verifier

_TLOG_PROOF_LINE = "c2sp.org/tlog-proof@v1"
# A tree of 2**63 entries is 63 levels high.
_PROOF_HASHES_MAX = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An inclusion proof together with the checkpoint that it leads to.

    Attributes:
        index: The entry's index.
        leaf_hash: RFC 6962 hash of the entry.
        tree_size: Tree size of the checkpoint.
        proof: 32-byte hashes from the leaf's sibling up to the child of the root.
        checkpoint: The signed checkpoint.
    """

    index: int
    leaf_hash: bytes
    tree_size: int
    proof: tuple[bytes, ...]
    checkpoint: str

    @classmethod
    def from_json(cls, value: JsonObject) -> "Receipt":
        """Read the JSON form.

        Raises:
            FormatError: A member is missing or malformed.
        """
        proof = value.get("proof")
        if not isinstance(proof, list) or len(proof) > _PROOF_HASHES_MAX:
            raise FormatError(
                "receipt.proof", expected="at most 63 hashes", actual=repr(proof)[:80]
            )
        return cls(
            index=count_field(value, "index", field="receipt"),
            leaf_hash=_parse_hex(value.get("leaf_hash"), field="receipt.leaf_hash"),
            tree_size=count_field(value, "tree_size", field="receipt"),
            proof=tuple(_parse_hex(item, field="receipt.proof") for item in proof),
            checkpoint=text_field(value, "checkpoint", field="receipt"),
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the JSON form."""
        return {
            "index": self.index,
            "leaf_hash": self.leaf_hash.hex(),
            "tree_size": self.tree_size,
            "proof": [item.hex() for item in self.proof],
            "checkpoint": self.checkpoint,
        }

    def to_text(self) -> str:
        """Return the C2SP tlog-proof form; the entry itself travels separately."""
        lines = [_TLOG_PROOF_LINE, f"index {self.index}", *map(encode_base64, self.proof), ""]
        return "\n".join(lines) + "\n" + self.checkpoint

    def verify(self, verifiers: Sequence[Verifier], *, entry: bytes | None = None) -> Checkpoint:
        """Check the receipt offline and return the checkpoint that it leads to.

        Args:
            verifiers: Trusted keys of the log, got on another way than the receipt.
            entry: The entry's bytes, where they are at hand; without them only the hash is proven.

        Raises:
            ForeignReceiptError: It is of another log than the keys.
            FormatError: The checkpoint is malformed.
            SignatureError: The checkpoint is not signed by a trusted key.
            WrongKeyError: It is signed, but not by the log that it names.
            ProofError: The entry is not the one, or the proof does not lead to the root.
        """
        try:
            checkpoint = open_checkpoint(self.checkpoint, verifiers)
        except SignatureError as error:
            origin = self.checkpoint.partition("\n")[0]
            if origin in {verifier.name for verifier in verifiers}:
                raise
            expected = ", ".join(verifier.name for verifier in verifiers) or "a trusted log"
            raise ForeignReceiptError("receipt of", expected=expected, actual=origin) from error
        if checkpoint.size != self.tree_size:
            raise ProofError("tree_size", expected=str(checkpoint.size), actual=str(self.tree_size))
        if entry is not None and leaf_hash(entry) != self.leaf_hash:
            raise ProofError(
                "leaf_hash", expected=leaf_hash(entry).hex(), actual=self.leaf_hash.hex()
            )
        verify_inclusion(
            leaf=self.leaf_hash,
            index=self.index,
            size=checkpoint.size,
            proof=self.proof,
            root=checkpoint.root,
        )
        return checkpoint


def parse_tlog_proof(text: str, *, entry: bytes) -> Receipt:
    """Read the C2SP tlog-proof form; the checkpoint in it is parsed but not yet trusted.

    Args:
        text: The proof; an `extra` line is skipped, since nothing authenticates it.
        entry: The entry's bytes.

    Raises:
        FormatError: The text is no such proof.
    """
    head, separator, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != _TLOG_PROOF_LINE:
        raise FormatError("tlog-proof", expected=_TLOG_PROOF_LINE, actual=repr(text[:80]))
    if lines and lines[0].startswith("extra "):
        parse_base64(lines.pop(0).removeprefix("extra "), field="tlog-proof extra")
    if not lines or not lines[0].startswith("index "):
        raise FormatError("tlog-proof", expected="an index line", actual=repr(lines[:1]))
    index = parse_count(lines.pop(0).removeprefix("index "), field="tlog-proof index")
    proof = tuple(parse_base64(line, field="tlog-proof hash") for line in lines)
    if len(proof) > _PROOF_HASHES_MAX or any(len(item) != HASH_BYTES for item in proof):
        raise FormatError("tlog-proof", expected="at most 63 hashes", actual=str(len(proof)))
    size_line = checkpoint.split("\n")[1:2]
    return Receipt(
        index=index,
        leaf_hash=leaf_hash(entry),
        tree_size=parse_count("".join(size_line), field="checkpoint size"),
        proof=proof,
        checkpoint=checkpoint,
    )


def _parse_hex(value: JsonValue, *, field: str) -> bytes:
    try:
        data = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError as error:
        raise FormatError(field, expected="64 hex digits", actual=repr(value)) from error
    if len(data) != HASH_BYTES or data.hex() != value:
        raise FormatError(field, expected="64 lower-case hex digits", actual=repr(value))
    return data
