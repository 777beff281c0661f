"""What a checkpoint folder is and whether this machine runs it as promised."""

from pathlib import Path

from engine.engine import Engine
from engine.errors import EngineError
from engine.invariance import check_model
from engine.selftest import selftest
from finsvc.domain.errors import InputError


def describe_checkpoint(path: Path, *, threads: int, device: str = "cpu") -> dict[str, object]:
    """Load a checkpoint and return name, sizes, digests and fingerprint as JSON.

    Raises:
        InputError: The folder is no usable checkpoint; file, tensor or key is named.
    """
    return _description(_load(path, threads, device))


def check_checkpoint(path: Path, *, threads: int) -> dict[str, object]:
    """Describe a checkpoint and run the engine's self-test on the CPU; ``ok``: all passed.

    Raises:
        InputError: The folder is no usable checkpoint; file, tensor or key is named.
    """
    engine = _load(path, threads, "cpu")
    checks = selftest(engine)
    return {
        **_description(engine),
        "ok": all(check.passed for check in checks),
        "checks": [
            {"name": check.name, "ok": check.passed, "detail": check.detail} for check in checks
        ],
    }


def check_invariance(model: str) -> dict[str, object]:
    """Prove on this machine's GPU that a token's logits depend on the tokens before it alone.

    Args:
        model: Checkpoint folder, or ``synthetic:20b`` or ``synthetic:120b``.

    Raises:
        InputError: The model cannot be run here; says what is missing.
    """
    try:
        report = check_model(model)
    except EngineError as error:
        raise InputError(
            field="model", expected="a model that this GPU runs", actual=str(error)
        ) from error
    return {
        "name": report.model,
        "device": report.device,
        "logits_digest": report.logits_digest,
        "ok": report.passed,
        "checks": [
            {
                "name": check.name,
                "ok": check.passed,
                "detail": f"{check.rows_differing} of {check.rows} rows differ",
            }
            for check in report.checks
        ],
    }


def _load(path: Path, threads: int, device: str) -> Engine:
    try:
        return Engine.load(path, num_threads=threads, device=device)
    except EngineError as error:
        raise InputError(
            field="model", expected="a usable checkpoint", actual=str(error)
        ) from error


def _description(engine: Engine) -> dict[str, object]:
    info = engine.info
    config = info.config
    return {
        "name": info.name,
        "layout": str(info.layout.value),
        "num_parameters": info.num_parameters,
        "num_layers": config.num_layers,
        "num_experts": config.num_experts,
        "vocab_size": config.vocab_size,
        "context_length": info.context_length,
        "weights_digest": info.weights_digest,
        "tokenizer_digest": info.tokenizer_digest,
        "fingerprint": engine.fingerprint.digest,
    }
