"""Writes the model card of a release: `python -m engine.training.card [FOLDER]`.

Every figure comes from the release's own records: `training.json`, `eval.json` and `training.log`
of the training run, and `decoding.json` of `engine.training.evaluate`, which may be missing. A
release that started from another one keeps that one's records in the folder `first_stage`, where
`NOTE.md` may say what they do not.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

_FOLDER = Path(__file__).parents[1] / "embedded"
CARD_FILE = "MODEL_CARD.md"
FIRST_STAGE = "first_stage"
_Record = Mapping[str, object]
_WALL = re.compile(r"^closed wall_s=(?P<seconds>[\d.]+)$", re.MULTILINE)
_KIND = "kind "
_HANDWRITTEN_SETS = {"dev", "sealed"}
_STAGES = ("first stage", "second stage")
_DIGESTS = {
    "generator": "generator's code and phrases, digest",
    "rows": "first rows, digest",
    "tokenizer": "tokenizer of 4,096 pieces, digest",
    "weights": "weights, digest",
}

_TEMPLATE = """\
# Embedded model

A small stand-in for gpt-oss-20b and gpt-oss-120b: same architecture, layout and harmony format,
{parameters:.1f} million parameters, trained from nothing on synthetic dialogues about 18 tools of a
risk, market-data and compliance desk. It lets finsvc answer questions on a laptop without a
download. **It is good at calling these tools and at nothing else.** It holds no weights and no
outputs of gpt-oss or of any other model.

## What it does
Reads a tool list and a question in English, calls tools with arguments copied word for word from
the question, cites the results by their keys, asks back when something essential is missing, and
declines what no tool can answer. It is meant to run under the service's grammars, which allow it
known tools, spans of the question and references only; calculators compute, the validator checks.

## What it does not
* It knows nothing: no facts, no arithmetic, no conversation, no other language, no other tools with
  any reliability. Without grammars it may invent words.
* Single questions only; it was never trained on a second question in the same conversation.
* Wordings unlike those of its generator fail more often than the figures on generated instances
  say; look at the hand-written questions instead.
* It may choose a wrong tool, miss an argument, or answer where it should ask. The service states
  the parameters used with every answer; read them.
* Its reasoning effort setting has no effect; it never writes an analysis message.
* Contexts above {positions} tokens were never trained.

## Figures
Each figure is the share of whole dialogues that are right.

**Given the right text before each word**, every word of the model's turns being its likeliest:
unseen instances of the generator, on the training machine.

{teacher}
{decoded}
## How it was made
{weights_bytes:.1f} MB: experts in MXFP4, all else in bfloat16.
Trained on {total:.2f} G token positions in all.

{stages}
{notes}
Every row of training text follows from seed and row number, and `training.json` holds the schedule
in steps, so `--schedule training.json` repeats a run row for row on code whose generator and first
rows have the digests above; bits depend on the device. All training text is generated; no text of a
person or client was used. The recipe is in `engine/training/DESIGN.md`.

## Licence
Apache-2.0, as the rest of this repository.
"""

_DECODED = """\

**Decoded**, greedily, on a CPU through the engine, {grammar} grammars. `right` counts
calls, arguments and outcome; `exact` the answer's words as well. Generated sets (canonical and
varied tool lists) demand every character; hand-written ones ignore case, articles and closing
punctuation. Times are those of the machine that decoded, busy or not.

{table}

{kinds}

± is one standard error from the number of questions alone, by the rule of succession.
"""

_HANDWRITTEN = """\

