"""The Merkle tree of RFC 6962: roots, inclusion and consistency proofs, and their verification.

Hashes are 32-byte SHA-256 values; leaves are hashed with prefix 0x00 and nodes with prefix 0x01, so
that one can never be passed off as the other. Indices count from 0. The proof checks follow the
algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

A consistency proof from the empty tree is the empty proof and says nothing; it is accepted, as
C2SP tlog-witness does, provided that the older root is the root of the empty tree.

Source: RFC 6962 section 2.1; RFC 9162 section 2.1.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

from audit.errors import ProofError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

_RAGGED_MAX = 4_096


def leaf_hash(data: bytes) -> bytes:
    """Hash an entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbouring subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree(ABC):
    """A growing tree that knows the hash of every complete subtree, wherever it keeps them."""

    def __init__(self) -> None:
        # The leaves of a range never change, so neither does the hash over it.
        self._ragged: dict[tuple[int, int], bytes] = {}

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of leaves."""

    @abstractmethod
    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""

    @abstractmethod
    def node(self, level: int, index: int) -> bytes:
        """Return the hash of the complete subtree of leaves index·2^level to (index+1)·2^level."""

    def leaf(self, index: int) -> bytes:
        """Return a leaf hash."""
        return self.node(0, index)

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves (all of them when absent)."""
        size = self.size if size is None else size
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the hashes from the leaf's sibling up to the child of the root.

        Args:
            index: The leaf, 0 <= index < size.
            size: The tree size that the proof is for, at most `self.size`.
        """
        proof = []
        begin, end = 0, size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                proof.append(self._subtree(middle, end))
                end = middle
            else:
                proof.append(self._subtree(begin, middle))
                begin = middle
        return tuple(reversed(proof))

    def consistency_proof(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """Return the proof that the first `old_size` leaves are a prefix of `new_size` leaves."""
        if old_size in (0, new_size):
            return ()
        proof = []
        begin, end = 0, new_size
        while end != old_size:
            middle = begin + _split(end - begin)
            if old_size <= middle:
                proof.append(self._subtree(middle, end))
                end = middle
            else:
                proof.append(self._subtree(begin, middle))
                begin = middle
        if begin:
            # The old tree is not itself a node of the new one, so its last part is handed over.
            proof.append(self._subtree(begin, end))
        return tuple(reversed(proof))

    def _subtree(self, begin: int, end: int) -> bytes:
        """Hash of the leaves begin..end-1, where `begin` is a multiple of the largest part."""
        width = end - begin
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            return self.node(level, begin >> level)
        known = self._ragged.get((begin, end))
        if known is None:
            middle = begin + _split(width)
            known = node_hash(self._subtree(begin, middle), self._subtree(middle, end))
            if len(self._ragged) >= _RAGGED_MAX:
                self._ragged.clear()
            self._ragged[begin, end] = known
        return known


class MerkleTree(Tree):
    """A tree in memory: 64 bytes a leaf; appending costs one hash on average."""

    def __init__(self) -> None:
        super().__init__()
        # Level 0 holds leaf hashes; level k holds the hashes of complete subtrees of 2**k leaves.
        self._levels = [bytearray()]
        self._size = 0

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        climb(self._levels, leaf, self._size)
        self._size += 1

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree."""
        offset = index * HASH_BYTES
        return bytes(self._levels[level][offset : offset + HASH_BYTES])


def climb(rows: list[bytearray], leaf: bytes, index: int) -> None:
    """Add a leaf hash to rows of joined hashes, and every node that it completes.

    Args:
        rows: Row k holds the hashes of complete subtrees of 2**k leaves; a row is added on need.
        leaf: The hash.
        index: Number of leaves in the rows so far.
    """
    level = 0
    rows[0] += leaf
    while index & 1:
        children = rows[level][-2 * HASH_BYTES :]
        level += 1
        if level == len(rows):
            rows.append(bytearray())
        rows[level] += hashlib.sha256(b"\x01" + children).digest()
        index >>= 1


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash stands at `index` of the tree with this size and root.

    Raises:
        ProofError: It does not, or the proof has a wrong shape.
    """
    if not 0 <= index < size:
        raise ProofError("index", expected=f"0 <= index < {size}", actual=str(index))
    _check_hashes(leaf, root, *proof)
    node, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("proof", expected="fewer hashes", actual=str(len(proof)))
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofError("proof", expected="more hashes", actual=str(len(proof)))
    _check_root("root", expected=root, actual=current)


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the new tree begins with all leaves of the old one.

    Raises:
        ProofError: It does not, or the proof has a wrong shape.
    """
    if not 0 <= old_size <= new_size:
        raise ProofError("old_size", expected=f"0 to {new_size}", actual=str(old_size))
    if old_size in (0, new_size):
        if proof:
            raise ProofError("proof", expected="no hashes", actual=str(len(proof)))
        # The whole of an unchanged tree, or the root that every empty tree has.
        _check_root("old_root", expected=new_root if old_size else EMPTY_ROOT, actual=old_root)
        if new_size == 0:
            _check_root("new_root", expected=EMPTY_ROOT, actual=new_root)
        return
    _check_hashes(old_root, new_root, *proof)
    _walk_consistency(old_size, new_size, old_root=old_root, new_root=new_root, proof=proof)


def _walk_consistency(
    old_size: int, new_size: int, *, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Rebuild both roots from a proof; 0 < old_size < new_size."""
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofError("proof", expected="at least one hash", actual="none")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old, new = path[0], path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("proof", expected="fewer hashes", actual=str(len(proof)))
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofError("proof", expected="more hashes", actual=str(len(proof)))
    _check_root("old_root", expected=old_root, actual=old)
    _check_root("new_root", expected=new_root, actual=new)


def _split(width: int) -> int:
    """Largest power of two below `width` (width > 1)."""
    return 1 << ((width - 1).bit_length() - 1)


def _check_hashes(*hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise ProofError("hash", expected="32 bytes", actual=str(len(value)))


def _check_root(field: str, *, expected: bytes, actual: bytes) -> None:
    if actual != expected:
        raise ProofError(field, expected=expected.hex(), actual=actual.hex())
