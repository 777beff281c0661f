"""Writes the model card of a release: `python -m engine.training.card [FOLDER]`.

Every figure comes from the release's own records: `training.json` and `eval.json` of the training
run, and `decoding.json` of `engine.training.evaluate`, which may be missing.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import cast

_FOLDER = Path(__file__).parents[1] / "embedded"
CARD_FILE = "MODEL_CARD.md"
_Record = Mapping[str, object]

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
Whole dialogues exact, every word: unseen instances of the generator, most likely token at each
position given the right text before it (on the training machine).

{teacher}
{decoded}
## How it was made
| | |
|---|---|
| command | `{command}` |
| seed | {seed} |
| started from | {init} |
| steps, tokens | {steps:,} of {rows} rows of {positions}; {tokens:,} |
| training time | {elapsed_s} s on {device}, torch {torch}, Python {python} |
| data | `engine/training/dialogues` and `engine/training/phrases`, digest `{generator_digest}` |
| first rows | digest `{rows_digest}` |
| tokenizer | 4,096 pieces, digest `{tokenizer_digest}` |
| weights | MXFP4 experts, bfloat16 otherwise, digest `{weights_digest}` |

`training.json` holds the schedule in steps; `--schedule training.json` repeats the run step for
step (bits depend on the device). All training text is generated; no text of a person or client was
used. The recipe is in `engine/training/DESIGN.md`.

## Licence
Apache-2.0, as the rest of this repository.
"""

_DECODED = """\

Decoded greedily on a CPU through the engine, {grammar} grammars. Right means calls, arguments and
outcome; all means the answer's words as well. Generated sets demand every character; hand-written
ones ignore case, articles and closing punctuation.

{table}
"""


def _table(header: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _share(share: object) -> tuple[object, object]:
    found = cast("_Record", share)
    return found["n"], found["exact_pct"]


def _teacher(report: _Record) -> str:
    rows: list[tuple[object, ...]] = []
    for name, found in report.items():
        parts = cast("_Record", found)
        rows.append((name, "all", *_share(parts["all"])))
        kinds = cast("_Record", parts["kind"])
        rows += [(name, kind.replace("_", " "), *_share(kinds[kind])) for kind in kinds]
    return _table(("tool lists", "kind", "n", "exact %"), rows)


def _decoded(report: _Record) -> str:
    rows: list[tuple[object, ...]] = []
    for name, found in cast("_Record", report["sets"]).items():
        parts = cast("_Record", found)
        num, all_pct = _share(parts["all"])
        right_pct = _share(parts["calls_and_outcome"])[1]
        rows.append((name, num, right_pct, all_pct, parts["seconds_per_question"]))
    return _DECODED.format(
        grammar="under the service's" if report["grammar"] else "without any",
        table=_table(("set", "n", "right %", "all %", "s a question"), rows),
    )


def render_card(training: _Record, teacher: _Record, decoding: _Record | None) -> str:
    """The card's text.

    Args:
        training: Contents of `training.json`.
        teacher: Contents of `eval.json`.
        decoding: Contents of `decoding.json`, if it was made.

    Raises:
        ValueError: The decoding is of other weights.
    """
    if decoding is not None and decoding["weights_digest"] != training["weights_digest"]:
        raise ValueError(
            f"decoding.json: expected weights {training['weights_digest']}, "
            f"got {decoding['weights_digest']}"
        )
    recipe = cast("_Record", training["recipe"])
    init = training["init"]
    fields = {
        **training,
        "parameters": cast("int", training["parameters"]) / 1e6,
        "command": shlex.join(cast("list[str]", training["command"])),
        "init": f"a release with weights `{init}`" if init else "random weights",
        "rows": recipe["batch_rows"],
        "positions": recipe["num_positions"],
        "teacher": _teacher(teacher),
        "decoded": _decoded(decoding) if decoding is not None else "",
    }
    return _TEMPLATE.format(**fields)


def write_card(folder: Path) -> None:
    """Writes the card of the release in a folder from its records."""

    def read(name: str) -> _Record:
        return cast("_Record", json.loads((folder / name).read_text(encoding="utf-8")))

    decoding = read("decoding.json") if (folder / "decoding.json").exists() else None
    text = render_card(read("training.json"), read("eval.json"), decoding)
    (folder / CARD_FILE).write_text(text, encoding="utf-8")


def main() -> None:
    """Writes the card of the release in the folder named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=_FOLDER)
    write_card(parser.parse_args().folder)


if __name__ == "__main__":
    main()
