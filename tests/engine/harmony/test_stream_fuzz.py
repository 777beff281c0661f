"""Random and mutated token streams: no exception, no leak, and the same for every cut.

What may be shown is decided here by a second, cruder reading: visible text must stand behind a
channel token whose first word is `final` or `commentary`, in order.
"""

import random
import re
from functools import cache

import pytest

from engine.harmony.messages import ControlToken
from engine.harmony.stream import TurnStream
from engine.harmony.turn import Delta, TextKind
from tests.engine.harmony.malformed import CASES
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream

TOOLS = frozenset({"price", "rate"})
_SPELLING = re.compile(r"<\|[A-Za-z0-9_]+\|>")
_SECRET = "value"
_PIECES = (
    *(token.value for token in ControlToken),
    "<|endoftext|>",
    "assistant",
    "user",
    "functions.price to=assistant",
    "analysis",
    "commentary",
    "final",
    " to=functions.price",
    " to=functions.rm",
    " json",
    " ",
    '{"s":"KO"}',
    '{"s":',
    "Hello.",
    f"the {_SECRET} is",
    "<",
    "|>",
    "end",
    "\u00e9\u20ac",
)


@cache
def seeds() -> tuple[tuple[int, ...], ...]:
    """Return the streams to mutate: every known form, with reasoning that holds a secret."""
    tokenizer = small_tokenizer()
    think = f"<|channel|>analysis<|message|>the {_SECRET} is<|end|><|start|>assistant"
    return tuple(
        tuple(stream(head + case.text, tokenizer))
        for case in CASES.values()
        for head in ("", think)
    )


@cache
def pieces() -> tuple[tuple[int, ...], ...]:
    """Return pieces as streams and, for control tokens, also spelled as plain text."""
    tokenizer = small_tokenizer()
    spelled = [tuple(tokenizer.encode(token.value)) for token in ControlToken]
    return (*(tuple(stream(piece, tokenizer)) for piece in _PIECES), *spelled)


def random_stream(rng: random.Random) -> list[int]:
    """Return random ids, shuffled pieces, or a known form mutated in up to four places."""
    way = rng.randrange(8)
    if way == 0:
        return [rng.randint(-2, 520) for _ in range(rng.randint(0, 30))]
    if way < 3:
        return [i for _ in range(rng.randint(0, 14)) for i in rng.choice(pieces())]
    token_ids = list(rng.choice(seeds()))
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(token_ids))
        match rng.randrange(5):
            case 0:
                del token_ids[at : at + rng.randint(1, 3)]
            case 1:
                token_ids[at:at] = rng.choice(pieces())
            case 2:
                token_ids[at : at + 1] = [rng.randint(0, 520)]
            case 3:
                del token_ids[at:]
            case _:
                other = rng.choice(seeds())
                token_ids[at:] = other[rng.randint(0, len(other)) :]
    return token_ids


def showable(token_ids: list[int]) -> str:
    """Return the text that may be shown at most, in order."""
    tokenizer = small_tokenizer()
    special = {token_id: name for name, token_id in tokenizer.special_ids.items()}
    table = tokenizer.token_bytes
    found: list[bytes] = []
    section: bytes | None = None
    for token_id in token_ids:
        name = special.get(token_id)
        if name == "<|channel|>":
            section = b""
        elif name in ("<|start|>", "<|end|>", "<|call|>", "<|return|>"):
            section = None
        elif name is None and section is not None and 0 <= token_id < len(table):
            data = table[token_id] or b""
            section += data
            word = section.decode("utf-8", "replace").lstrip()
            if word.startswith(("final", "commentary")):
                found.append(data)
    return b"".join(found).decode("utf-8", "replace")


def is_subsequence(text: str, of: str) -> bool:
    rest = iter(of)
    return all(character in rest for character in text)


def check(token_ids: list[int], rng: random.Random) -> None:
    whole = TurnStream(small_tokenizer(), TOOLS)
    events = [*whole.take(token_ids), *whole.end()]
    turn = whole.turn
    cut = TurnStream(small_tokenizer(), TOOLS)
    at, parts = 0, []
    while at < len(token_ids):
        size = rng.randint(1, 4)
        parts += cut.take(token_ids[at : at + size])
        at += size
    parts += cut.end()
    assert cut.turn == turn
    for kind in TextKind:
        joined = [
            "".join(e.text for e in es if isinstance(e, Delta) and e.kind is kind)
            for es in (events, parts)
        ]
        assert joined[0] == joined[1]
    assert [e for e in events if not isinstance(e, Delta)] == [
        e for e in parts if not isinstance(e, Delta)
    ]
    fields = [turn.final, turn.analysis, turn.preamble]
    fields += [text for call in turn.calls for text in (call.name, call.arguments)]
    assert not any(_SPELLING.search(field) for field in fields if field)
    assert all(call.name in TOOLS for call in turn.calls)
    assert not (turn.calls and turn.final is not None)
    shown = "".join(e.text for e in events if isinstance(e, Delta) and e.kind != "analysis")
    limit = showable(token_ids)
    # White space sets messages off and stands for tokens of a header; half characters are U+FFFD.
    assert is_subsequence(re.sub(r"[\s\ufffd]", "", shown), limit)
    if _SECRET not in limit:
        assert _SECRET not in shown


@pytest.mark.parametrize("num_streams", [10_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_stream_of_random_and_mutated_tokens_neither_raises_nor_leaks(num_streams: int) -> None:
    for seed in range(num_streams):
        rng = random.Random(seed)
        token_ids = random_stream(rng)
        try:
            check(token_ids, rng)
        except AssertionError:
            pytest.fail(f"seed {seed}: {token_ids}")
