"""Identifiers as distinct types, so that one cannot be passed for another."""

from typing import NewType

InstrumentId = NewType("InstrumentId", str)
"""Ticker of a stock or index in the snapshot, upper case: ``AAPL``, ``SPX``."""

CurrencyCode = NewType("CurrencyCode", str)
"""ISO 4217 alphabetic code, upper case: ``USD``."""

BookName = NewType("BookName", str)
"""Name of a book: lower-case letters, digits, ``-`` and ``_``."""

SnapshotDigest = NewType("SnapshotDigest", str)
"""``sha256:`` followed by 64 hexadecimal digits."""

CallId = NewType("CallId", str)
"""Identifier of a tool call inside one decision: ``c1``, ``c2`` …"""

DecisionId = NewType("DecisionId", str)
"""Identifier of a decision: ``dec_`` followed by 32 hexadecimal digits."""
