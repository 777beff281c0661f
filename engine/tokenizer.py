"""Text to token ids and back.

The only module that imports `tokenizers`. Text never becomes a special token, whatever it spells:
a file in which that could happen is refused when it is loaded. Ids are those of the checkpoint's
`tokenizer.json`.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from tokenizers import AddedToken
from tokenizers import Tokenizer as _Backend

from engine.errors import EngineError

TOKENIZER_FILE = "tokenizer.json"
# Headers and other short constants recur in every prompt; longer texts rarely do.
_CACHED_TEXT_LENGTH_MAX = 64
_CACHED_TEXTS_MAX = 65_536


class TokenizerFileError(EngineError):
    """A tokenizer.json is absent or cannot be used.

    Attributes:
        path: The file.
        detail: What was expected and what was found.
    """

    code: ClassVar[str] = "tokenizer_file"

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


class UnknownTokenError(EngineError):
    """A token id or special token that the vocabulary does not have."""

    code: ClassVar[str] = "unknown_token"

    def __init__(self, token: str, *, vocab_size: int) -> None:
        super().__init__(f"token: expected one of a vocabulary of {vocab_size}, got {token}")
        self.token = token
        self.vocab_size = vocab_size


class Tokenizer:
    """A byte-level BPE vocabulary.

    Attributes:
        json: Text of the tokenizer.json.
        digest: Hex SHA-256 of its bytes.
        vocab_size: One more than the largest id.
        special_ids: Ids of special tokens by spelling.
    """

    def __init__(self, data: bytes, *, source: str = TOKENIZER_FILE) -> None:
        """Read the bytes of a tokenizer.json; `source` names them in errors."""
        self._backend, self.json = _load(data, source)
        self._backend.encode_special_tokens = True
        self.digest = hashlib.sha256(data).hexdigest()
        added = self._backend.get_added_tokens_decoder()
        self.special_ids = {token.content: token_id for token_id, token in added.items()}
        self._specials = frozenset(added)
        largest = max(max(self._backend.get_vocab().values(), default=0), *self._specials, 0)
        self.vocab_size = largest + 1
        self._cache: dict[str, tuple[int, ...]] = {}
        self._refuse_leaks(added, source)

    @classmethod
    def from_folder(cls, path: Path) -> Tokenizer:
        """Load the tokenizer of a checkpoint folder.

        Raises:
            TokenizerFileError: The file is absent, unreadable, or lets text become special.
        """
        file = path / TOKENIZER_FILE
        try:
            data = file.read_bytes()
        except OSError as error:
            raise TokenizerFileError(str(file), f"expected a readable file, got {error}") from error
        return cls(data, source=str(file))

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, none of them special; lone surrogates read as U+FFFD."""
        cached = self._cache.get(text)
        if cached is not None:
            return list(cached)
        token_ids = self._encode(text)
        if len(text) <= _CACHED_TEXT_LENGTH_MAX and len(self._cache) < _CACHED_TEXTS_MAX:
            self._cache[text] = tuple(token_ids)
        return token_ids

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        """Return the ids of many texts, like `encode` but faster for long lists."""
        clean = [_without_surrogates(text) for text in texts]
        batch = self._backend.encode_batch_fast(clean, add_special_tokens=False)
        return [self._checked(encoding.ids) for encoding in batch]

    def decode(self, token_ids: list[int] | tuple[int, ...], *, with_special: bool = True) -> str:
        """Return the text of ids; bytes that are not UTF-8 read as U+FFFD.

        Args:
            token_ids: Any ids of the vocabulary.
            with_special: Whether special tokens are spelled out or left out.
        """
        return self.decode_bytes(token_ids, with_special=with_special).decode("utf-8", "replace")

    def decode_bytes(
        self, token_ids: list[int] | tuple[int, ...], *, with_special: bool = True
    ) -> bytes:
        """Return the bytes of ids; see `decode`."""
        table = self.token_bytes
        parts = []
        for token_id in token_ids:
            if not 0 <= token_id < self.vocab_size or table[token_id] is None:
                raise UnknownTokenError(f"id {token_id}", vocab_size=self.vocab_size)
            if with_special or token_id not in self._specials:
                parts.append(table[token_id] or b"")
        return b"".join(parts)

    def special_id(self, name: str) -> int:
        """Return the id of a special token, for example `<|start|>`.

        Raises:
            UnknownTokenError: The vocabulary has no such special token.
        """
        token_id = self.special_ids.get(name)
        if token_id is None:
            raise UnknownTokenError(f"special token {name!r}", vocab_size=self.vocab_size)
        return token_id

    def is_special(self, token_id: int) -> bool:
        """Return whether an id is a special token."""
        return token_id in self._specials

    @cached_property
    def token_bytes(self) -> tuple[bytes | None, ...]:
        """Bytes of each id, None where the vocabulary has a gap."""
        table: list[bytes | None] = [None] * self.vocab_size
        alphabet = _byte_alphabet()
        for spelling, token_id in self._backend.get_vocab(with_added_tokens=False).items():
            if token_id not in self._specials:
                table[token_id] = bytes(map(alphabet.__getitem__, spelling))
        for spelling, token_id in self.special_ids.items():
            table[token_id] = spelling.encode()
        return tuple(table)

    def _encode(self, text: str) -> list[int]:
        clean = _without_surrogates(text)
        return self._checked(self._backend.encode(clean, add_special_tokens=False).ids)

    def _checked(self, token_ids: list[int]) -> list[int]:
        # Refused at load; a vocabulary that still does it must not reach a prompt.
        assert self._specials.isdisjoint(token_ids), "text was encoded as a special token"
        return token_ids

    def _refuse_leaks(self, added: dict[int, AddedToken], source: str) -> None:
        for token_id, token in added.items():
            if not token.special:
                raise TokenizerFileError(
                    source, f"added token {token.content!r}: expected special, got plain"
                )
            for text in (token.content, f"a{token.content}b", f" {token.content} "):
                found = self._backend.encode(text, add_special_tokens=False).ids
                if not self._specials.isdisjoint(found):
                    raise TokenizerFileError(
                        source, f"the text {text!r}: expected plain tokens, got id {token_id}"
                    )
        unknown = set("".join(self._backend.get_vocab(with_added_tokens=False)))
        unknown -= set(_byte_alphabet())
        if unknown:
            raise TokenizerFileError(
                source, f"vocabulary: expected byte-level tokens, got {sorted(unknown)[:3]}"
            )


def _load(data: bytes, source: str) -> tuple[_Backend, str]:
    try:
        return _Backend.from_buffer(data), data.decode("utf-8")
    except ValueError as error:
        raise TokenizerFileError(source, f"expected a tokenizer, got {error}") from error


def _without_surrogates(text: str) -> str:
    # Lone surrogates arrive from JSON escapes; they have no UTF-8 form.
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _byte_alphabet() -> dict[str, int]:
    """Return the byte of each character of GPT-2's byte-level alphabet."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    alphabet = {chr(byte): byte for byte in printable}
    alphabet.update({chr(256 + offset): byte for offset, byte in enumerate(others)})
    return alphabet
