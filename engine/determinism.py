"""Load-time check that this machine keeps the determinism contract for a model's shapes.

The contract rests on facts about the BLAS and the vector library of the machine that no document
promises. Each is checked here on the model's own shapes, in well under a second:

* a product's rows have the same bits at every height and place (otherwise products are made in
  calls of a few heights at which they do);
* a batched product gives each item the bits it has alone;
* normalisation, router softmax and `exp` give an element the bits it has anywhere else.

`probe` condenses the machine's arithmetic into a digest: two machines whose probes differ are of
different device classes, whatever their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own convention

from engine.config import ModelConfig
from engine.cpu_attention import TILE_TOKENS
from engine.cpu_products import ROWS_MIN, RowProducts
from engine.cpu_runner import BATCH_MAX, STEP_TOKENS_MAX, CpuRunner
from engine.errors import DeterminismError
from engine.kv_cache import BLOCK_TOKENS, VALUE_PAD

# Dimensions: R rows, K and N as usual for a product, B batch items.

# Every height that small batches and small expert groups have, then a spread of larger ones.
HEIGHTS = (
    *range(ROWS_MIN, 34),
    40,
    48,
    63,
    64,
    65,
    96,
    127,
    128,
    129,
    192,
    255,
    256,
    384,
    STEP_TOKENS_MAX,
)
# Where heights differ, kernels come in steps of 4, 6 or 8 rows and treat remainders otherwise.
SMALLEST_HEIGHTS = (2, 4, 6, 8, 12, 16)
LARGER_HEIGHTS = (96, 64, 48, 24, 16, 12)
# Key blocks in one batched product: enough for a BLAS that treats large batches otherwise.
BATCHED_BLOCKS = 17
# Blocks of a batch of sequences in one batched product, each with a query of its own.
STACKED_BLOCKS = 3 * BATCH_MAX + 1
# More than one key block, so that their combination counts too.
PROBE_TOKENS = BLOCK_TOKENS + 32


def choose_products(config: ModelConfig) -> RowProducts:
    """Return how products are to be made on this machine.

    Raises:
        DeterminismError: No way that the engine knows keeps the contract here.
    """
    with torch.inference_mode():
        _check_row_functions(config)
        shapes = product_shapes(config)
        head = (config.hidden_size, config.vocab_size)
        # The projection onto the vocabulary sees one row of each sequence.
        heights_agree = _heights_agree(*head, BATCH_MAX) and all(
            _heights_agree(*shape, STEP_TOKENS_MAX) for shape in shapes
        )
        shares_blocks = _stacked_blocks_agree(config)
        if heights_agree and _blocks_agree(config, TILE_TOKENS):
            return RowProducts(shares_blocks=shares_blocks)
        if not _blocks_agree(config, 1):
            raise DeterminismError("a product of attention depends on the number of blocks")
        return RowProducts(_fixed_heights([*shapes, head]), shares_blocks)


def _fixed_heights(shapes: list[tuple[int, int]]) -> tuple[int, ...]:
    """Return heights, descending, at which every product gives a row the same bits at any place."""
    fallback: tuple[int, ...] = (1,)
    for smallest in SMALLEST_HEIGHTS:
        if not all(_places_agree(*shape, smallest) for shape in shapes):
            continue
        larger = [
            height
            for height in LARGER_HEIGHTS
            if height > smallest
            and height % smallest == 0
            and all(_pieces_agree(*shape, height, smallest) for shape in shapes)
        ]
        if larger:
            return (*larger, smallest)
        fallback = (smallest,) if fallback == (1,) else fallback
    return fallback


def product_shapes(config: ModelConfig) -> list[tuple[int, int]]:
    """Return the (K, N) of every product of a layer whose rows are tokens, each once."""
    d, f = config.hidden_size, config.intermediate_size
    heads = config.num_heads * config.head_dim
    shapes = {
        (d, config.qkv_size),
        (heads, d),
        (d, config.num_experts),
        (d, 2 * f),
        (f, d),
    }
    return sorted(shapes)


def probe(runner: CpuRunner) -> str:
    """Return a hex digest of the logits of a fixed prompt: the machine's arithmetic in one number.

    The prompt is longer than a decode step and ends in one, so that both shapes of work count.
    """
    vocab_size = runner.config.vocab_size
    prompt = [(token * 7919 + 1) % vocab_size for token in range(PROBE_TOKENS)]
    cache = runner.new_cache()
    first = runner.prefill(cache, prompt[:-1])
    second = runner.prefill(cache, prompt[-1:])
    assert first is not None
    assert second is not None
    both = torch.stack([first, second])
    return hashlib.sha256(both.numpy().tobytes()).hexdigest()


def _random(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(20261122)
    return torch.randn(*shape, generator=generator)


def _heights_agree(k: int, n: int, height_max: int) -> bool:
    """Whether a product's rows have the same bits at every height and place."""
    weight_KN, bias_N = _random(k, n), _random(n)
    heights = [height for height in HEIGHTS if height <= height_max]
    x_RK = _random(max(heights), k)
    expected_RN = torch.cat(
        [torch.addmm(bias_N, x, weight_KN) for x in torch.split(x_RK, ROWS_MIN)]
    )
    plain_RN = torch.cat([x @ weight_KN for x in torch.split(x_RK, ROWS_MIN)])
    for height in heights:
        for start in {0, x_RK.shape[0] - height}:
            rows = slice(start, start + height)
            actual_RN = torch.addmm(bias_N, x_RK[rows], weight_KN)
            if not torch.equal(actual_RN, expected_RN[rows]):
                return False
            if not torch.equal(x_RK[rows] @ weight_KN, plain_RN[rows]):
                return False
    return True


