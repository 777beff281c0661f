"""One training row: a tool list shared by many independent dialogues.

A row of `S` positions holds the prefix (system and developer message, segment 0) and then one
dialogue after another (segments 1, 2, …). A dialogue sees the prefix and itself, and its positions
continue where the prefix ends, so the mathematics of each dialogue is that of the dialogue alone;
the prefix is computed once instead of once a dialogue. Torch-free: data workers import this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.training.dialogues.types import Dialogue

PREFIX_SEGMENT = 0
PADDING_SEGMENT = 255
SEGMENTS_MAX = 254

# What a position is to the loss: nothing, context (light weight), or the assistant's own words.
ROLE_PADDING = 0
ROLE_CONTEXT = 1
ROLE_ASSISTANT = 2

# One position of a packed row as it travels from a data worker to the trainer.
POSITION_DTYPE = np.dtype(
    [("token", "<u2"), ("position", "<u2"), ("segment", "u1"), ("role", "u1")]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """The token ids of one dialogue after the prefix, and which of them the assistant wrote."""

    ids: Sequence[int]
    is_assistant: Sequence[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRow:
    """A packed row and the dialogues in it: segment `i + 1` is `dialogues[i]`."""

    positions: npt.NDArray[np.void]
    dialogues: tuple[Dialogue, ...]


def pack_row(
    prefix_ids: Sequence[int], continuations: Sequence[Continuation], *, num_positions: int
) -> tuple[npt.NDArray[np.void], int]:
    """Packs as many dialogues as fit behind one prefix.

    Args:
        prefix_ids: Tokens of the system and developer messages.
        continuations: Dialogues in the order in which they are tried.
        num_positions: Length of the row.

    Returns:
        The row, `[S]` of `POSITION_DTYPE`, and the number of dialogues packed. Dialogues are taken
        in order until the first that does not fit.

    Raises:
        ValueError: The prefix and the first dialogue together are longer than the row.
    """
    row = np.zeros(num_positions, POSITION_DTYPE)
    row["segment"] = PADDING_SEGMENT
    offset = len(prefix_ids)
    if offset + (len(continuations[0].ids) if continuations else 0) > num_positions:
        raise ValueError(f"row of {num_positions} positions cannot hold a prefix of {offset}")
    row["token"][:offset] = prefix_ids
    row["position"][:offset] = np.arange(offset)
    row["segment"][:offset] = PREFIX_SEGMENT
    row["role"][:offset] = ROLE_CONTEXT
    num_packed = 0
    for continuation in continuations[:SEGMENTS_MAX]:
        length = len(continuation.ids)
        if offset + length > num_positions:
            break
        part = row[offset : offset + length]
        part["token"] = continuation.ids
        part["position"] = np.arange(len(prefix_ids), len(prefix_ids) + length)
        part["segment"] = num_packed + 1
        part["role"] = np.where(continuation.is_assistant, ROLE_ASSISTANT, ROLE_CONTEXT)
        offset += length
        num_packed += 1
    return row, num_packed


def shift_targets(
    rows: npt.NDArray[np.void],
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """The token each position must predict and what that token is to the loss.

    The last position of a segment predicts nothing (role padding): what follows it in the row
    belongs to another dialogue. The first token of a dialogue is therefore never a target; it is
    always `<|start|>` of the user message.

    Args:
        rows: Packed rows, `[B, S]` of `POSITION_DTYPE`.

    Returns:
        Target ids `[B, S]` and target roles `[B, S]`.
    """
    target = np.zeros(rows.shape, np.uint16)
    role = np.zeros(rows.shape, np.uint8)
    target[:, :-1] = rows["token"][:, 1:]
    is_same = rows["segment"][:, 1:] == rows["segment"][:, :-1]
    role[:, :-1] = np.where(is_same, rows["role"][:, 1:], ROLE_PADDING)
    return target, role
