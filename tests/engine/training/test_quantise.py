"""MXFP4: rounding, packing, and the engine's own decoding agree bit for bit."""

import torch

from engine.training.quantise import pack_mxfp4, round_to_mxfp4, unpack_mxfp4
from kernels.reference.mxfp4 import decode_mxfp4


def _weight() -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    scale = torch.exp2(torch.randint(-12, 4, (40, 3, 1), generator=generator).float())
    weight = torch.randn(40, 3, 32, generator=generator) * scale
    weight[0] = 0.0
    weight[1, 0, :16] = 0.0
    return weight.flatten(1)


def test_rounded_weight_is_what_its_packed_form_decodes_to() -> None:
    weight = _weight()
    rounded = round_to_mxfp4(weight)
    blocks, scales = pack_mxfp4(weight)
    assert torch.equal(unpack_mxfp4(blocks, scales), rounded)
    assert torch.equal(decode_mxfp4(blocks, scales).float(), rounded)


def test_rounded_weight_rounds_to_itself() -> None:
    rounded = round_to_mxfp4(_weight())
    assert torch.equal(round_to_mxfp4(rounded), rounded)


def test_rounding_takes_the_nearest_value_of_the_better_scale() -> None:
    # The largest, 7, exceeds 6; the next scale, 2, has 3.5 -> 4 and so on.
    block = torch.zeros(32)
    block[:4] = torch.tensor([7.0, -1.0, 2.5, 0.4])
    values = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])

    def nearest(scale: float) -> torch.Tensor:
        distance = (block.abs()[:, None] / scale - values).abs()
        return torch.copysign(values[distance.argmin(-1)], block) * scale

    best = min((nearest(s) for s in (1.0, 2.0)), key=lambda x: float((x - block).square().sum()))
    assert torch.equal(round_to_mxfp4(block), best)


def test_ties_go_to_the_even_code() -> None:
    block = torch.zeros(32)
    block[:7] = torch.tensor([6.0, 0.25, 0.75, 1.25, 1.75, 2.5, 5.0])
    expected = [6.0, 0.0, 1.0, 1.0, 2.0, 2.0, 4.0]
    assert round_to_mxfp4(block)[:7].tolist() == expected
