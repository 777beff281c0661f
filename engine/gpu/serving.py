"""The GPU behind the engine's facade: a core to serve from, and the class of the device.

Before it serves, the model is run in a few ways that must give the same bits; what came out is part
of the fingerprint, and a GPU on which they differ is refused.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from engine.checkpoint import Checkpoint
from engine.core import EngineCore
from engine.errors import DeterminismError
from engine.fingerprint import DeviceClass
from engine.gpu.model import DEFAULT_OPTIONS, build_runner, prepare
from engine.gpu.options import GpuOptions
from engine.invariance import InvarianceSizes, check_invariance
from engine.scheduler import SchedulerLimits
from kernels.failures import TRITON_VERSION

LOAD_SIZES = InvarianceSizes(
    num_sequences=8, prompt_max=150, long_tokens=300, chunks=(64,), buckets=(1, 8)
)
DTYPE = "bfloat16"


def load_on_gpu(
    checkpoint: Checkpoint,
    device: str,
    options: GpuOptions = DEFAULT_OPTIONS,
    sizes: InvarianceSizes = LOAD_SIZES,
) -> tuple[EngineCore, DeviceClass, str]:
    """Load a checkpoint and return what serves it, its device class and its dtype.

    Raises:
        CheckpointError: A tensor holds values that are refused.
        GpuError: This GPU cannot run the model; a subclass says why.
        DeterminismError: Bits depend on more than the tokens before.
    """
    place = torch.device(device)
    runner = build_runner(checkpoint, options, place)
    prepare(runner)
    largest = min(options.sequences_max, sizes.num_sequences)
    buckets = tuple(bucket for bucket in sizes.buckets if bucket <= largest)
    fitting = replace(sizes, num_sequences=largest, buckets=buckets)
    report = check_invariance(runner.launcher, model=checkpoint.folder.name, sizes=fitting)
    wrong = [check.name for check in report.checks if not check.passed]
    if wrong:
        raise DeterminismError(f"on {report.device}, other bits in: {', '.join(wrong)}")
    capability = "interpreted"
    if place.type == "cuda":
        major, minor = torch.cuda.get_device_capability(place)
        capability = f"sm_{major}{minor}"
    device_class = DeviceClass(
        kind=place.type,
        machine=report.device,
        instruction_set=capability,
        torch=f"{torch.__version__}, triton {TRITON_VERSION}",
        numpy=np.__version__,
        num_threads=1,
        heights=options.buckets,
        probe=report.logits_digest,
        invariance=report.digest,
    )
    limits = SchedulerLimits(chunk_tokens=options.chunk_tokens)
    return EngineCore(runner, limits), device_class, DTYPE
