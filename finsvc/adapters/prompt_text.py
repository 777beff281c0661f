"""Words of recorded token ids, for pages that people read."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.tokenizer import Tokenizer

# Prompts share their long beginnings; these are decoded once.
_MESSAGES_MAX = 4_096


class PromptText:
    """Gives token ids their words, where they are of the vocabulary at hand."""

    def __init__(self, folder: Path) -> None:
        """Use the vocabulary of a checkpoint's folder.

        Raises:
            TokenizerFileError: It cannot be read.
        """
        self._tokenizer = Tokenizer.from_folder(folder)
        self._start = self._tokenizer.special_id("<|start|>")
        self._known: dict[tuple[int, ...], str] = {}

    def __call__(self, manifest: Mapping[str, object], token_ids: Sequence[object]) -> str | None:
        """The words of token ids; None where another vocabulary made them."""
        if manifest.get("tokenizer_digest") != self._tokenizer.digest:
            return None
        ids = [token for token in token_ids if isinstance(token, int)]
        return "\n".join(self._message(message) for message in self._messages(ids))

    def _messages(self, ids: list[int]) -> list[tuple[int, ...]]:
        starts = [n for n, token in enumerate(ids) if token == self._start and n]
        bounds = [0, *starts, len(ids)]
        return [tuple(ids[a:b]) for a, b in itertools.pairwise(bounds) if b > a]

    def _message(self, ids: tuple[int, ...]) -> str:
        found = self._known.get(ids)
        if found is None:
            if len(self._known) >= _MESSAGES_MAX:
                self._known.clear()
            found = self._known[ids] = self._tokenizer.decode(ids)
        return found
