"""Phrase tables of a second author: JSON lines in `engine/training/phrases`.

One object a line: `{"intent": NAME, "text": TEMPLATE}`; `{"intents": [..], "text": ..}` for
several calls; `{"intent": "decline", "text": ..}`; `{"intent": "ask", "tool": NAME, "missing":
ARGUMENT, "text": ..}`. Slots are canonical arguments in braces, with an optional `:kind` and, for
several calls, a suffix `_1`, `_2`, `_3` that names the call. Square brackets are literal text
there, so they are taken out of frames rather than read as choices.
"""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from engine.training.dialogues.catalogue import INTENTS
from engine.training.dialogues.drafts import split_slot
from engine.training.dialogues.grammar import slots_of
from engine.training.dialogues.values import SAMPLERS

_FOLDER = Path(__file__).parents[1] / "phrases"


class Several(NamedTuple):
    """A frame for two or three calls."""

    intents: tuple[str, ...]
    text: str


class Ask(NamedTuple):
    """A frame of `tool` in which `missing` is missing."""

    tool: str
    missing: str
    text: str


class Tables(NamedTuple):
    """All frames of the second author."""

    single: dict[str, tuple[str, ...]]
    several: tuple[Several, ...]
    declines: tuple[str, ...]
    asks: tuple[Ask, ...]


def _is_usable(entry: dict[str, object], text: str) -> bool:
    """Whether a frame of one call holds all required arguments and no unknown slot."""
    slots = {split_slot(slot)[1] for slot in slots_of(text)}
    if not slots <= SAMPLERS.keys():
        return False
    intent = INTENTS.get(str(entry.get("intent")))
    if intent is None:
        return True
    required = {item.name for item in intent.arguments if item.required}
    return required <= slots <= {item.name for item in intent.arguments}


@cache
def tables() -> Tables:
    """Reads the phrase files once, in the order of their names."""
    single: dict[str, list[str]] = {}
    several: list[Several] = []
    asks: list[Ask] = []
    for path in sorted(_FOLDER.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.strip():
                continue
            entry = json.loads(line)
            text = str(entry["text"])
            if "[" in text or "]" in text or not _is_usable(entry, text):
                continue
            if "intents" in entry:
                several.append(Several(tuple(entry["intents"]), text))
            elif entry["intent"] == "ask":
                asks.append(Ask(entry["tool"], entry["missing"], text))
            else:
                single.setdefault(entry["intent"], []).append(text)
    declines = tuple(single.pop("decline", ()))
    return Tables(
        {intent: tuple(texts) for intent, texts in single.items()},
        tuple(several),
        declines,
        tuple(asks),
    )


def frames(intent: str) -> tuple[str, ...]:
    """The frames of one intent; empty where the second author wrote none."""
    return tables().single.get(intent, ())
