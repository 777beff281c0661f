"""Packed rows: their layout, and that packing changes no dialogue's mathematics."""

import numpy as np
import pytest
import torch

from engine.tokenizer import Tokenizer
from engine.training.attention import PackedMasks
from engine.training.dialogues import row
from engine.training.packing import (
    PADDING_SEGMENT,
    ROLE_ASSISTANT,
    ROLE_CONTEXT,
    ROLE_PADDING,
    Continuation,
    pack_row,
    shift_targets,
)
from engine.training.rows import continuation, pack, prefix_ids
from tests.engine.training.factories import NUM_POSITIONS, TINY, random_network

PREFIX = [10, 11, 12]
FIRST = Continuation(ids=[20, 21], is_assistant=[False, True])
SECOND = Continuation(ids=[30, 31, 32], is_assistant=[False, True, True])


def test_row_of_two_dialogues_restarts_positions_after_the_prefix() -> None:
    packed, num = pack_row(PREFIX, [FIRST, SECOND], num_positions=10)
    assert num == 2
    assert packed["token"].tolist() == [10, 11, 12, 20, 21, 30, 31, 32, 0, 0]
    assert packed["position"].tolist() == [0, 1, 2, 3, 4, 3, 4, 5, 0, 0]
    assert packed["segment"].tolist() == [0, 0, 0, 1, 1, 2, 2, 2, *[PADDING_SEGMENT] * 2]
    context, own, pad = ROLE_CONTEXT, ROLE_ASSISTANT, ROLE_PADDING
    assert packed["role"].tolist() == [*[context] * 4, own, context, own, own, pad, pad]


def test_row_leaves_out_what_does_not_fit() -> None:
    packed, num = pack_row(PREFIX, [FIRST, SECOND], num_positions=7)
    assert num == 1
    assert packed["segment"].tolist() == [0, 0, 0, 1, 1, PADDING_SEGMENT, PADDING_SEGMENT]


def test_row_too_short_for_one_dialogue_is_refused() -> None:
    with pytest.raises(ValueError, match="row of 4 positions cannot hold a prefix of 3"):
        pack_row(PREFIX, [FIRST], num_positions=4)


def test_targets_never_cross_a_segment() -> None:
    packed, _ = pack_row(PREFIX, [FIRST, SECOND], num_positions=9)
    target, role = shift_targets(packed[None])
    assert target[0].tolist() == [11, 12, 20, 21, 30, 31, 32, 0, 0]
    context, own, pad = ROLE_CONTEXT, ROLE_ASSISTANT, ROLE_PADDING
    assert role[0].tolist() == [context, context, pad, own, pad, own, own, pad, pad]


def _logits(positions: np.ndarray) -> torch.Tensor:
    network = random_network()
    masks = PackedMasks(1, len(positions), window=TINY.sliding_window, device=torch.device("cpu"))
    part = {
        name: torch.from_numpy(positions[name].astype(np.int64))[None]
        for name in ("token", "position", "segment")
    }
    masks.update(part["segment"], part["position"])
    with torch.no_grad():
        x_BSD, _ = network.hidden(part["token"], part["position"], masks.dense())
        return network.logits(x_BSD)[0]


def test_packed_dialogue_has_the_logits_of_the_dialogue_alone(tokenizer: Tokenizer) -> None:
    source = row(1, 0)
    together = pack(tokenizer, source, num_positions=NUM_POSITIONS).positions
    packed_SV = _logits(together)
    assert together["segment"][-1] == PADDING_SEGMENT
    for idx in (0, 2):
        own = continuation(tokenizer, source.dialogues[idx])
        prefix = prefix_ids(tokenizer, source)
        alone, _ = pack_row(prefix, [own], num_positions=len(prefix) + len(own.ids))
        expected = _logits(alone)[len(prefix) :]
        found = packed_SV[together["segment"] == idx + 1]
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_packed_dialogue_does_not_see_its_neighbours(tokenizer: Tokenizer) -> None:
    together = pack(tokenizer, row(1, 0), num_positions=NUM_POSITIONS).positions
    changed = together.copy()
    is_neighbour = changed["segment"] == 1
    changed["token"][is_neighbour] = 77
    before, after = _logits(together), _logits(changed)
    others = torch.from_numpy(~is_neighbour)
    # Not to the bit: routing changes how many rows share an expert's product.
    torch.testing.assert_close(after[others], before[others], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(before[~others], after[~others])
