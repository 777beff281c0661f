"""What a finished run leaves behind: checkpoint, evaluation and the record of how it came about.

`training.json` holds everything needed to repeat the run and to check what came of it: the command,
the seed, the schedule in steps, digests of data, tokenizer and weights, and the figures.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from engine.checkpoint import Checkpoint
from engine.tokenizer import Tokenizer
from engine.training import dialogues
from engine.training.exactness import Verdict, judge, predict, summary
from engine.training.export import export_tensors, write_checkpoint
from engine.training.heldout import held_out_rows
from engine.training.rows import pack, packed_row
from engine.training.run import Run

_DIGEST_ROWS = 32


def generator_digest() -> str:
    """SHA-256 over names and bytes of the generator's source files and phrase tables."""
    folder = Path(dialogues.__file__).parents[1]
    state = hashlib.sha256()
    sources = [*folder.glob("dialogues/*.py"), *folder.glob("phrases/*.jsonl")]
    for path in sorted(sources):
        state.update(f"{path.relative_to(folder)}\n".encode())
        state.update(path.read_bytes())
    return state.hexdigest()


def rows_digest(tokenizer: Tokenizer, seed: int, *, num_positions: int) -> str:
    """SHA-256 over the first packed rows of a run."""
    state = hashlib.sha256()
    for idx in range(_DIGEST_ROWS):
        packed = packed_row(tokenizer, seed, idx, num_positions=num_positions)
        state.update(packed.positions.tobytes())
    return state.hexdigest()


def evaluate(run: Run, tokenizer: Tokenizer, *, num_batches: int, canonical: bool) -> list[Verdict]:
    """Teacher-forced verdicts on held-out rows, with varied or canonical tool lists."""
    recipe = run.trainer.recipe
    rows = [
        pack(tokenizer, source, num_positions=recipe.num_positions)
        for source in held_out_rows(num_batches * recipe.batch_rows, canonical=canonical)
    ]
    return judge(rows, predict(run.trainer, rows), tokenizer)


def write_release(
    folder: Path, run: Run, tokenizer: Tokenizer, *, num_batches: int, arguments: Sequence[str]
) -> dict[str, object]:
    """Quantises, exports and evaluates a run.

    The checkpoint and its record are written before the evaluation and the record again after it,
    so that a process stopped at its time limit leaves a whole release.

    Args:
        folder: Gets the checkpoint, `training.json` and `eval.json`.
        run: The finished run.
        tokenizer: Of its data.
        num_batches: Batches of rows in each evaluation set; 0 evaluates nothing.
        arguments: The command line of the run.

    Returns:
        The record written to `training.json`.
    """
    network = run.trainer.network
    network.quantise()
    write_checkpoint(folder, export_tensors(network), network.shape, tokenizer.special_ids)
    record = _record(run, tokenizer, folder, arguments)
    (folder / "training.json").write_text(_text(record), encoding="utf-8")
    if num_batches:
        reports = {
            name: summary(evaluate(run, tokenizer, num_batches=num_batches, canonical=canonical))
            for name, canonical in (("varied", False), ("canonical", True))
        }
        (folder / "eval.json").write_text(_text(reports), encoding="utf-8")
        exact = {name: {"all": r["all"], "kind": r["kind"]} for name, r in reports.items()}
        record = {**record, "exact": exact}
        (folder / "training.json").write_text(_text(record), encoding="utf-8")
    return record


def _record(
    run: Run, tokenizer: Tokenizer, folder: Path, arguments: Sequence[str]
) -> dict[str, object]:
    """How the run came about, without what it is worth."""
    trainer = run.trainer
    recipe = trainer.recipe
    return {
        "command": ["python", "-m", "engine.training.train", *arguments],
        "seed": run.seed,
        "init": run.init or None,
        "steps": run.step,
        "tokens": run.step * recipe.batch_rows * recipe.num_positions,
        "elapsed_s": round(run.elapsed_s, 1),
        "recipe": asdict(recipe),
        "parameters": sum(p.numel() for p in trainer.network.parameters()),
        "device": torch.cuda.get_device_name() if trainer.is_fused else "cpu",
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "generator_digest": generator_digest(),
        "rows_digest": rows_digest(tokenizer, run.seed, num_positions=recipe.num_positions),
        "tokenizer_digest": tokenizer.digest,
        "weights_digest": Checkpoint.open(folder).weights_digest(),
        "starts": run.schedule.starts,
    }


def _text(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
