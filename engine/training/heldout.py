"""Rows of dialogues that no run is trained on, by the kind of their tool lists."""

from __future__ import annotations

from itertools import count, islice

from engine.training.dialogues import row
from engine.training.dialogues.types import Agent, Row
from engine.training.dialogues.views import canonical_views

# Far from the seeds of training runs.
HELD_OUT_SEED = 1_000_003

_CANONICAL_TOOLS = {
    tuple(view.spec.name for view in canonical_views(agent).values()) for agent in Agent
}


def is_canonical(source: Row) -> bool:
    """Whether the row's tool list is that of one of the service's agents."""
    return tuple(tool.name for tool in source.tools) in _CANONICAL_TOOLS


def held_out_rows(num: int, *, canonical: bool) -> list[Row]:
    """The first rows of the held-out seed whose tool lists are, or are not, canonical."""
    sources = (row(HELD_OUT_SEED, idx) for idx in count())
    return list(islice((source for source in sources if is_canonical(source) == canonical), num))
