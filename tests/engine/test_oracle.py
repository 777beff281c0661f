"""The network against transformers' GptOss in float32: an independent code."""

import warnings
from pathlib import Path

import pytest
import torch

from engine import cpu_experts
from engine.checkpoint import Checkpoint
from engine.cpu_products import RowProducts
from engine.cpu_runner import CpuRunner, Work
from engine.model import load_weights
from kernels.reference.mxfp4 import decode_mxfp4
from tests.engine.factories import SMALL_SHAPE, random_checkpoint

transformers = pytest.importorskip("transformers")

RELATIVE_ERROR_MAX = 1e-5
NUM_TOKENS = 300
SHAPES = {
    "grouped heads, short window": SMALL_SHAPE,
    "one kv head, long window, four experts": SMALL_SHAPE
    | {
        "num_layers": 3,
        "hidden_size": 96,
        "intermediate_size": 64,
        "num_experts": 16,
        "experts_per_token": 4,
        "num_heads": 8,
        "num_kv_heads": 1,
        "head_dim": 64,
        "sliding_window": 128,
    },
}


def oracle_logits(checkpoint: Checkpoint, ids: list[int]) -> torch.Tensor:
    """Return the logits [T, V] of transformers' network with the checkpoint's weights."""
    config = checkpoint.config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = transformers.GptOssForCausalLM(
            transformers.GptOssConfig(
                num_hidden_layers=config.num_layers,
                num_local_experts=config.num_experts,
                num_experts_per_tok=config.experts_per_token,
                vocab_size=config.vocab_size,
                hidden_size=config.hidden_size,
                intermediate_size=config.intermediate_size,
                head_dim=config.head_dim,
                num_attention_heads=config.num_heads,
                num_key_value_heads=config.num_kv_heads,
                sliding_window=config.sliding_window,
                max_position_embeddings=config.context_length,
                tie_word_embeddings=False,
                pad_token_id=0,
                eos_token_id=1,
                attn_implementation="eager",
                experts_implementation="eager",
            )
        )
    reference = reference.eval().float()
    reference.load_state_dict(_state_dict(checkpoint))
    with torch.no_grad():
        return reference(torch.tensor([ids])).logits[0]


def _state_dict(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    state = {}
    for stored, part in checkpoint.stored_tensors():
        if stored.endswith("_blocks"):
            continue
        if stored.endswith("_scales"):
            name = stored.removesuffix("_scales")
            blocks = dict(checkpoint.stored_tensors())[f"{name}_blocks"]
            state[name] = decode_mxfp4(blocks, part).transpose(1, 2).contiguous()
        else:
            state[stored] = part.float()
    return state


@pytest.mark.parametrize("name", SHAPES)
def test_logits_of_random_network_match_transformers_in_float32(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint.open(random_checkpoint(tmp_path, SHAPES[name], seed=5))
    runner = CpuRunner(load_weights(checkpoint), RowProducts())
    generator = torch.Generator().manual_seed(1)
    vocab_size = checkpoint.config.vocab_size
    ids = torch.randint(0, vocab_size, (NUM_TOKENS,), generator=generator).tolist()
    clamped = spy_on_clamps(monkeypatch)
    cache = runner.new_cache()

    actual = torch.stack([runner.step([Work(cache, [token_id])])[0] for token_id in ids])

    expected = oracle_logits(checkpoint, ids)
    error = float((actual - expected).norm() / expected.norm())
    largest = float((actual - expected).abs().max() / expected.abs().max())
    assert error <= RELATIVE_ERROR_MAX, (error, largest)
    assert largest <= RELATIVE_ERROR_MAX, (error, largest)
    assert min(clamped.values()) > NUM_TOKENS, clamped


def spy_on_clamps(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Count the values that each clamp of the SwiGLU changes."""
    counts = {"gate above": 0, "up above": 0, "up below": 0}
    original = cpu_experts.swiglu_split

    def counting(h_R2F: torch.Tensor, limit: float) -> torch.Tensor:
        gate, up = h_R2F.chunk(2, dim=1)
        counts["gate above"] += int((gate > limit).sum())
        counts["up above"] += int((up > limit).sum())
        counts["up below"] += int((up < -limit).sum())
        return original(h_R2F, limit)

    monkeypatch.setattr(cpu_experts, "swiglu_split", counting)
    return counts