def _places_agree(k: int, n: int, height: int) -> bool:
    """Whether a row has the same bits at each place of a call, whatever its neighbours."""
    weight_KN, bias_N, x_RK = _random(k, n), _random(n), _random(height, k)
    expected_RN = torch.addmm(bias_N, x_RK, weight_KN)
    plain_RN = x_RK @ weight_KN
    for shift in range(1, height):
        rolled_RK = x_RK.roll(shift, 0)
        rolled_RN = torch.addmm(bias_N, rolled_RK, weight_KN)
        if not torch.equal(rolled_RN.roll(-shift, 0), expected_RN):
            return False
        if not torch.equal((rolled_RK @ weight_KN).roll(-shift, 0), plain_RN):
            return False
    return True


def _pieces_agree(k: int, n: int, height: int, smallest: int) -> bool:
    """Whether a call gives its rows the bits that they have in calls of the smallest height."""
    weight_KN, bias_N, x_RK = _random(k, n), _random(n), _random(height, k)
    pieces = torch.split(x_RK, smallest)
    expected_RN = torch.cat([torch.addmm(bias_N, x, weight_KN) for x in pieces])
    plain_RN = torch.cat([x @ weight_KN for x in pieces])
    return torch.equal(torch.addmm(bias_N, x_RK, weight_KN), expected_RN) and torch.equal(
        x_RK @ weight_KN, plain_RN
    )


def _check_row_functions(config: ModelConfig) -> None:
    for name, whole, pieces in _row_function_pairs(config):
        if not torch.equal(whole, torch.cat(pieces)):
            raise DeterminismError(f"{name} depends on how many rows share the call")


def _row_function_pairs(
    config: ModelConfig,
) -> Iterator[tuple[str, torch.Tensor, list[torch.Tensor]]]:
    """Yield a name, a result in one call, and the same result in pieces."""
    numbers = -5 * _random(1024).abs()
    # Lengths of 1 to 44 meet every remainder of a vector.
    pieces = torch.split(numbers[: 44 * 45 // 2], list(range(1, 45)))
    yield "exp", numbers[: 44 * 45 // 2].exp(), [piece.clone().exp() for piece in pieces]
    d = config.hidden_size
    rows_RD, weight_D = _random(67, d), _random(d)
    sizes = [1, 2, 3, 5, 8, 16, 32]

    def norm(x_RD: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x_RD, (d,), weight_D, config.rms_norm_eps)

    yield "rms_norm", norm(rows_RD), [norm(x) for x in torch.split(rows_RD, sizes)]
    logits_RK = _random(67, config.experts_per_token)
    softmax_RK = [x.softmax(-1) for x in torch.split(logits_RK, sizes)]
    yield "softmax", logits_RK.softmax(-1), softmax_RK


def _blocks_agree(config: ModelConfig, tile_tokens: int) -> bool:
    """Whether attention's products give a tile's rows, and each block, the bits they have alone."""
    group = max(config.num_heads // config.num_kv_heads, ROWS_MIN)
    q_RW = _random(group * tile_tokens, config.head_dim)
    keys_BWT = _random(BATCHED_BLOCKS, config.head_dim, BLOCK_TOKENS)
    values_BTX = _random(BATCHED_BLOCKS, BLOCK_TOKENS, config.head_dim + VALUE_PAD)
    scores_BRT = torch.bmm(q_RW.expand(BATCHED_BLOCKS, -1, -1), keys_BWT)
    totals_BRX = torch.bmm(scores_BRT, values_BTX)
    for block_idx in range(BATCHED_BLOCKS):
        block = slice(block_idx, block_idx + 1)
        first = 0
        # Tiles of 1, 2, 3, … tokens until the rows are used up.
        for tokens in range(1, tile_tokens + 1):
            rows = slice(first, min(first + group * tokens, q_RW.shape[0]))
            scores_1RT = torch.bmm(q_RW[None, rows], keys_BWT[block])
            totals_1RX = torch.bmm(scores_1RT, values_BTX[block])
            if not torch.equal(scores_1RT[0], scores_BRT[block_idx, rows]):
                return False
            if not torch.equal(totals_1RX[0], totals_BRX[block_idx, rows]):
                return False
            first = rows.stop
            if first == q_RW.shape[0]:
                break
    return True


def _stacked_blocks_agree(config: ModelConfig) -> bool:
    """Whether blocks of several sequences in one batched product have the bits they have alone."""
    group = max(config.num_heads // config.num_kv_heads, ROWS_MIN)
    q_BRW = _random(STACKED_BLOCKS, group, config.head_dim)
    keys_BWT = _random(STACKED_BLOCKS, config.head_dim, BLOCK_TOKENS)
    values_BTX = _random(STACKED_BLOCKS, BLOCK_TOKENS, config.head_dim + VALUE_PAD)
    scores_BRT = torch.bmm(q_BRW, keys_BWT)
    totals_BRX = torch.bmm(scores_BRT, values_BTX)
    for block_idx in range(STACKED_BLOCKS):
        block = slice(block_idx, block_idx + 1)
        scores_1RT = torch.bmm(q_BRW[block], keys_BWT[block])
        if not torch.equal(scores_1RT, scores_BRT[block]):
            return False
        if not torch.equal(torch.bmm(scores_1RT, values_BTX[block]), totals_BRX[block]):
            return False
    return True
