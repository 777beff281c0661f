from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conformance.server import Running, running_server


@pytest.fixture(scope="module")
def server(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    # `data_dir` skips where there is no embedded model; its folder is another service's.
    with running_server(tmp_path_factory.mktemp("conformance")) as running:
        yield running
