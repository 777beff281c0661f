"""Where calibrations lie: the operator's with the data, the embedded model's beside this file."""

from pathlib import Path

from finsvc.agents.model import SAMPLE_TEMPERATURE
from finsvc.domain.errors import StateError
from finsvc.domain.turns import ModelIdentity
from finsvc.validator.abstention import Calibration, from_json

OPERATOR_FILE = "calibration.json"
_SHIPPED = Path(__file__).with_name("calibrations")


def load_calibration(identity: ModelIdentity, data_dir: Path) -> Calibration | None:
    """The calibration of the model that answers; None where nobody calibrated it.

    The operator's file goes before the one that ships, and must be the model's.

    Raises:
        StateError: A file is damaged, of another model, or for another way of sampling.
    """
    weights = str(identity.manifest.get("weights_digest"))
    for path in (data_dir / OPERATOR_FILE, _SHIPPED / f"{identity.name}.json"):
        if path.exists():
            return _read(path, weights)
    return None


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
