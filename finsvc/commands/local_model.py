"""Checkpoints: what they are and whether this machine runs them as promised."""

from pathlib import Path

from finsvc.adapters.checkpoint import check_checkpoint, check_invariance, describe_checkpoint
from finsvc.commands.backend import Json
from finsvc.settings import Settings
from finsvc.wiring import model_folder


def info(settings: Settings, path: str) -> Json:
    """What a checkpoint is."""
    folder = _folder(settings, path)
    return describe_checkpoint(folder, threads=settings.threads, device=settings.device)


def check(settings: Settings, path: str) -> Json:
    """Describe a checkpoint and run the engine's self-test."""
    return check_checkpoint(_folder(settings, path), threads=settings.threads)


def invariance(settings: Settings, path: str) -> Json:
    """Prove on the GPU that bits do not depend on how a model is run."""
    is_synthetic = path.startswith("synthetic:")
    return check_invariance(path if is_synthetic else str(_folder(settings, path)))


def _folder(settings: Settings, path: str) -> Path:
    return model_folder(settings.model_copy(update={"model": path}))
