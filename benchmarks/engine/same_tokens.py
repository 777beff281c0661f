"""Draws recorded turns of the embedded model on a GPU and compares them token by token.

    python -m benchmarks.engine.same_tokens FILE

FILE is from `benchmarks.engine.record_turns`. A dialogue is equal if every token of every turn is.
Each difference is shown with both tokens and their probabilities on the CPU: bfloat16 decides ties
otherwise than float32, so the gap between the two says whether it was one.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import engine
from benchmarks.engine.gpu import keep, measure_card
from benchmarks.engine.turns import MaskStore, RecordedTurn, read_turns
from engine.core import EngineCore
from engine.gpu.model import load_gpu_model
from engine.gpu.options import GpuOptions
from engine.job import JobEvent, TokenEvent
from engine.scheduler import SchedulerLimits
from engine.types import GenerationRequest

EMBEDDED = Path(engine.__path__[0]) / "embedded"
NUM_PAGES = 4096


class ReplayedMask:
    """The recorded masks, while the tokens are the recorded ones."""

    def __init__(self, turn: RecordedTurn, masks: MaskStore) -> None:
        self._turn = turn
        self._masks = masks
        self._num_accepted = 0
        self._is_same = True

    def bitmask(self) -> npt.NDArray[np.uint32] | None:
        """Return the mask of the next position; none after the first difference."""
        place = self._num_accepted
        if not self._is_same or place >= len(self._turn.masks) or not self._turn.masks[place]:
            return None
        return self._masks.get(self._turn.masks[place])

    def allows(self, token_id: int) -> bool:
        """Return whether the mask of the next position holds a token."""
        words = self.bitmask()
        return words is None or bool(words[token_id // 32] >> np.uint32(token_id % 32) & 1)

    def accept(self, token_id: int) -> None:
        """Go on."""
        place = self._num_accepted
        expected = self._turn.token_ids[place] if place < len(self._turn.token_ids) else None
        self._is_same = self._is_same and token_id == expected
        self._num_accepted += 1


def draw(core: EngineCore, turns: Sequence[RecordedTurn], masks: MaskStore) -> list[list[int]]:
    """Return the tokens that a core draws for each turn."""
    drawn: list[list[int]] = []
    for turn in turns:
        tokens: list[int] = []
        drawn.append(tokens)

        def take(event: JobEvent, tokens: list[int] = tokens) -> None:
            if isinstance(event, TokenEvent):
                tokens.append(event.token_id)

        request = GenerationRequest(
            prompt_ids=turn.prompt_ids,
            max_new_tokens=len(turn.token_ids),
            stop_ids=frozenset(turn.stop_ids),
        )
        core.submit(request, take, mask=ReplayedMask(turn, masks))
    while core.has_work:
        core.step()
    return drawn


def difference(turn: RecordedTurn, drawn: Sequence[int]) -> dict[str, object] | None:
    """Return the first difference of a turn, with the probabilities of both tokens on the CPU."""
    pairs = list(zip(turn.token_ids, drawn, strict=False))
    place = next((i for i, (mine, other) in enumerate(pairs) if mine != other), None)
    if place is None:
        return None if len(drawn) == len(turn.token_ids) else {"dialogue": turn.dialogue}
    mine, other = pairs[place]
    logprob_of = dict(turn.logprobs[place])
    gap = logprob_of.get(mine, -math.inf) - logprob_of.get(other, -math.inf)
    return {
        "dialogue": turn.dialogue,
        "position": place,
        "cpu_token": mine,
        "gpu_token": other,
        "cpu_probability": math.exp(logprob_of.get(mine, -math.inf)),
        "gap_nats": gap,
    }


def main() -> int:
    """Compare all turns of a file, print the differences and keep the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    turns, masks = read_turns(given.file)
    card = measure_card()
    model = load_gpu_model(str(EMBEDDED), options=GpuOptions(num_pages=NUM_PAGES))
    core = EngineCore(model.runner, SchedulerLimits(chunk_tokens=1024, waiting_max=len(turns)))
    found = [
        miss
        for turn, tokens in zip(turns, draw(core, turns, masks), strict=True)
        if (miss := difference(turn, tokens)) is not None
    ]
    num_dialogues = len({turn.dialogue for turn in turns})
    different = len({miss["dialogue"] for miss in found})
    row = {
        "benchmark": "same_tokens",
        "model": "embedded",
        "dialogues": num_dialogues,
        "dialogues_equal": num_dialogues - different,
        "share_equal": 1 - different / num_dialogues,
        "turns": len(turns),
        "tokens": sum(len(turn.token_ids) for turn in turns),
        "differences": found,
    }
    for miss in found:
        sys.stdout.write(f"{miss}\n")
    sys.stdout.write(
        f"{num_dialogues - different} of {num_dialogues} dialogues equal "
        f"({row['share_equal']:.2%}), {len(turns)} turns, {row['tokens']} tokens\n"
    )
    keep([row], card)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
