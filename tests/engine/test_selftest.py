"""The self-test passes on a sound model and names what is broken."""

from pathlib import Path

import pytest
import torch

from engine import cpu_experts, selftest
from engine.engine import Engine


def test_every_check_passes_on_a_sound_model(small_folder: Path) -> None:
    checks = selftest.selftest(Engine.load(small_folder, num_threads=1))
    assert [check.name for check in checks] == ["mxfp4", "prefill_chunks", "batches", "repeat"]
    assert all(check.passed for check in checks), checks


def test_arithmetic_that_depends_on_neighbours_fails_the_self_test(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine.load(small_folder, num_threads=1)
    original = cpu_experts.swiglu_split

    def uneven(h_R2F: torch.Tensor, limit: float) -> torch.Tensor:
        return original(h_R2F, limit) * (1 + 1e-4 / h_R2F.shape[0])

    monkeypatch.setattr(cpu_experts, "swiglu_split", uneven)
    failed = {check.name for check in selftest.selftest(engine) if not check.passed}
    assert failed == {"prefill_chunks", "batches", "repeat"}


def test_wrong_decoding_fails_the_self_test(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine.load(small_folder, num_threads=1)
    original = selftest.decode_mxfp4

    def swapped(blocks: torch.Tensor, scales: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        return original(blocks << 4 | blocks >> 4, scales, dtype)

    monkeypatch.setattr(selftest, "decode_mxfp4", swapped)
    checks = selftest.selftest(engine)
    assert [check.name for check in checks if not check.passed] == ["mxfp4"]
