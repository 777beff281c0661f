"""Random models shared by the engine's tests."""

import json
from pathlib import Path

import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.cpu_runner import CpuRunner
from engine.determinism import choose_products
from engine.model import ModelWeights, load_weights
from tests.engine.factories import EMBEDDED_SHAPE, SMALL_SHAPE, random_checkpoint


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint in Hugging Face's layout; not to be changed."""
    return random_checkpoint(tmp_path_factory.mktemp("small"), SMALL_SHAPE, seed=3)


@pytest.fixture(scope="session")
def small_checkpoint(small_folder: Path) -> Checkpoint:
    return Checkpoint.open(small_folder)


@pytest.fixture(scope="session")
def small_weights(small_checkpoint: Checkpoint) -> ModelWeights:
    return load_weights(small_checkpoint)


@pytest.fixture(scope="session")
def small_runner(small_weights: ModelWeights) -> CpuRunner:
    return CpuRunner(small_weights, choose_products(small_weights.config))


@pytest.fixture(scope="session")
def embedded_runner(tmp_path_factory: pytest.TempPathFactory) -> CpuRunner:
    """Random weights in the shape of the embedded model."""
    folder = random_checkpoint(tmp_path_factory.mktemp("embedded"), EMBEDDED_SHAPE, seed=4)
    weights = load_weights(Checkpoint.open(folder))
    return CpuRunner(weights, choose_products(weights.config))


@pytest.fixture
def config_document(small_folder: Path) -> dict[str, object]:
    """The small checkpoint's config.json, free to change."""
    document: dict[str, object] = json.loads((small_folder / "config.json").read_text())
    return document
