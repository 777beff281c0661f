"""What another model would have said where recorded decisions were made.

Each recorded turn goes through the other model with the prompt and masks of the record. Where it
draws another token the decision changes there: the turn is sampled to its end under the other
model, so that both texts can be read. Turns behind it would have had another prompt; they are not
asked. A model of another vocabulary cannot be given recorded prompts.
"""

from collections.abc import Sequence
from pathlib import Path

from audit.canonical import JsonObject
from audit.entry import Entry
from engine.engine import Engine
from engine.errors import EngineError
from finsvc.adapters.engine import EngineModel
from finsvc.adapters.replay_turns import Turns, key, recorded_ids
from finsvc.domain.errors import InputError
from finsvc.services.replay import ModelChange


def load_other_model(folder: Path, *, num_threads: int) -> EngineModel:
    """Load the model of a folder.

    Raises:
        InputError: It holds none that this machine can run.
    """
    try:
        return EngineModel(Engine.load(folder, num_threads=num_threads), name=folder.name)
    except EngineError as error:
        raise InputError(field="model", expected="a checkpoint", actual=str(error)) from error


def model_changes(entries: Sequence[Entry], model: EngineModel) -> list[ModelChange]:
    """The first turn of each decision that another model would have made otherwise.

    Raises:
        InputError: A decision was made by a model of another vocabulary.
    """
    tokenizer = model.engine.tokenizer
    turns = Turns(model)
    changes = []
    for entry in entries:
        parts = _parts(entry)
        _check_vocabulary(entry, parts, tokenizer.digest)
        derived = turns.derive(parts)
        for position, part in enumerate(parts):
            outcome = derived[key(part)]
            if outcome.tokens:
                changes.append(
                    ModelChange(
                        record_id=entry.statement.id,
                        turn=position,
                        difference=outcome.tokens,
                        recorded=tokenizer.decode(recorded_ids(part)),
                        derived=tokenizer.decode(turns.sample_again(part)),
                    )
                )
                break
    return changes


def _parts(entry: Entry) -> list[JsonObject]:
    parts = entry.content.get("turns")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _check_vocabulary(entry: Entry, parts: Sequence[JsonObject], digest: str) -> None:
    model = entry.content.get("model")
    manifest = model.get("manifest") if isinstance(model, dict) else None
    recorded = manifest.get("tokenizer_digest") if isinstance(manifest, dict) else None
    if parts and recorded != digest:
        raise InputError(
            field="model",
            expected=f"the vocabulary {recorded} of {entry.statement.id}",
            actual=digest,
        )