Sets `dev` and `sealed` are hand-written questions, by one author who knew the conventions for
arguments and about ten generated dialogues, but none of the generator's phrases. Misses on `dev`
may lead to changes of the generator; those on `sealed` may not and are counted without being told,
so `sealed` is the fairer figure. Both are one author's idea of how people ask: other people's
questions may go wrong far more often than the standard error allows.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What a training run left behind: the contents of its files, None where there is none."""

    training: _Record
    teacher: _Record
    decoding: _Record | None = None
    wall_s: str | None = None
    note: str | None = None


def _table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _share(share: object) -> tuple[int, float]:
    found = cast("_Record", share)
    return cast("int", found["n"]), cast("float", found["exact_pct"])


def _counted(share: object) -> tuple[int, str]:
    num, pct = _share(share)
    return num, f"{pct:.2f}"


def _error_pct(num: int, pct: float) -> float:
    """Standard error of a share; one right and one wrong are added, so 100 % is not certain."""
    share = (num * pct / 100 + 1) / (num + 2)
    return 100 * math.sqrt(share * (1 - share) / num)


def _teacher(report: _Record) -> str:
    rows: list[tuple[object, ...]] = []
    for name, found in report.items():
        parts = cast("_Record", found)
        rows.append((name, "all", *_counted(parts["all"])))
        kinds = cast("_Record", parts["kind"])
        rows += [(name, kind.replace("_", " "), *_counted(kinds[kind])) for kind in kinds]
    return _table(("tool lists", "kind", "n", "exact %"), rows)


def _decoded(report: _Record) -> str:
    rows: list[tuple[object, ...]] = []
    kinds: list[tuple[object, ...]] = []
    sets = cast("_Record", report["sets"])
    for name, found in sets.items():
        parts = cast("_Record", found)
        num, all_pct = _share(parts["all"])
        right_pct = _share(parts["calls_and_outcome"])[1]
        right, exact = (f"{pct} ± {_error_pct(num, pct):.1f}" for pct in (right_pct, all_pct))
        rows.append((name, num, right, exact, parts["seconds_per_question"]))
        for group, share in cast("_Record", parts["groups"]).items():
            if group.startswith(_KIND):
                kinds.append((name, group.removeprefix(_KIND).replace("_", " "), *_counted(share)))
    text = _DECODED.format(
        grammar="under the service's" if report["grammar"] else "without any",
        table=_table(("set", "n", "right %", "exact %", "s a question"), rows),
        kinds=_table(("set", "kind", "n", "exact %"), kinds),
    )
    return text + (_HANDWRITTEN if _HANDWRITTEN_SETS & set(sets) else "")


def _stage(records: Records) -> dict[str, object]:
    """How one run was made, by the name of each row."""
    record = records.training
    recipe = cast("_Record", record["recipe"])
    rate = cast("_Record", recipe["rate"])
    init = record["init"]
    rows: dict[str, object] = {
        "command": f"`{shlex.join(cast('list[str]', record['command']))}`",
        "seed": record["seed"],
        "started from": f"a release with weights `{init}`" if init else "random weights",
        "steps": f"{record['steps']:,} of {recipe['batch_rows']} rows of {recipe['num_positions']}",
        "token positions": f"{record['tokens']:,}",
        "peak rate": rate["peak"],
        "training time": f"{record['elapsed_s']} s",
        "whole command": f"{records.wall_s} s" if records.wall_s else "not recorded",
        "machine": f"{record['device']}, torch {record['torch']}, Python {record['python']}",
    }
    exact = {name: cast("_Record", found) for name, found in records.teacher.items()}
    for name, found in exact.items():
        rows[f"exact on {name} lists, right text before"] = f"{_counted(found['all'])[1]} %"
    for name in ("generator", "rows", "tokenizer", "weights"):
        rows[_DIGESTS[name]] = f"`{record[f'{name}_digest']}`"
    return rows


def _stages(stages: Sequence[Records]) -> str:
    columns = [_stage(stage) for stage in stages]
    header = _STAGES[: len(stages)] if len(stages) > 1 else ("",)
    names = columns[-1]
    return _table(
        ("", *header), ((name, *(column.get(name, "") for column in columns)) for name in names)
    )


def _check(release: Records, first: Records | None) -> None:
    weights = release.training["weights_digest"]
    if release.decoding is not None and release.decoding["weights_digest"] != weights:
        raise ValueError(
            f"decoding.json: expected weights {weights}, got {release.decoding['weights_digest']}"
        )
    init = release.training["init"]
    if first is not None and first.training["weights_digest"] != init:
        raise ValueError(
            f"{FIRST_STAGE}/training.json: expected weights {init}, which the release started "
            f"from, got {first.training['weights_digest']}"
        )


def render_card(release: Records, *, weights_bytes: int, first: Records | None = None) -> str:
    """The card's text.

    Args:
        release: Records of the run that made the release.
        weights_bytes: Bytes of the weights.
        first: Records of the run whose weights it started from, if they are kept.

    Raises:
        ValueError: The decoding is of other weights, or the release did not start from `first`.
    """
    _check(release, first)
    stages = [release] if first is None else [first, release]
    notes = [stage.note.strip() + "\n" for stage in stages if stage.note]
    recipe = cast("_Record", release.training["recipe"])
    fields = {
        "parameters": cast("int", release.training["parameters"]) / 1e6,
        "positions": recipe["num_positions"],
        "teacher": _teacher(release.teacher),
        "decoded": _decoded(release.decoding) if release.decoding is not None else "",
        "weights_bytes": weights_bytes / 1e6,
        "total": sum(cast("int", stage.training["tokens"]) for stage in stages) / 1e9,
        "stages": _stages(stages),
        "notes": "".join(f"\n{note}" for note in notes),
    }
    return _TEMPLATE.format(**fields)


def read_records(folder: Path) -> Records:
    """The records of a run's folder; all but `training.json` and `eval.json` may be missing."""

    def read(name: str) -> _Record:
        return cast("_Record", json.loads((folder / name).read_text(encoding="utf-8")))

    def text(name: str) -> str | None:
        path = folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    wall = _WALL.search(text("training.log") or "")
    return Records(
        training=read("training.json"),
        teacher=read("eval.json"),
        decoding=read("decoding.json") if (folder / "decoding.json").exists() else None,
        wall_s=wall["seconds"] if wall else None,
        note=text("NOTE.md"),
    )


def write_card(folder: Path) -> None:
    """Writes the card of the release in a folder from its records and those of its first stage."""
    first = folder / FIRST_STAGE
    text = render_card(
        read_records(folder),
        weights_bytes=sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        first=read_records(first) if first.exists() else None,
    )
    (folder / CARD_FILE).write_text(text, encoding="utf-8")


def main() -> None:
    """Writes the card of the release in the folder named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=_FOLDER)
    write_card(parser.parse_args().folder)


if __name__ == "__main__":
    main()
