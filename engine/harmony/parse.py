"""Assistant turns from token ids, in one piece: total, whatever a model writes.

The reading itself, and its rules, are in `engine.harmony.stream`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.harmony.arguments import ArgumentsCheck
from engine.harmony.stream import TurnStream
from engine.harmony.turn import Turn
from engine.tokenizer import Tokenizer


def parse_turn(
    token_ids: Sequence[int],
    tokenizer: Tokenizer,
    declared_tools: Collection[str],
    *,
    check: ArgumentsCheck | None = None,
) -> Turn:
    """Parse what a model generated after `<|start|>assistant`.

    Args:
        token_ids: Generated ids, with the stop token if one was met. Any integers.
        tokenizer: Vocabulary of the ids.
        declared_tools: Names of the tools that may be called, without namespace.
        check: Whether arguments satisfy the schema of a tool; every JSON object does without it.
    """
    stream = TurnStream(tokenizer, declared_tools, check=check)
    stream.take(token_ids)
    stream.end()
    return stream.turn
