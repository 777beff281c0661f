"""Starting from a release."""

import json
from pathlib import Path

import pytest
import torch

from engine.errors import EngineError
from engine.tokenizer import Tokenizer
from engine.training.config import Shape
from engine.training.export import export_tensors, write_checkpoint
from engine.training.model import Network
from engine.training.run import Run
from engine.training.warmstart import load_release
from tests.engine.training.factories import TINY, ShortRows, random_network, tiny_run


def _release(folder: Path, network: Network, tokenizer: Tokenizer) -> dict[str, torch.Tensor]:
    network.quantise()
    tensors = export_tensors(network)
    write_checkpoint(folder, tensors, TINY, tokenizer.special_ids)
    return tensors


def test_warm_start_exports_again_to_the_same_bytes(tokenizer: Tokenizer, tmp_path: Path) -> None:
    stored = _release(tmp_path, random_network(), tokenizer)
    network = Network(TINY, dtype=torch.float32)
    digest = load_release(tmp_path, network)
    assert len(digest) == 64
    again = export_tensors(network)
    assert again.keys() == stored.keys()
    assert all(torch.equal(again[name], stored[name]) for name in stored)


def test_warm_started_run_begins_where_the_first_ended(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    first = tiny_run(steps=20)
    batch = ShortRows(is_repeated=True).next().to(torch.device("cpu"))
    first.train(ShortRows(is_repeated=True))
    _release(tmp_path, first.trainer.network, tokenizer)

    def loss(run: Run) -> float:
        x_BSD, _ = run.trainer.hidden(batch)
        return run.trainer.network.loss(x_BSD, batch.targets, batch.weights).item()

    second = tiny_run(seed=8)
    fresh = loss(second)
    second.init = load_release(tmp_path, second.trainer.network)
    assert loss(second) == pytest.approx(loss(first), rel=1e-4)
    assert loss(second) < fresh - 0.1
    assert second.train(ShortRows(is_repeated=True))
    assert second.state().init == second.init


def test_release_of_another_shape_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    _release(tmp_path, random_network(), tokenizer)
    wider = Shape(hidden_size=96, intermediate_size=32, num_layers=2, num_experts=4, num_heads=2)
    with pytest.raises(ValueError, match=r"expected \[4096, 96\], got \[4096, 64\]"):
        load_release(tmp_path, Network(wider, dtype=torch.float32))
    deeper = Shape(
        hidden_size=64,
        intermediate_size=32,
        num_layers=3,
        num_experts=4,
        num_heads=2,
        head_dim=16,
    )
    with pytest.raises(ValueError, match="got nothing"):
        load_release(tmp_path, Network(deeper, dtype=torch.float32))


def test_release_that_differs_from_its_record_is_refused(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    _release(tmp_path, random_network(), tokenizer)
    record = {"weights_digest": "00" * 32}
    (tmp_path / "training.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(EngineError):
        load_release(tmp_path, Network(TINY, dtype=torch.float32))
