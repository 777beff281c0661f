"""Training of the embedded model from scratch; see DESIGN.md."""
