"""Checkpoints: what they are and whether this machine runs them as promised."""

from datetime import UTC, datetime
from pathlib import Path

from engine.engine import Engine
from engine.errors import EngineError
from finsvc.adapters.calibration import Plan, default_terms, run_calibration
from finsvc.adapters.calibration_store import OPERATOR_FILE
from finsvc.adapters.checkpoint import check_checkpoint, check_invariance, describe_checkpoint
from finsvc.adapters.engine import EngineModel
from finsvc.commands.backend import Json, Say
from finsvc.domain.errors import StateError
from finsvc.files import write_atomically
from finsvc.settings import EMBEDDED, Settings
from finsvc.validator.abstention import to_json
from finsvc.wiring import model_folder


def info(settings: Settings, path: str) -> Json:
    """What a checkpoint is."""
    folder = _folder(settings, path)
    return describe_checkpoint(folder, threads=settings.threads, device=settings.device)


def check(settings: Settings, path: str) -> Json:
    """Describe a checkpoint and run the engine's self-test."""
    return check_checkpoint(_folder(settings, path), threads=settings.threads)


def calibrate(settings: Settings, path: str, out: Path | None, say: Say) -> Json:
    """Choose the confidence that a material answer must have, and keep it.

    Raises:
        StateError: The model cannot be used, or no threshold can be certified for it.
    """
    chosen = settings.model_copy(update={"model": path})
    folder = model_folder(chosen)
    say(f"loading the model {path}")
    try:
        engine = Engine.load(folder, num_threads=settings.threads, device=settings.device)
    except EngineError as error:
        raise StateError(f"model {path}: {error}") from error
    name = EMBEDDED if path == EMBEDDED else folder.name
    found = run_calibration(
        EngineModel(engine, name=name),
        terms=default_terms(),
        plan=Plan(),
        made_on=datetime.now(UTC).date(),
        on_progress=say,
    )
    target = out or settings.data_dir / OPERATOR_FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, to_json(found).encode())
    return {
        "file": str(target),
        "statement": found.statement(),
        "threshold": found.threshold,
        "digest": found.digest,
        **{
            name: f"{item.wrong} wrong of {item.kept} kept of {item.answered} answered"
            for name, item in {**found.sets, **found.held_out}.items()
        },
    }


def invariance(settings: Settings, path: str) -> Json:
    """Prove on the GPU that bits do not depend on how a model is run."""
    is_synthetic = path.startswith("synthetic:")
    return check_invariance(path if is_synthetic else str(_folder(settings, path)))


def _folder(settings: Settings, path: str) -> Path:
    return model_folder(settings.model_copy(update={"model": path}))
