"""What the bits of a decision depend on: weights, tokenizer, configuration, code and machine.

Two runs with equal fingerprints and equal token ids have equal logits. Replay compares the
fingerprint recorded with a decision with its own before it compares any bits.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

import kernels

# Sources that decide logits, digests and draws. Others, such as the tokenizer, act through their
# results, which a decision records.
_ENGINE_SOURCES = (
    "checkpoint",
    "config",
    "core",
    "cpu_attention",
    "cpu_decode",
    "cpu_experts",
    "cpu_pages",
    "cpu_products",
    "cpu_runner",
    "determinism",
    "digest",
    "engine",
    "job",
    "kv_cache",
    "kv_pool",
    "model",
    "pages",
    "sampler",
    "scheduler",
    "tensor_names",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceClass:
    """The kind of machine, as far as the bits of its arithmetic go.

    Attributes:
        kind: "cpu" or "cuda".
        machine: Processor architecture, or the GPU's name.
        instruction_set: The vector extension torch uses, or the GPU's compute capability.
        torch: Build of torch, and of Triton where that compiles kernels.
        numpy: Version of numpy, which draws the tokens.
        num_threads: Threads of an operation.
        heights: How products are made, see `engine.cpu_products`.
        probe: Digest of the logits of fixed prompts.
        invariance: Digest of the report of `engine.invariance` at load; empty on a CPU, where
            `engine.determinism` refuses a machine that fails.
    """

    kind: str
    machine: str
    instruction_set: str
    torch: str
    numpy: str
    num_threads: int
    heights: tuple[int, ...]
    probe: str
    invariance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Everything but the token ids that logits depend on; digests are hex SHA-256."""

    weights_digest: str
    tokenizer_digest: str
    config_digest: str
    code_digest: str
    device: DeviceClass
    dtype: str = "float32"
    parallelism: int = 1

    def to_json(self) -> str:
        """Return canonical JSON: sorted keys, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def cpu_device_class(*, num_threads: int, heights: tuple[int, ...], probe: str) -> DeviceClass:
    """Return the device class of this machine's CPU."""
    return DeviceClass(
        kind="cpu",
        machine=platform.machine(),
        instruction_set=torch.backends.cpu.get_cpu_capability(),
        torch=str(torch.__version__),
        numpy=np.__version__,
        num_threads=num_threads,
        heights=heights,
        probe=probe,
    )


@cache
def code_digest() -> str:
    """Return a digest of the sources that decide logits: kernels and the engine's numerics."""
    folder = Path(__file__).parent
    files = {f"engine/{name}.py": folder / f"{name}.py" for name in _ENGINE_SOURCES}
    for path in (folder / "gpu").glob("*.py"):
        files[f"engine/gpu/{path.name}"] = path
    kernels_folder = Path(kernels.__path__[0])
    for path in kernels_folder.rglob("*.py"):
        files[f"kernels/{path.relative_to(kernels_folder).as_posix()}"] = path
    state = hashlib.sha256()
    for name in sorted(files):
        content = hashlib.sha256(files[name].read_bytes()).hexdigest()
        state.update(f"{name} {content}\n".encode())
    return state.hexdigest()
