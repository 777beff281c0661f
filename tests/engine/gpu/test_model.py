"""What loading says of a GPU that a model does not fit."""

from dataclasses import replace

import pytest
import torch

from engine.config import ModelConfig
from engine.errors import CheckpointTensorError
from engine.gpu import model
from engine.gpu.errors import GpuCompileError, GpuMemoryError
from engine.gpu.model import build_runner, load_gpu_model, prepare
from engine.gpu.options import GpuOptions
from engine.gpu.weights import weight_bytes
from engine.synthetic import SYNTHETIC_CONFIGS, SyntheticWeights
from tests.engine.gpu.factories import TINY

CPU = torch.device("cpu")
OPTIONS = GpuOptions(num_pages=8, sequences_max=2, chunk_tokens=64)
GIB = 1 << 30


@pytest.fixture
def _small_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "gpu_facts", lambda device: None)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (15 * GIB, 16 * GIB))


@pytest.mark.usefixtures("_small_gpu")
def test_weights_that_do_not_fit_are_refused_before_any_is_read() -> None:
    with pytest.raises(GpuMemoryError) as caught:
        load_gpu_model("synthetic:120b")
    needed = weight_bytes(SYNTHETIC_CONFIGS["synthetic:120b"])
    assert caught.value.needed == needed > 65_000_000_000
    assert 0 < caught.value.present < 15 * GIB


class BadWeights:
    """A source whose router holds a NaN."""

    config: ModelConfig = TINY

    def tensor(self, name: str, device: str = "cpu") -> torch.Tensor:
        if name == "block.1.mlp.gate.weight":
            raise CheckpointTensorError("m", name, expected="finite numbers", actual="NaN")
        return SyntheticWeights(TINY).tensor(name, device)

    def mxfp4(
        self, name: str, device: str = "cpu", experts: slice | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return SyntheticWeights(TINY).mxfp4(name, device, experts)


def test_nan_in_weights_is_refused_by_the_tensor_s_name() -> None:
    with pytest.raises(CheckpointTensorError, match=r"block\.1\.mlp\.gate\.weight"):
        build_runner(BadWeights(), OPTIONS, CPU)


def test_kernels_that_do_not_compile_are_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = build_runner(SyntheticWeights(replace(TINY, num_layers=1)), OPTIONS, CPU)

    def fail(buckets: object) -> None:
        raise FileNotFoundError("ptxas")

    monkeypatch.setattr(runner.launcher, "prepare", fail)
    with pytest.raises(GpuCompileError, match="FileNotFoundError: ptxas"):
        prepare(runner)
