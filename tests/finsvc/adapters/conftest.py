from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.engine import Engine
from finsvc.adapters.engine import EngineModel
from tests.engine.factories import SMALL_SHAPE, random_checkpoint
from tests.finsvc.asking import Desk
from tests.finsvc.conftest import MarketData


@pytest.fixture(scope="session")
def noise_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights."""
    return random_checkpoint(tmp_path_factory.mktemp("noise"), SMALL_SHAPE, seed=5)


@pytest.fixture(scope="session")
def noise(noise_folder: Path) -> Iterator[EngineModel]:
    """A model of random weights: its turns are noise, but noise that repeats."""
    threads = torch.get_num_threads()
    yield EngineModel(Engine.load(noise_folder, num_threads=1), name="noise")
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def noisy_desk(data: MarketData, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(data, tmp_path_factory.mktemp("desk"))
    yield made
    made.audit.close()
