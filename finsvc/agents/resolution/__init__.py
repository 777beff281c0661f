"""From argument spans to calculator inputs: one function a tool, no guessing."""
