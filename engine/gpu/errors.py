"""Errors of the GPU runner.

EngineError
└── GpuError                  the model cannot run on this GPU
    ├── GpuMissingError           there is no CUDA device, or not the one asked for
    ├── GpuTooOldError            its compute capability is below what the kernels need
    ├── GpuMemoryError            weights, keys and values do not fit its memory
    ├── GpuShapeError             the kernels cannot run a network of this shape
    ├── GpuCompileError           Triton or the driver cannot compile the kernels
    ├── BatchLimitError           a step holds more sequences or tokens than fit
    ├── PrefixLostError           keys and values that a feed builds on were given up
    └── GpuFailureError           a kernel failed; the runner takes no more steps

Each says what to do about it.
"""

from __future__ import annotations

from typing import ClassVar

from engine.errors import EngineError


class GpuError(EngineError):
    """Root of the errors of the GPU runner."""

    code: ClassVar[str] = "gpu_error"


class GpuMissingError(GpuError):
    """There is no such CUDA device."""

    code: ClassVar[str] = "gpu_missing"

    def __init__(self, device: str, *, found: int) -> None:
        super().__init__(
            f"device: expected {device}, got {found} CUDA devices; check the driver with "
            "nvidia-smi, or run on the CPU"
        )
        self.device = device
        self.found = found


class GpuTooOldError(GpuError):
    """The GPU lacks instructions that the kernels use."""

    code: ClassVar[str] = "gpu_too_old"

    def __init__(self, name: str, *, needed: tuple[int, int], present: tuple[int, int]) -> None:
        super().__init__(
            f"GPU {name}: expected compute capability {needed[0]}.{needed[1]} or newer, got "
            f"{present[0]}.{present[1]}; use an A100 or newer, or run on the CPU"
        )
        self.name = name
        self.needed = needed
        self.present = present


class GpuMemoryError(GpuError):
    """Something does not fit the memory of the GPU.

    Attributes:
        what: What was to be placed.
        needed: Bytes it takes.
        present: Bytes that are free.
    """

    code: ClassVar[str] = "gpu_memory"

    def __init__(self, what: str, *, needed: int, present: int) -> None:
        super().__init__(
            f"GPU memory for {what}: expected {needed} bytes, got {present} free; use a larger GPU "
            "or a smaller model, or free what other processes hold"
        )
        self.what = what
        self.needed = needed
        self.present = present


class GpuShapeError(GpuError):
    """The kernels are made for other shapes than this network's."""

    code: ClassVar[str] = "gpu_shape"

    def __init__(self, field: str, *, expected: str, actual: int) -> None:
        super().__init__(f"{field}: expected {expected}, got {actual}; run this model on the CPU")
        self.field = field
        self.expected = expected
        self.actual = actual


class GpuCompileError(GpuError):
    """Triton or the driver cannot compile the kernels for this GPU."""

    code: ClassVar[str] = "gpu_compile"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"kernels: expected them to compile with this Triton and driver, got: {detail}; "
            "install the versions that the documentation names"
        )
        self.detail = detail


class BatchLimitError(GpuError):
    """A step holds more than fits."""

    code: ClassVar[str] = "batch_limit"

    def __init__(self, what: str, *, limit: int, actual: int) -> None:
        super().__init__(f"step: expected at most {limit} {what}, got {actual}")
        self.what = what
        self.limit = limit
        self.actual = actual


class PrefixLostError(GpuError):
    """Keys and values of sliding layers that a feed builds on were given up for others."""

    code: ClassVar[str] = "prefix_lost"

    def __init__(self, *, page: int, start: int) -> None:
        super().__init__(
            f"feed at position {start}: expected the window before it on the GPU, page {page} "
            "was given up; feed the sequence from its start"
        )
        self.page = page
        self.start = start


class GpuFailureError(GpuError):
    """A kernel failed; this runner's memory is not to be trusted any more."""

    code: ClassVar[str] = "gpu_failure"

    def __init__(self, detail: str) -> None:
        super().__init__(f"GPU: expected the step to run, got: {detail}; restart the engine")
        self.detail = detail
