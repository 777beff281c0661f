"""A release: its files, its record, its card, and its evaluation."""

import json
from pathlib import Path

import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.tokenizer import Tokenizer
from engine.training.card import render_card, write_card
from engine.training.evaluate import Judged, Miss, report
from engine.training.heldout import held_out_rows, is_canonical
from engine.training.release import write_release
from engine.training.run import Run
from engine.training.schedule import Schedule
from engine.training.trainer import Recipe, Trainer
from tests.engine.training.factories import NUM_POSITIONS, TINY


def _run() -> Run:
    """A run of long enough rows that has made no step."""
    recipe = Recipe(batch_rows=1, num_positions=NUM_POSITIONS)
    trainer = Trainer(TINY, recipe, torch.device("cpu"), seed=1)
    return Run(trainer=trainer, schedule=Schedule(steps=1), seed=1)


@pytest.fixture(scope="module")
def folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of an untrained network, evaluated on one row of each kind."""
    folder = tmp_path_factory.mktemp("release")
    write_release(folder, _run(), tokenizer, num_batches=1, arguments=["--steps", "1"])
    return folder


def _read(path: Path) -> dict[str, object]:
    record: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return record


def test_release_records_what_it_is(folder: Path, tokenizer: Tokenizer) -> None:
    record = _read(folder / "training.json")
    assert record["weights_digest"] == Checkpoint.open(folder).weights_digest()
    assert record["tokenizer_digest"] == tokenizer.digest
    assert record["command"] == ["python", "-m", "engine.training.train", "--steps", "1"]
    assert record["init"] is None
    found = _read(folder / "eval.json")
    assert set(found) == {"varied", "canonical"}
    # An untrained network gets nothing right.
    assert found["varied"]["all"]["exact_pct"] == 0  # type: ignore[index]


def test_release_without_evaluation_is_whole(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run = _run()
    run.init, run.step = "ab" * 32, 1
    record = write_release(tmp_path, run, tokenizer, num_batches=0, arguments=[])
    assert _read(tmp_path / "training.json") == json.loads(json.dumps(record))
    assert (record["init"], record["steps"]) == ("ab" * 32, 1)
    assert not (tmp_path / "eval.json").exists()


def test_card_states_digests_figures_and_limits(folder: Path) -> None:
    write_card(folder)
    text = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    record = _read(folder / "training.json")
    for name in ("weights_digest", "tokenizer_digest", "generator_digest", "rows_digest"):
        assert str(record[name]) in text
    assert "good at calling these tools and at nothing else" in text
    assert "Apache-2.0" in text
    assert "| varied | all |" in text
    assert "random weights" in text


def test_card_refuses_figures_of_other_weights(folder: Path) -> None:
    training, teacher = _read(folder / "training.json"), _read(folder / "eval.json")
    share = {"n": 10, "exact_pct": 90.0}
    found = {"all": share, "calls_and_outcome": share, "seconds_per_question": 0.5}
    decoding: dict[str, object] = {
        "weights_digest": training["weights_digest"],
        "grammar": True,
        "sets": {"dev": found},
    }
    text = render_card({**training, "init": "cd" * 32}, teacher, decoding)
    assert "| dev | 10 | 90.0 | 90.0 | 0.5 |" in text
    assert "a release with weights `cdcd" in text
    with pytest.raises(ValueError, match=r"decoding\.json: expected weights"):
        render_card(training, teacher, {**decoding, "weights_digest": "00"})


def test_held_out_rows_are_of_the_kind_asked_for() -> None:
    for canonical in (True, False):
        rows = held_out_rows(3, canonical=canonical)
        assert [is_canonical(source) for source in rows] == [canonical] * 3


def test_report_counts_answers_apart_from_calls() -> None:
    wrong = Miss(question="q", at="answer", expected="a", got="b")
    judged = [
        Judged(groups=("kind one_call",), miss=None, num_tokens=10),
        Judged(groups=("kind one_call",), miss=wrong, num_tokens=20),
    ]
    found = report(judged, elapsed_s=2.0)
    assert found["all"] == {"n": 2, "exact_pct": 50.0}
    assert found["calls_and_outcome"] == {"n": 2, "exact_pct": 100.0}
    assert found["tokens_per_s"] == 15.0
    assert found["groups"] == {"kind one_call": {"n": 2, "exact_pct": 50.0}}
