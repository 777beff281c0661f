"""Synthetic training dialogues as a pure function of (seed, index); see DESIGN.md."""
