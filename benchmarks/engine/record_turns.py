"""Decodes the embedded model's evaluation dialogues on the CPU and records every turn.

    python -m benchmarks.engine.record_turns FILE [--limit 100]

Hand-written questions and unseen instances, under the service's grammars, as `python -m
engine.training.evaluate` judges them. `benchmarks.engine.same_tokens` then draws the same turns on
a GPU, where neither tokenizer nor grammars are needed.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

import engine
from benchmarks.engine.turns import MaskStore, RecordedTurn, write_turns
from engine.engine import Engine
from engine.harmony.messages import ToolSpec
from engine.training.decoding import Decoder, Transcript
from engine.training.evaluate import evaluate_instances, evaluate_questions
from engine.training.handwritten import QUESTIONS_FOLDER
from engine.types import Generation, GenerationRequest, TokenMask

EMBEDDED = Path(engine.__path__[0]) / "embedded"
ALTERNATIVES = 8
QUESTIONS = ("dev", "sealed")


class _KeptMask:
    """A mask whose words are kept on their way to the sampler."""

    def __init__(self, mask: TokenMask, store: MaskStore) -> None:
        self._mask = mask
        self._store = store
        self.digests: list[str] = []

    def bitmask(self) -> npt.NDArray[np.uint32] | None:
        words_Y = self._mask.bitmask()
        self.digests.append("" if words_Y is None else self._store.add(words_Y))
        return words_Y

    def allows(self, token_id: int) -> bool:
        """Unknown, so that the words of every position are asked for."""
        return False

    def accept(self, token_id: int) -> None:
        self._mask.accept(token_id)


class RecordingEngine(Engine):
    """An engine that keeps what it generated."""

    def record_to(self, turns: list[RecordedTurn], masks: MaskStore) -> None:
        """Keep turns from now on."""
        self.dialogue = ""
        self._turns = turns
        self._masks = masks

    def generate(  # type: ignore[override]  # A recorder needs two of the arguments.
        self, request: GenerationRequest, *, mask: TokenMask | None = None
    ) -> Generation:
        """Generate, and keep the turn."""
        kept = None if mask is None else _KeptMask(mask, self._masks)
        asked = replace(request, top_logprobs=ALTERNATIVES)
        done = super().generate(asked, mask=kept)
        num_tokens = len(done.token_ids)
        digests = [] if kept is None else kept.digests[:num_tokens]
        self._turns.append(
            RecordedTurn(
                dialogue=self.dialogue,
                prompt_ids=request.prompt_ids,
                stop_ids=tuple(sorted(request.stop_ids)),
                token_ids=done.token_ids,
                masks=tuple(digests),
                logprobs=tuple(
                    tuple((item.token_id, item.logprob) for item in position.top)
                    for position in done.logprobs
                ),
            )
        )
        return done


class _NumberedDecoder(Decoder):
    """Gives each dialogue a name of its own."""

    def __init__(self, recorder: RecordingEngine) -> None:
        super().__init__(recorder)
        self._recorder = recorder
        self.set_name = ""
        self._number = 0

    def decode(
        self,
        user: str,
        tools: Sequence[ToolSpec],
        *,
        instructions: str,
        respond: Callable[..., str | None],
    ) -> Transcript:
        self._number += 1
        self._recorder.dialogue = f"{self.set_name} {self._number}"
        return super().decode(user, tools, instructions=instructions, respond=respond)


def main() -> int:
    """Record every set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--limit", type=int, default=100, help="dialogues of each set at most")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    turns: list[RecordedTurn] = []
    masks = MaskStore()
    recorder = RecordingEngine.load(EMBEDDED, num_threads=1)
    recorder.record_to(turns, masks)
    decoder = _NumberedDecoder(recorder)
    for name in QUESTIONS:
        decoder.set_name = name
        evaluate_questions(decoder, QUESTIONS_FOLDER / f"{name}.jsonl", limit=given.limit)
    for name, canonical in (("canonical", True), ("varied", False)):
        decoder.set_name = name
        evaluate_instances(decoder, canonical=canonical, limit=given.limit)
    write_turns(given.file, turns, masks)
    num_dialogues = len({turn.dialogue for turn in turns})
    logging.getLogger(__name__).info("%d dialogues, %d turns", num_dialogues, len(turns))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
