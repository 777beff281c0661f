"""A model on a GPU: from a checkpoint folder, or the name of a synthetic one, to its runner."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch

from engine.checkpoint import Checkpoint
from engine.config import ModelConfig
from engine.gpu.buffers import Buffers, buffer_bytes
from engine.gpu.errors import GpuCompileError, GpuMemoryError
from engine.gpu.launcher import Launcher
from engine.gpu.memory import KvMemory, count_pages
from engine.gpu.network import Network
from engine.gpu.options import GpuOptions
from engine.gpu.runner import GpuPagedRunner
from engine.gpu.support import check_shape, gpu_facts
from engine.gpu.weights import TensorSource, load_gpu_weights, weight_bytes
from engine.synthetic import SYNTHETIC_CONFIGS, SyntheticWeights
from kernels.attention_decode import decode_workspace
from kernels.attention_parts import SPLIT_TOKENS
from kernels.failures import COMPILE_FAILURES

# Left to the driver, captured graphs and torch's own use, in bytes.
RESERVE_BYTES = 1 << 30
# Splits of a step that several programs share: 1M tokens of context in all.
WORKSPACE_SPLITS = 4096
DEFAULT_OPTIONS = GpuOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuModel:
    """A loaded model.

    Attributes:
        name: What it was loaded from.
        config: The network.
        runner: Its runner.
        is_synthetic: Whether its weights are random.
    """

    name: str
    config: ModelConfig
    runner: GpuPagedRunner = field(repr=False)
    is_synthetic: bool

    @property
    def launcher(self) -> Launcher:
        """Steps of the network."""
        return self.runner.launcher


def load_gpu_model(
    name: str, *, options: GpuOptions = DEFAULT_OPTIONS, device: str = "cuda"
) -> GpuModel:
    """Load a checkpoint folder, or generate a synthetic model, on a GPU.

    Args:
        name: Path of a folder, or `synthetic:20b` or `synthetic:120b`.
        options: Sizes.
        device: A CUDA device; "cpu" runs the kernels in Triton's interpreter, for tests.

    Raises:
        CheckpointError: The folder cannot be used as a model.
        GpuError: This GPU cannot run it; a subclass says why.
    """
    source: TensorSource
    if name in SYNTHETIC_CONFIGS:
        source = SyntheticWeights(SYNTHETIC_CONFIGS[name])
    else:
        source = Checkpoint.open(Path(name))
    runner = build_runner(source, options, torch.device(device))
    is_synthetic = isinstance(source, SyntheticWeights)
    return GpuModel(name=name, config=source.config, runner=runner, is_synthetic=is_synthetic)


def build_runner(source: TensorSource, options: GpuOptions, device: torch.device) -> GpuPagedRunner:
    """Load weights, allocate everything that steps need, and return the runner.

    Raises:
        CheckpointError: A tensor holds values that are refused.
        GpuError: A subclass says why this GPU cannot run the model.
    """
    config = source.config
    check_shape(config)
    if device.type == "cuda":
        gpu_facts(device)
        _check_weights_fit(config, options, device)
    weights = load_gpu_weights(source, device)
    try:
        buffers = Buffers(config, options, device)
    except torch.OutOfMemoryError as error:
        needed, present = buffer_bytes(config, options), _free_bytes(options, device)
        raise GpuMemoryError("the rows of a step", needed=needed, present=present) from error
    workspace = decode_workspace(
        num_splits=min(
            WORKSPACE_SPLITS,
            options.sequences_max * -(-config.context_length // SPLIT_TOKENS),
        ),
        num_sequences=options.buckets[-1],
        num_kv_heads=config.num_kv_heads,
        device=device,
    )
    counts = count_pages(config, options, _free_bytes(options, device))
    memory = KvMemory(config, counts, device)
    network = Network(weights, memory, buffers, workspace)
    return GpuPagedRunner(Launcher(network, options, counts, device))


def prepare(runner: GpuPagedRunner, buckets: tuple[int, ...] | None = None) -> None:
    """Compile the kernels and capture the decode steps of a runner.

    Raises:
        GpuCompileError: Triton or the driver cannot compile them.
    """
    try:
        runner.launcher.prepare(buckets)
    except COMPILE_FAILURES as error:
        raise GpuCompileError(f"{type(error).__name__}: {error}".splitlines()[0]) from error


def _free_bytes(options: GpuOptions, device: torch.device) -> int:
    if device.type != "cuda":
        return 1 << 62
    free, total = torch.cuda.mem_get_info(device)
    held = total - free
    return max(0, int(total * options.memory_share) - held - RESERVE_BYTES)


def _check_weights_fit(config: ModelConfig, options: GpuOptions, device: torch.device) -> None:
    needed, present = weight_bytes(config), _free_bytes(options, device)
    if needed > present:
        raise GpuMemoryError("weights", needed=needed, present=present)
