"""A checkpoint behind the engine, its kernels interpreted, and what its device class says."""

import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.errors import DeterminismError
from engine.gpu import serving
from engine.gpu.network import Network
from engine.gpu.options import GpuOptions
from engine.gpu.serving import load_on_gpu
from engine.invariance import InvarianceCheck, InvarianceReport, InvarianceSizes
from tests.engine.factories import random_checkpoint

SHAPE = {
    "num_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_experts": 4,
    "experts_per_token": 4,
    "num_heads": 8,
    "num_kv_heads": 1,
    "head_dim": 64,
    "vocab_size": 320,
    "sliding_window": 128,
    "context_length": 1024,
}
OPTIONS = GpuOptions(num_pages=32, sequences_max=2, chunk_tokens=128)
SIZES = InvarianceSizes(
    num_sequences=2, prompt_min=3, prompt_max=4, long_tokens=66, chunks=(64,), buckets=(2,)
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return Checkpoint.open(random_checkpoint(tmp_path_factory.mktemp("gpu"), SHAPE))


@pytest.mark.slow
def test_loaded_model_is_ready_and_its_device_class_holds_the_check(
    checkpoint: Checkpoint,
) -> None:
    core, device, dtype = load_on_gpu(checkpoint, "cpu", OPTIONS, SIZES)
    assert core.is_ready
    assert dtype == "bfloat16"
    assert "triton" in device.torch
    assert len(device.probe) == len(device.invariance) == 64


def test_model_that_fails_its_check_is_refused(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = InvarianceCheck(name="decode, eager, batch 2", rows=2, rows_differing=1)
    right = InvarianceCheck(name="shared and copied pages", rows=3, rows_differing=0)

    def check(*_: object, model: str, sizes: InvarianceSizes) -> InvarianceReport:
        # No larger than the engine's own batches.
        assert sizes.num_sequences == 2
        checks = (wrong, right)
        return InvarianceReport(model=model, device="cpu", logits_digest="0" * 64, checks=checks)

    monkeypatch.setattr(serving, "check_invariance", check)
    with pytest.raises(DeterminismError, match=r"decode, eager, batch 2$"):
        load_on_gpu(checkpoint, "cpu", OPTIONS, SIZES)


@pytest.mark.slow
def test_device_whose_bits_depend_on_the_batch_is_refused(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = Network.logits

    def disturbed(
        self: Network, normed_TD: torch.Tensor, rows_S: torch.Tensor | None = None
    ) -> None:
        logits(self, normed_TD, rows_S)
        if rows_S is None and normed_TD.shape[0] == 2:
            self.buffers.logits(2).values_SV[1, 5] += 1e-3

    monkeypatch.setattr(Network, "logits", disturbed)
    with pytest.raises(DeterminismError, match="decode, eager, batch 2"):
        load_on_gpu(checkpoint, "cpu", OPTIONS, SIZES)
