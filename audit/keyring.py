"""The public keys that a log has had: which one is current at which index.

Each key after the first is named by an entry that the key before it has signed, so that whoever
trusts any key of the log can follow the chain. SPEC.md, section 6.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from audit.canonical import parse_count
from audit.errors import FormatError
from audit.signed_note import Verifier


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys in the order in which they became current.

    Attributes:
        first_indices: First index of each; 0 for the first.
        verifiers: The keys; all are named as the origin.
    """

    first_indices: tuple[int, ...]
    verifiers: tuple[Verifier, ...]

    @classmethod
    def of(cls, verifier: Verifier) -> "Keyring":
        """Return the ring of a new log."""
        return cls((0,), (verifier,))

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read the file `vkey`.

        Raises:
            FormatError: A line is malformed, out of order, or names another origin.
        """
        lines = text.split("\n")
        if lines.pop() != "" or not lines:
            raise FormatError("vkey", expected="lines, each ended", actual=repr(text[-80:]))
        ring = cls.of(Verifier.parse(lines[0]))
        for line in lines[1:]:
            vkey, _, index = line.rpartition(" ")
            ring = ring.extended(Verifier.parse(vkey), parse_count(index, field="vkey index"))
        return ring

    @property
    def text(self) -> str:
        """The contents of the file `vkey`."""
        lines = [self.verifiers[0].vkey]
        pairs = zip(self.verifiers[1:], self.first_indices[1:], strict=True)
        lines.extend(f"{verifier.vkey} {index}" for verifier, index in pairs)
        return "".join(f"{line}\n" for line in lines)

    @property
    def origin(self) -> str:
        """The log that they are keys of."""
        return self.verifiers[0].name

    @property
    def current(self) -> Verifier:
        """The latest key."""
        return self.verifiers[-1]

    def key_at(self, index: int) -> Verifier:
        """Return the key that signs the entry of an index."""
        return self.verifiers[bisect_right(self.first_indices, index) - 1]

    def checkpoint_keys(self, size: int) -> Sequence[Verifier]:
        """Return the keys of which one must have signed a checkpoint of a size.

        A crash in the middle of a rotation may leave the key event under the old key's checkpoint.
        """
        return tuple(dict.fromkeys((self.key_at(size), self.key_at(max(size - 1, 0)))))

    def extended(self, verifier: Verifier, first_index: int) -> "Keyring":
        """Return the ring with one more key.

        Raises:
            FormatError: Its name is another, it was a key before, or its index is not beyond.
        """
        if verifier.name != self.origin:
            raise FormatError("vkey name", expected=self.origin, actual=verifier.name)
        if verifier in self.verifiers:
            raise FormatError("vkey", expected="a new key", actual=verifier.vkey)
        if first_index <= self.first_indices[-1]:
            raise FormatError(
                "vkey index", expected=f"over {self.first_indices[-1]}", actual=str(first_index)
            )
        return Keyring((*self.first_indices, first_index), (*self.verifiers, verifier))
