"""Which networks and which GPUs the kernels run."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.config import ModelConfig
from engine.gpu.errors import GpuMissingError, GpuShapeError, GpuTooOldError

HEAD_DIM = 64
HEADS_PER_KV_HEAD = 8
WINDOW = 128
EXPERTS_PER_TOKEN = 4
WIDTH_MULTIPLE = 64
# bfloat16 matrix instructions came with this compute capability.
CAPABILITY_MIN = (8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuFacts:
    """A GPU as results and fingerprints name it; bytes of its whole memory."""

    name: str
    capability: tuple[int, int]
    num_multiprocessors: int
    memory_bytes: int


def check_shape(config: ModelConfig) -> None:
    """Check that the kernels can run a network.

    Raises:
        GpuShapeError: Names the field, what it may be and what it is.
    """
    group = config.num_heads // config.num_kv_heads
    exact = (
        ("head_dim", config.head_dim, HEAD_DIM),
        ("query heads of a kv head", group, HEADS_PER_KV_HEAD),
        ("sliding_window", config.sliding_window, WINDOW),
        ("experts per token", config.experts_per_token, EXPERTS_PER_TOKEN),
    )
    for field, actual, expected in exact:
        if actual != expected:
            raise GpuShapeError(field, expected=str(expected), actual=actual)
    widths = (
        ("hidden_size", config.hidden_size),
        ("intermediate_size", config.intermediate_size),
        ("vocab_size", config.vocab_size),
    )
    for field, actual in widths:
        if actual % WIDTH_MULTIPLE:
            expected_width = f"a multiple of {WIDTH_MULTIPLE}"
            raise GpuShapeError(field, expected=expected_width, actual=actual)


def gpu_facts(device: torch.device) -> GpuFacts:
    """Return what a GPU is, after checking that it can run the kernels.

    Raises:
        GpuMissingError: There is no such device.
        GpuTooOldError: It is older than the kernels need.
    """
    count = torch.cuda.device_count()
    if not torch.cuda.is_available() or (device.index or 0) >= count:
        raise GpuMissingError(str(device), found=count)
    properties = torch.cuda.get_device_properties(device)
    facts = GpuFacts(
        name=properties.name,
        capability=(properties.major, properties.minor),
        num_multiprocessors=properties.multi_processor_count,
        memory_bytes=properties.total_memory,
    )
    if facts.capability < CAPABILITY_MIN:
        raise GpuTooOldError(facts.name, needed=CAPABILITY_MIN, present=facts.capability)
    return facts
