"""Turns of the embedded model's evaluation dialogues, recorded on one device for another.

A turn is a prompt, the grammar's masks at each position and the tokens drawn on the CPU in float32,
with its best alternatives. One JSON object a line; masks are kept once each, as base64.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

# Dimensions: Y words of 32 tokens of a mask.


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTurn:
    """One generation of a dialogue.

    Attributes:
        dialogue: Its set and number.
        prompt_ids: What was continued.
        stop_ids: Tokens that end it.
        token_ids: What was drawn, greedily.
        masks: Digest of the mask at each position; empty where everything was allowed.
        logprobs: The most likely tokens of each position and their natural logs of probability.
    """

    dialogue: str
    prompt_ids: tuple[int, ...]
    stop_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    masks: tuple[str, ...]
    logprobs: tuple[tuple[tuple[int, float], ...], ...]


class MaskStore:
    """Masks by their digest."""

    def __init__(self) -> None:
        self._words_of_digest: dict[str, npt.NDArray[np.uint32]] = {}

    def add(self, words_Y: npt.NDArray[np.uint32]) -> str:
        """Keep a mask and return its digest."""
        digest = hashlib.sha256(words_Y.tobytes()).hexdigest()[:24]
        self._words_of_digest.setdefault(digest, words_Y.copy())
        return digest

    def get(self, digest: str) -> npt.NDArray[np.uint32]:
        """Return the mask with a digest."""
        return self._words_of_digest[digest]

    def to_text(self) -> str:
        """Return all masks as one JSON object."""
        return json.dumps(
            {
                digest: base64.b64encode(words.astype("<u4").tobytes()).decode()
                for digest, words in self._words_of_digest.items()
            }
        )

    @classmethod
    def of_text(cls, text: str) -> MaskStore:
        """Return what `to_text` wrote."""
        store = cls()
        for digest, packed in json.loads(text).items():
            words = np.frombuffer(base64.b64decode(packed), dtype="<u4").astype(np.uint32)
            store._words_of_digest[digest] = words
        return store


def write_turns(path: Path, turns: Sequence[RecordedTurn], masks: MaskStore) -> None:
    """Write masks, then a turn a line."""
    names = RecordedTurn.__dataclass_fields__
    lines = [json.dumps({name: getattr(turn, name) for name in names}) for turn in turns]
    path.write_text("\n".join([masks.to_text(), *lines]) + "\n", encoding="utf-8")


def read_turns(path: Path) -> tuple[list[RecordedTurn], MaskStore]:
    """Read what `write_turns` wrote."""
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    turns = []
    for line in lines:
        found = json.loads(line)
        turns.append(
            RecordedTurn(
                dialogue=found["dialogue"],
                prompt_ids=tuple(found["prompt_ids"]),
                stop_ids=tuple(found["stop_ids"]),
                token_ids=tuple(found["token_ids"]),
                masks=tuple(found["masks"]),
                logprobs=tuple(
                    tuple((token_id, logprob) for token_id, logprob in position)
                    for position in found["logprobs"]
                ),
            )
        )
    return turns, MaskStore.of_text(first)
