"""Synthetic weights: shapes, repeatability, and values that keep activations in range."""

from dataclasses import replace

import pytest
import torch

from engine.synthetic import SYNTHETIC_CONFIGS, SyntheticWeights
from engine.tensor_names import canonical_tensors
from kernels.reference.mxfp4 import decode_mxfp4
from tests.engine.gpu.factories import TINY


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("synthetic:20b", 20_914_757_184), ("synthetic:120b", 116_829_156_672)],
)
def test_synthetic_shapes_have_the_parameters_of_gpt_oss(name: str, parameters: int) -> None:
    assert SYNTHETIC_CONFIGS[name].num_parameters == parameters


def test_tensors_have_their_shapes_and_repeat() -> None:
    source = SyntheticWeights(TINY)
    for name, spec in canonical_tensors(TINY).items():
        if name.endswith((".blocks", ".scales")):
            continue
        tensor = source.tensor(name)
        assert tuple(tensor.shape) == spec.shape
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, source.tensor(name))
        assert not torch.equal(tensor, SyntheticWeights(TINY, seed=1).tensor(name))


def test_experts_are_the_same_one_by_one_and_together() -> None:
    source = SyntheticWeights(TINY)
    blocks, scales = source.mxfp4("block.1.mlp.mlp1_weight")
    assert blocks.shape == (8, 128, 2, 16)
    assert scales.shape == (8, 128, 2)
    part, _ = source.mxfp4("block.1.mlp.mlp1_weight", experts=slice(3, 5))
    assert torch.equal(part, blocks[3:5])
    assert not torch.equal(blocks[0], blocks[1])


def test_a_row_of_an_expert_keeps_its_variance_at_the_real_width() -> None:
    wide = replace(TINY, hidden_size=2880, intermediate_size=64, num_experts=4)
    weight = decode_mxfp4(*SyntheticWeights(wide).mxfp4("block.0.mlp.mlp1_weight"))
    assert 0.5 < float(weight.square().sum(-1).mean()) < 4


def test_digest_depends_on_seed_and_shape() -> None:
    digests = {
        SyntheticWeights(TINY).weights_digest,
        SyntheticWeights(TINY, seed=1).weights_digest,
        SyntheticWeights(SYNTHETIC_CONFIGS["synthetic:20b"]).weights_digest,
    }
    assert len(digests) == 3
