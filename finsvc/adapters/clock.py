"""The system clock and random identifiers."""

import secrets
from datetime import UTC, datetime


class SystemClock:
    """Implements the services' clock with the machine's UTC clock."""

    def now(self) -> datetime:
        """The current instant, UTC."""
        return datetime.now(UTC)

    def new_id(self, prefix: str) -> str:
        """``prefix_`` and 32 hexadecimal digits from the operating system's generator."""
        return f"{prefix}_{secrets.token_hex(16)}"
