import re

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.harmony.messages import ControlToken
from engine.harmony.parse import parse_turn
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream

TOOLS = ("price", "value_at_risk")
_SPELLING = re.compile(r"<\|\w+\|>")
_PIECES = (
    *(token.value for token in ControlToken),
    "<|endoftext|>",
    "assistant",
    "functions.price",
    "user",
    "analysis",
    "commentary",
    "final",
    " to=functions.price",
    " to=functions.x",
    " json",
    " ",
    '{"instrument":"KO"}',
    '{"a":',
    "Hello.",
    "\n",
)


def _check(token_ids: list[int]) -> None:
    turn = parse_turn(token_ids, small_tokenizer(), TOOLS)
    fields = [turn.final, turn.analysis, turn.preamble]
    fields += [text for call in turn.calls for text in (call.name, call.arguments)]
    assert not any(_SPELLING.search(field) for field in fields if field is not None)
    assert all(call.name in TOOLS for call in turn.calls)
    assert not (turn.calls and turn.final is not None)
    assert len(set(turn.repairs)) == len(turn.repairs)


@settings(max_examples=5_000, deadline=None)
@given(st.lists(st.integers(-2, small_tokenizer().vocab_size + 2), max_size=60))
def test_any_ids_parse_without_exception_or_control_spelling(token_ids: list[int]) -> None:
    _check(token_ids)


@settings(max_examples=5_000, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=14), st.booleans())
def test_shuffled_harmony_parses_without_exception_or_control_spelling(
    pieces: list[str], is_spelled: bool
) -> None:
    tokenizer = small_tokenizer()
    text = "".join(pieces)
    # Spelled: every control token arrives as ordinary text, behind a real header.
    header = stream("<|channel|>final<|message|>", tokenizer)
    _check([*header, *tokenizer.encode(text)] if is_spelled else stream(text, tokenizer))
