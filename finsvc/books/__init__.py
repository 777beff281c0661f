"""Books: import, validation and storage of positions and limits."""
