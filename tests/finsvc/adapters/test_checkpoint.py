from pathlib import Path

import pytest
import torch

from finsvc.adapters.checkpoint import check_checkpoint, describe_checkpoint
from finsvc.domain.errors import InputError
from tests.engine.factories import SMALL_SHAPE, random_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return random_checkpoint(tmp_path / "small", SMALL_SHAPE)


@pytest.fixture(autouse=True)
def _same_threads() -> object:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_description_names_sizes_and_digests(folder: Path) -> None:
    document = describe_checkpoint(folder, threads=1)
    assert (document["name"], document["layout"]) == ("small", "huggingface")
    assert document["num_layers"] == SMALL_SHAPE["num_layers"]
    assert len(str(document["weights_digest"])) == 64


def test_check_runs_every_part_of_the_self_test(folder: Path) -> None:
    document = check_checkpoint(folder, threads=1)
    assert document["ok"] is True
    checks = document["checks"]
    assert isinstance(checks, list)
    assert {item["name"] for item in checks} >= {"mxfp4", "prefill_chunks", "batches"}


def test_truncated_shard_is_bad_input_naming_the_file(folder: Path) -> None:
    shard = folder / "model.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors"):
        describe_checkpoint(folder, threads=1)
