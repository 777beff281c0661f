from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.finsvc.asking import Desk
from tests.finsvc.conftest import MarketData


@pytest.fixture
def desk(data: MarketData, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(data, tmp_path)
    yield made
    made.audit.close()
