from pathlib import Path

import pytest
import torch

from engine.invariance import InvarianceCheck, InvarianceReport
from finsvc.adapters import checkpoint
from finsvc.adapters.checkpoint import check_checkpoint, check_invariance, describe_checkpoint
from finsvc.domain.errors import InputError
from tests.data import ROOT
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


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing without a GPU")
def test_invariance_without_a_gpu_is_bad_input_that_says_so() -> None:
    with pytest.raises(InputError, match="0 CUDA devices"):
        check_invariance(str(ROOT / "engine" / "embedded"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing without a GPU")
def test_description_on_a_gpu_that_is_not_there_is_bad_input(folder: Path) -> None:
    with pytest.raises(InputError, match="on the CPU"):
        describe_checkpoint(folder, threads=1, device="cuda")


def test_invariance_report_becomes_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = (
        InvarianceCheck(name="batches", rows=8, rows_differing=0),
        InvarianceCheck(name="chunks", rows=9, rows_differing=2),
    )
    report = InvarianceReport(model="m", device="a GPU", logits_digest="d" * 64, checks=checks)
    monkeypatch.setattr(checkpoint, "check_model", lambda _: report)
    document = check_invariance("m")
    assert document["ok"] is False
    assert document["checks"] == [
        {"name": "batches", "ok": True, "detail": "0 of 8 rows differ"},
        {"name": "chunks", "ok": False, "detail": "2 of 9 rows differ"},
    ]
