"""The load-time check accepts this machine and notices arithmetic that depends on neighbours."""

import pytest
import torch

from engine import determinism
from engine.cpu_products import RowProducts
from engine.cpu_runner import BATCH_MAX, STEP_TOKENS_MAX, CpuRunner
from engine.determinism import choose_products, probe, product_shapes
from engine.errors import DeterminismError
from engine.model import ModelWeights


def test_this_machine_keeps_the_contract(small_runner: CpuRunner) -> None:
    choose_products(small_runner.config)


def test_shapes_cover_every_weight_of_a_layer(small_weights: ModelWeights) -> None:
    shapes = product_shapes(small_weights.config)
    layer = small_weights.layers[0]
    for weight in (layer.qkv_weight, layer.out_weight, layer.router_weight):
        assert tuple(weight.shape) in shapes
    assert tuple(layer.up_weight.shape[1:]) in shapes
    assert tuple(layer.down_weight.shape[1:]) in shapes


def test_product_that_depends_on_its_height_leads_to_fixed_heights_without_it(
    small_runner: CpuRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = torch.addmm

    def by_height(bias: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return original(bias, x, weight) * (1 + 1e-6 * (x.shape[0] in {40, 48}))

    monkeypatch.setattr(torch, "addmm", by_height)
    heights = choose_products(small_runner.config).heights
    assert heights
    assert 48 not in heights
    assert heights == tuple(sorted(heights, reverse=True))


def test_product_that_depends_on_the_place_of_a_row_leads_to_single_rows(
    small_runner: CpuRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = torch.addmm

    def by_place(bias: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        result = original(bias, x, weight)
        result[-1] *= 1 + 1e-5
        return result

    monkeypatch.setattr(torch, "addmm", by_place)
    assert choose_products(small_runner.config) == RowProducts((1,))


def test_batch_that_depends_on_the_height_of_its_items_leads_to_fixed_heights(
    small_runner: CpuRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = torch.bmm

    def by_height(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return original(first, second) * (1 + 1e-6 * (first.shape[1] > 8))

    monkeypatch.setattr(torch, "bmm", by_height)
    assert not choose_products(small_runner.config).any_height


def test_batch_that_depends_on_the_number_of_items_is_refused(
    small_runner: CpuRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = torch.bmm

    def by_count(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return original(first, second) * (1 + 1e-6 * (first.shape[0] > 8))

    monkeypatch.setattr(torch, "bmm", by_count)
    with pytest.raises(DeterminismError, match="number of blocks"):
        choose_products(small_runner.config)


def test_function_that_treats_remainders_otherwise_is_refused(
    small_runner: CpuRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = torch.Tensor.exp

    def with_tail(x: torch.Tensor) -> torch.Tensor:
        result = original(x)
        result[x.shape[0] // 16 * 16 :] *= 1 + 1e-6
        return result

    monkeypatch.setattr(torch.Tensor, "exp", with_tail)
    with pytest.raises(DeterminismError, match="exp depends on"):
        choose_products(small_runner.config)


def test_heights_are_those_that_steps_use() -> None:
    assert determinism.HEIGHTS[:3] == (2, 3, 4)
    assert set(range(2, BATCH_MAX + 1)) <= set(determinism.HEIGHTS)
    assert max(determinism.HEIGHTS) == STEP_TOKENS_MAX


def test_probe_depends_on_the_weights(
    small_weights: ModelWeights, small_runner: CpuRunner, embedded_runner: CpuRunner
) -> None:
    first = probe(small_runner)
    assert first == probe(CpuRunner(small_weights, small_runner.products))
    assert first != probe(embedded_runner)
