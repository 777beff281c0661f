"""How kernels are launched: the frozen table of tiles and the ordering of dependent launches.

No kernel is tuned at run time. Tiles, warps and stages may follow the number of rows, because the
bits do not depend on them: every product is one chain over its inner dimension (`DESIGN.md`).

With programmatic dependent launch a kernel starts while the one before it still runs. Each kernel
calls `wait_for_previous` before it reads or writes anything that another kernel touches, and
`let_next_start` as early as it can; weights may be fetched before the wait. Every kernel waits, so
that the end of one implies the end of all before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

# Dependent launch came with this compute capability.
PDL_CAPABILITY = (9, 0)
HOPPER_MAJOR = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Shape of one program and how it walks the inner dimension.

    Attributes:
        loop: Which of `kernels.hopper.loops`, or `ring` of the dense or the experts' rings.
        tokens: Rows of a program.
        warps: Warps of a program, each with 16 output features.
        depth: Chunks of 64 columns on their way at a time; all loops but the wide one take the
            largest divisor of the number of chunks that is not larger.
        held: How many times `depth` chunks the ring loop's ring holds.
    """

    loop: Literal["ring", "stream", "wide"]
    tokens: int
    warps: int
    depth: int
    held: int = 1

    def depth_of(self, num_chunks: int) -> int:
        """Return the depth for an inner dimension of `num_chunks` chunks."""
        if self.loop == "wide":
            return self.depth
        # A ring needs a second round: a loop that runs once does not compile.
        most = min(self.depth, num_chunks - 1) if self.loop == "ring" else self.depth
        return next(d for d in range(most, 0, -1) if num_chunks % d == 0)

    def held_of(self, num_chunks: int) -> int:
        """Return how many rounds the ring holds: beyond the last one nothing may be read."""
        return min(self.held, num_chunks // self.depth_of(num_chunks) + 1)


def tile_for(tiles: tuple[tuple[float | None, Tile], ...], rows: float) -> Tile:
    """Return the tile of the first entry that covers so many rows."""
    return next(tile for most, tile in tiles if most is None or rows <= most)


def is_hopper(x: torch.Tensor) -> bool:
    """Return whether the kernels of `kernels.hopper` run on the device of `x`."""
    return x.is_cuda and torch.cuda.get_device_capability(x.device)[0] == HOPPER_MAJOR


def has_dependent_launch(x: torch.Tensor) -> bool:
    """Return whether kernels on the device of `x` can start before their predecessor ends."""
    return x.is_cuda and torch.cuda.get_device_capability(x.device) >= PDL_CAPABILITY


def is_portable(x: torch.Tensor) -> bool:
    """Return whether `x` lies where only the interpreter runs kernels."""
    return not x.is_cuda


@triton.jit
def wait_for_previous(USE_PDL: tl.constexpr):
    """Wait until the kernel before this one has ended and its writes are visible."""
    if USE_PDL:
        gdc_wait()


@triton.jit
def let_next_start(USE_PDL: tl.constexpr):
    """Allow the next kernel to start as soon as all programs of this one have."""
    if USE_PDL:
        gdc_launch_dependents()
