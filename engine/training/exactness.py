"""Whole-dialogue exactness by teacher forcing.

A dialogue is exact when the most likely token is the right one at every position that the assistant
writes: tools, arguments, references and words. For given calls and results that is the same as
greedy decoding being exact, at the cost of one forward pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.tokenizer import Tokenizer
from engine.training.batches import make_batch
from engine.training.dialogues.types import Dialogue
from engine.training.packing import ROLE_ASSISTANT, PackedRow, shift_targets
from engine.training.trainer import Trainer

_CONTEXT_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether one dialogue was predicted exactly, and where it first was not.

    Attributes:
        dialogue: What was asked.
        is_exact: Every assistant token was the most likely one.
        miss: Text before the first wrong token, the right and the predicted piece; empty if exact.
    """

    dialogue: Dialogue
    is_exact: bool
    miss: str


def predict(trainer: Trainer, rows: Sequence[PackedRow]) -> npt.NDArray[np.int64]:
    """Most likely next token at each position, `[rows, S]`; rows must fill whole batches."""
    size = trainer.recipe.batch_rows
    if len(rows) % size:
        raise ValueError(f"rows: expected a multiple of {size}, got {len(rows)}")
    best: list[npt.NDArray[np.int64]] = []
    for first in range(0, len(rows), size):
        stack = np.stack([row.positions for row in rows[first : first + size]])
        # Gradient mode stays on: switching it off would compile the blocks a second time.
        x_BSD, _ = trainer.hidden(make_batch(stack).to(trainer.device))
        with torch.no_grad():
            top = [trainer.network.logits(x_SD).argmax(-1) for x_SD in x_BSD.detach()]
        best.append(torch.stack(top).cpu().numpy())
    return np.concatenate(best)


def judge(
    rows: Sequence[PackedRow], best: npt.NDArray[np.int64], tokenizer: Tokenizer
) -> list[Verdict]:
    """Verdicts for every dialogue of the rows."""
    verdicts: list[Verdict] = []
    for row, best_S in zip(rows, best, strict=True):
        target, role = (part[0] for part in shift_targets(row.positions[None]))
        is_wrong = (role == ROLE_ASSISTANT) & (best_S != target)
        for idx, dialogue in enumerate(row.dialogues, start=1):
            wrong = np.flatnonzero(is_wrong & (row.positions["segment"] == idx))
            miss = ""
            if len(wrong):
                at = int(wrong[0])
                before = row.positions["token"][max(0, at + 1 - _CONTEXT_TOKENS) : at + 1]
                right, got = (tokenizer.decode([int(ids[at])]) for ids in (target, best_S))
                miss = f"{tokenizer.decode(before.tolist())} >>{right!r} not {got!r}"
            verdicts.append(Verdict(dialogue=dialogue, is_exact=not len(wrong), miss=miss))
    return verdicts


def shares(pairs: Iterable[tuple[str, bool]]) -> dict[str, dict[str, float]]:
    """Number and percentage of true pairs by name."""
    total: Counter[str] = Counter()
    exact: Counter[str] = Counter()
    for name, is_exact in pairs:
        total[name] += 1
        exact[name] += is_exact
    return {
        name: {"n": total[name], "exact_pct": round(100 * exact[name] / total[name], 2)}
        for name in sorted(total)
    }


def summary(verdicts: Sequence[Verdict], *, misses_max: int = 60) -> dict[str, object]:
    """Shares of exact dialogues overall, by kind and by intent, and the first misses."""
    by_intent = [
        (intent, v.is_exact) for v in verdicts for intent in (v.dialogue.intents or ("none",))
    ]
    missed = [v for v in verdicts if not v.is_exact]
    return {
        "all": shares(("all", v.is_exact) for v in verdicts)["all"],
        "kind": shares((v.dialogue.kind.value, v.is_exact) for v in verdicts),
        "intent": shares(by_intent),
        "misses": [{"user": v.dialogue.user, "at": v.miss} for v in missed[:misses_max]],
    }
