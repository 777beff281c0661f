"""The harness's report and command; its comparisons are in tests/engine/gpu."""

import json

import pytest
import torch

import engine.invariance
from engine.invariance import InvarianceCheck, InvarianceReport, main


def report(*differing: int) -> InvarianceReport:
    checks = tuple(
        InvarianceCheck(name=f"way {i}", rows=4, rows_differing=count)
        for i, count in enumerate(differing)
    )
    return InvarianceReport(model="m", device="d", logits_digest="ab", checks=checks)


def test_report_passes_only_when_every_row_agrees() -> None:
    assert report(0, 0).passed
    assert not report(0, 1).passed
    assert not InvarianceCheck(name="nothing compared", rows=0, rows_differing=0).passed
    assert report(0).digest != report(1).digest


@pytest.mark.parametrize(
    ("differing", "arguments", "status"),
    [
        ([0, 0], [], 0),
        ([0, 2], [], 1),
        ([0], ["--expect", "ab"], 0),
        ([0], ["--expect", "cd"], 1),
    ],
)
def test_exit_says_whether_bits_and_digest_agree(
    differing: list[int],
    arguments: list[str],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(engine.invariance, "check_model", lambda name, *, quick: report(*differing))
    assert main(["m", *arguments]) == status
    text = capsys.readouterr().out
    assert ("FAIL way 1: 2 of 4 rows differ" in text) == (2 in differing)
    assert main(["m", "--json", *arguments]) == status
    assert json.loads(capsys.readouterr().out)["logits_digest"] == "ab"


def test_machine_without_a_gpu_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["synthetic:20b"]) == 2
    assert capsys.readouterr().err.startswith("gpu_missing: device: expected cuda")
