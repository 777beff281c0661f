"""A release: its files, its record, its card, and its evaluation."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.tokenizer import Tokenizer
from engine.training.card import Records, read_records, render_card, write_card
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


def test_card_gives_decoded_figures_with_their_standard_error(folder: Path) -> None:
    records = _decoded(folder)
    text = render_card(records, weights_bytes=32_400_000)
    # (9 + 1) / (10 + 2), over 10 questions: 11.8 points.
    assert "| dev | 10 | 90.0 ± 11.8 | 80.0 ± 13.7 | 0.5 |" in text
    assert "| dev | one call | 5 | 60.00 |" in text
    assert "intent" not in text
    assert "hand-written questions, by one author" in text
    assert "32.4 MB" in text


def test_card_of_generated_sets_alone_does_not_speak_of_authors(folder: Path) -> None:
    records = _decoded(folder, name="varied")
    assert "by one author" not in render_card(records, weights_bytes=1)


def test_card_refuses_figures_of_other_weights(folder: Path) -> None:
    records = _decoded(folder)
    assert records.decoding is not None
    other = replace(records, decoding={**records.decoding, "weights_digest": "00"})
    with pytest.raises(ValueError, match=r"decoding\.json: expected weights"):
        render_card(other, weights_bytes=1)


def _decoded(folder: Path, *, name: str = "dev") -> Records:
    """The release's records with decoded figures of ten questions."""
    records = read_records(folder)
    found = {
        "all": {"n": 10, "exact_pct": 80.0},
        "calls_and_outcome": {"n": 10, "exact_pct": 90.0},
        "groups": {
            "kind one_call": {"n": 5, "exact_pct": 60.0},
            "intent beta": {"n": 2, "exact_pct": 50.0},
        },
        "seconds_per_question": 0.5,
    }
    weights = records.training["weights_digest"]
    decoding = {"weights_digest": weights, "grammar": True, "sets": {name: found}}
    return replace(records, decoding=decoding)


def test_card_tells_both_stages_of_a_warm_start(folder: Path, tmp_path: Path) -> None:
    second, first = tmp_path / "second", tmp_path / "second" / "first_stage"
    for stage in (second, first):
        stage.mkdir()
        shutil.copy(folder / "eval.json", stage)
    record = _read(folder / "training.json")
    old = {**record, "weights_digest": "cd" * 32, "tokens": 600_000_000}
    new = {**record, "init": "cd" * 32, "tokens": 500_000_000, "seed": 2}
    (first / "training.json").write_text(json.dumps(old), encoding="utf-8")
    (first / "training.log").write_text("end\nclosed wall_s=569.3\n", encoding="utf-8")
    (first / "NOTE.md").write_text("What its records do not say.\n", encoding="utf-8")
    (second / "training.json").write_text(json.dumps(new), encoding="utf-8")
    write_card(second)
    text = (second / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "1.10 G token positions" in text
    assert "| seed | 1 | 2 |" in text
    assert "| started from | random weights | a release with weights `cdcd" in text
    assert "| whole command | 569.3 s | not recorded |" in text
    assert "\nWhat its records do not say.\n" in text
    (first / "training.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ValueError, match=r"first_stage/training\.json: expected weights cdcd"):
        write_card(second)


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
