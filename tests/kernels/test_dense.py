"""Dense products in the interpreter against their twin."""

import pytest
import torch

from kernels.dense import KvTarget, QkvWeights, RopeTables, out_project, qkv_project, qkv_row_order
from kernels.dense_pack import pack_dense, unpack_dense
from kernels.errors import OperandError
from kernels.reference import dense as twin
from kernels.reference.rope import Yarn, rope_tables
from tests.kernels.products import bf16

# The interpreter rounds to bfloat16 by cutting off: one unit in the eighth bit.
RELATIVE = 2**-7


@pytest.mark.parametrize(("rows", "columns"), [(16, 64), (48, 192), (2880, 64), (32, 2880)])
def test_packed_weights_come_back_as_they_were(rows: int, columns: int) -> None:
    weight = torch.arange(rows * columns).view(rows, columns).to(torch.int16).view(torch.bfloat16)
    packed = pack_dense(weight)
    assert packed.numel() == weight.numel()
    assert torch.equal(unpack_dense(packed).view(torch.int16), weight.view(torch.int16))


@pytest.mark.parametrize(("rows", "columns"), [(24, 64), (16, 96)])
def test_packing_a_size_that_does_not_divide_is_refused(rows: int, columns: int) -> None:
    with pytest.raises(OperandError, match="a multiple of"):
        pack_dense(torch.zeros(rows, columns, dtype=torch.bfloat16))


@pytest.mark.parametrize(
    ("num_tokens", "width", "num_heads", "num_kv_heads"),
    [(1, 64, 8, 1), (5, 320, 8, 1), (19, 192, 16, 2)],
)
def test_projection_rotates_and_writes_pages(
    num_tokens: int, width: int, num_heads: int, num_kv_heads: int
) -> None:
    generator = torch.Generator().manual_seed(num_tokens)
    rows = (num_heads + 2 * num_kv_heads) * 64
    weight = bf16(generator, rows, width, scale=width**-0.5)
    bias = bf16(generator, rows)
    order = qkv_row_order(num_heads, num_kv_heads)
    weights = QkvWeights(
        weight_NCMLV=pack_dense(weight, order),
        bias_Q=bias[order],
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
    )
    cos, sin = rope_tables(64, Yarn(), 300)
    positions = torch.randint(0, 300, (num_tokens,), generator=generator, dtype=torch.int32)
    pages = [torch.full((2, num_kv_heads, 64, 64), torch.nan).bfloat16() for _ in range(2)]
    slots = torch.randperm(128, generator=generator)[:num_tokens].to(torch.int32)
    slots[-1] = -1 if num_tokens > 1 else slots[-1]
    x = bf16(generator, num_tokens, width)
    out = torch.full((num_tokens, num_heads, 64), torch.nan).bfloat16()
    qkv_project(
        x,
        weights,
        RopeTables(cos_PC=cos, sin_PC=sin),
        positions,
        KvTarget(k_pages_NGBW=pages[0], v_pages_NGBW=pages[1], slots_T=slots),
        out_q_THW=out,
    )
    angles = (cos[positions.long()], sin[positions.long()])
    q, k, v = twin.qkv_project(x, weight, bias, *angles, num_heads=num_heads)
    torch.testing.assert_close(out.float(), q, rtol=RELATIVE, atol=1e-3)
    written = slots >= 0
    places = slots[written].long()
    for page, expected in zip(pages, (k, v), strict=True):
        got = page[places // 64, :, places % 64].float()
        torch.testing.assert_close(got, expected[written], rtol=RELATIVE, atol=1e-3)
        assert int(page.isfinite().all(dim=-1).sum()) == len(places) * num_kv_heads


@pytest.mark.parametrize(("num_tokens", "width", "inner"), [(1, 320, 512), (18, 80, 64)])
def test_output_projection_adds_to_the_residual(num_tokens: int, width: int, inner: int) -> None:
    generator = torch.Generator().manual_seed(width)
    weight = bf16(generator, width, inner, scale=inner**-0.5)
    bias, x = bf16(generator, width), bf16(generator, num_tokens, inner)
    residual = bf16(generator, num_tokens, width)
    expected = twin.out_project(x, weight, bias, residual)
    out_project(x, pack_dense(weight), bias, residual)
    torch.testing.assert_close(residual.float(), expected, rtol=RELATIVE, atol=1e-3)


def test_weights_of_another_width_are_refused() -> None:
    x = torch.zeros(1, 64, dtype=torch.bfloat16)
    weight = pack_dense(torch.zeros(16, 128, dtype=torch.bfloat16))
    with pytest.raises(OperandError, match="operand weight: expected C=1, got C=2"):
        out_project(x, weight, x[0, :16], x[:, :16].contiguous())
