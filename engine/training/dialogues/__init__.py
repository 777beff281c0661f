"""Synthetic training dialogues as a pure function of (seed, index); see DESIGN.md."""

from engine.training.dialogues.generator import canonical_row, row
from engine.training.dialogues.types import Agent, Dialogue, Kind, Row, Step

__all__ = ["Agent", "Dialogue", "Kind", "Row", "Step", "canonical_row", "row"]
