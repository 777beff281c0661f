"""Token streams of a turn, written with control tokens spelled out, for tests."""

import re

from engine.tokenizer import Tokenizer

_CONTROL = re.compile(r"(<\|[a-z]+\|>)")


def stream(text: str, tokenizer: Tokenizer) -> list[int]:
    """Return the ids of a text in which every control spelling is the control token."""
    token_ids: list[int] = []
    for part in _CONTROL.split(text):
        if part in tokenizer.special_ids:
            token_ids.append(tokenizer.special_id(part))
        else:
            token_ids += tokenizer.encode(part)
    return token_ids
