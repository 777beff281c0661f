"""Tables of published figures, written as words."""

Row = tuple[str | None, ...]


def table(text: str) -> tuple[Row, ...]:
    """Rows of a table; a dash stands for nothing."""
    lines = text.strip().splitlines()
    return tuple(tuple(None if word == "-" else word for word in line.split()) for line in lines)
