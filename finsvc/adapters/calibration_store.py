"""Where calibrations lie: the operator's with the data, those that ship beside this file."""

import json
from pathlib import Path

from finsvc.agents.model import SAMPLE_TEMPERATURE
from finsvc.domain.errors import StateError
from finsvc.domain.turns import ModelIdentity
from finsvc.validator.abstention import Calibration, from_json

OPERATOR_FILE = "calibration.json"
_SHIPPED = Path(__file__).with_name("calibrations")


def load_calibration(identity: ModelIdentity, data_dir: Path) -> Calibration | None:
    """The calibration of the model that answers; None where nobody calibrated it.

    The operator's file goes before those that ship, and must be the model's. A model with other
    weights than those that ship has none, whatever its name.

    Raises:
        StateError: A file is damaged, of another model, or for another way of sampling.
    """
    weights = str(identity.manifest.get("weights_digest"))
    own = data_dir / OPERATOR_FILE
    if own.exists():
        return _read(own, weights)
    shipped = (path for path in sorted(_SHIPPED.glob("*.json")) if _is_for(weights, path))
    return next((_read(path, weights) for path in shipped), None)


def _is_for(weights: str, path: Path) -> bool:
    return bool(json.loads(path.read_text(encoding="utf-8"))["weights"] == weights)


def _read(path: Path, weights: str) -> Calibration:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"calibration {path}: expected a readable file, got {error}") from error
    found = from_json(text, weights=weights, source=str(path))
    if found.terms.temperature != SAMPLE_TEMPERATURE:
        raise StateError(
            f"calibration {path}: expected one for samples at temperature {SAMPLE_TEMPERATURE}, "
            f"got {found.terms.temperature}"
        )
    return found
