"""C2SP checkpoints: origin, tree size and root as a signed note.

Extension lines are accepted when reading and never written: monitors cannot audit them.

Source: C2SP tlog-checkpoint.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.canonical import encode_base64, parse_base64, parse_count
from audit.errors import FormatError, WrongKeyError
from audit.rfc6962 import HASH_BYTES
from audit.signed_note import Signer, Verifier, open_note, sign_note


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log commits to.

    Attributes:
        origin: The log's identity.
        size: Number of entries.
        root: 32-byte root of the tree of that size.
        extensions: Opaque further lines.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse_body(cls, body: str) -> "Checkpoint":
        """Parse the text that is signed.

        Raises:
            FormatError: A line is missing, empty or malformed.
        """
        lines = body.split("\n")
        if lines.pop() != "":
            raise FormatError("checkpoint", expected="a final newline", actual=repr(body[-20:]))
        if len(lines) < 3 or not all(lines):
            raise FormatError(
                "checkpoint", expected="at least three lines, none empty", actual=repr(body[:200])
            )
        root = parse_base64(lines[2], field="checkpoint root")
        if len(root) != HASH_BYTES:
            raise FormatError("checkpoint root", expected="32 bytes", actual=str(len(root)))
        return cls(
            origin=lines[0],
            size=parse_count(lines[1], field="checkpoint size"),
            root=root,
            extensions=tuple(lines[3:]),
        )

    @property
    def body(self) -> str:
        """The text that is signed."""
        lines = [self.origin, str(self.size), encode_base64(self.root), *self.extensions]
        return "".join(f"{line}\n" for line in lines)

    def sign(self, *signers: Signer) -> str:
        """Return the signed note."""
        return sign_note(self.body, *signers)


def open_checkpoint(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Check a signed checkpoint; the log's own key, named as the origin, must have signed.

    Raises:
        FormatError: The note or its text is malformed.
        SignatureError: A signature is wrong or no known key has signed.
        WrongKeyError: Only keys of other names than the origin have signed.
    """
    opened = open_note(note, verifiers)
    checkpoint = Checkpoint.parse_body(opened.text)
    if all(signature.name != checkpoint.origin for signature in opened.verified):
        raise WrongKeyError(
            "checkpoint",
            expected=f"a signature by {checkpoint.origin}",
            actual=", ".join(signature.name for signature in opened.verified),
        )
    return checkpoint
