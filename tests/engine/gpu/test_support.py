from dataclasses import replace

import pytest
import torch

from engine.gpu.errors import GpuMissingError, GpuShapeError, GpuTooOldError
from engine.gpu.support import check_shape, gpu_facts
from engine.synthetic import SYNTHETIC_CONFIGS
from tests.engine.gpu.factories import TINY


@pytest.mark.parametrize("name", SYNTHETIC_CONFIGS)
def test_shapes_of_both_models_are_supported(name: str) -> None:
    check_shape(SYNTHETIC_CONFIGS[name])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"head_dim": 128}, "head_dim"),
        ({"num_heads": 4}, "query heads of a kv head"),
        ({"sliding_window": 64}, "sliding_window"),
        ({"experts_per_token": 2}, "experts per token"),
        ({"hidden_size": 96}, "hidden_size"),
        ({"intermediate_size": 96}, "intermediate_size"),
        ({"vocab_size": 100}, "vocab_size"),
    ],
)
def test_other_shapes_are_refused_by_name(change: dict[str, int], field: str) -> None:
    with pytest.raises(GpuShapeError) as caught:
        check_shape(replace(TINY, **change))
    assert caught.value.field == field
    assert caught.value.actual in (*change.values(), 4)


def test_missing_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(GpuMissingError, match="got 0 CUDA devices"):
        gpu_facts(torch.device("cuda"))


class Properties:
    name = "Tesla V100"
    major = 7
    minor = 0
    multi_processor_count = 80
    total_memory = 16 << 30


def test_old_gpu_is_refused_with_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Properties())
    with pytest.raises(GpuTooOldError, match=r"8\.0 or newer, got 7\.0"):
        gpu_facts(torch.device("cuda"))
    monkeypatch.setattr(Properties, "major", 9)
    assert gpu_facts(torch.device("cuda")).capability == (9, 0)
