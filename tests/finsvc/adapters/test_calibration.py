"""Calibrating with the embedded model on a few questions, and the calibration that ships."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.engine import Engine
from finsvc.adapters.calibration import Plan, default_terms, run_calibration
from finsvc.adapters.calibration_store import OPERATOR_FILE, load_calibration
from finsvc.adapters.engine import EMBEDDED_FOLDER, EngineModel
from finsvc.agents.model import SAMPLE_TEMPERATURE
from finsvc.domain.errors import StateError
from finsvc.domain.turns import ModelIdentity
from finsvc.validator.abstention import Calibration, Counted, Terms, tail, to_json

EVALUATED = json.loads((EMBEDDED_FOLDER / "decoding.json").read_text(encoding="utf-8"))
WEIGHTS = str(EVALUATED["weights_digest"])


def identity(name: str = "embedded", weights: str = WEIGHTS) -> ModelIdentity:
    return ModelIdentity(name=name, fingerprint="f", manifest={"weights_digest": weights})


def calibration(weights: str, temperature: float = SAMPLE_TEMPERATURE) -> Calibration:
    return Calibration(
        weights=weights,
        made_on=date(2026, 1, 1),
        terms=Terms(alpha=0.1, delta=0.1, num_samples=2, temperature=temperature),
        threshold=1.0,
        counted=Counted(answered=50, kept=40, wrong=0),
        sets={},
        held_out={},
    )


def test_shipped_calibration_is_of_the_shipped_model_and_keeps_its_promise(tmp_path: Path) -> None:
    found = load_calibration(identity(), tmp_path)
    assert found is not None
    assert found.terms == default_terms()
    assert found.made_on <= datetime.now(UTC).date()
    total = found.counted
    assert tail(total.wrong, total.kept, found.terms.alpha) <= found.terms.delta
    assert total.answered == sum(item.answered for item in found.sets.values()) >= 300
    # On questions that chose nothing: the promise is not refuted, and most answers are kept.
    kept = sum(item.kept for item in found.held_out.values())
    wrong = sum(item.wrong for item in found.held_out.values())
    answered = sum(item.answered for item in found.held_out.values())
    assert answered >= 200
    assert wrong <= found.terms.alpha * kept
    assert kept / answered >= 0.75
    assert total.coverage >= 0.75


def test_shipped_calibration_is_not_that_of_other_weights_whatever_their_name(
    tmp_path: Path,
) -> None:
    assert load_calibration(identity(weights="00"), tmp_path) is None
    assert load_calibration(identity("gpt-oss-20b", "00"), tmp_path) is None


def test_operators_calibration_goes_first(tmp_path: Path) -> None:
    own = calibration("00")
    (tmp_path / OPERATOR_FILE).write_text(to_json(own), encoding="utf-8")
    assert load_calibration(identity("gpt-oss-20b", "00"), tmp_path) == own
    with pytest.raises(StateError, match="expected one of the model with weights"):
        load_calibration(identity(), tmp_path)


def test_calibration_for_other_sampling_or_unreadable_is_refused(tmp_path: Path) -> None:
    path = tmp_path / OPERATOR_FILE
    path.write_text(to_json(calibration("00", temperature=1.5)), encoding="utf-8")
    with pytest.raises(StateError, match=r"temperature 0\.7, got 1\.5"):
        load_calibration(identity("x", "00"), tmp_path)
    path.write_bytes(b"\xff")
    with pytest.raises(StateError, match="expected a readable file"):
        load_calibration(identity("x", "00"), tmp_path)


def test_a_few_questions_are_put_sampled_and_scored_but_certify_nothing() -> None:
    model = EngineModel(Engine.load(EMBEDDED_FOLDER, num_threads=1), name="embedded")
    said: list[str] = []
    plan = Plan(handwritten=2, generated=8, held_out=0)
    terms = Terms(alpha=0.02, delta=0.05, num_samples=1, temperature=SAMPLE_TEMPERATURE)
    with pytest.raises(StateError, match=r"got 0 wrong of [0-9]+ at the strictest"):
        run_calibration(
            model, terms=terms, plan=plan, made_on=date(2026, 1, 1), on_progress=said.append
        )
    lenient = Terms(alpha=0.6, delta=0.5, num_samples=1, temperature=SAMPLE_TEMPERATURE)
    found = run_calibration(
        model,
        terms=lenient,
        plan=Plan(handwritten=3, generated=10, held_out=1),
        made_on=date(2026, 1, 1),
        on_progress=said.append,
    )
    assert found.weights == WEIGHTS
    assert set(found.sets) == {"handwritten_dev", "generated"}
    assert set(found.held_out) == {"handwritten_sealed", "generated_held_out"}
    assert found.counted.answered >= 8
    assert said == ["generated: 10 of 10 questions"]
