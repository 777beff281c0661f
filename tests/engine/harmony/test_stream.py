import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from engine.harmony.parse import parse_turn
from engine.harmony.stream import TurnStream
from engine.harmony.turn import CallMade, Delta, Repair, Repaired, TextKind, Turn, TurnEvent
from tests.engine.harmony.malformed import ARGUMENTS, CASES, Case
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream
from tests.engine.harmony.test_parse import EMPTY, FINALS, RECOVERED_CALLS, REFUSED_CALLS

TOOLS = ("price", "rate", "value_at_risk")
TEXTS = (
    *(case.text for case in CASES.values()),
    *EMPTY,
    *FINALS,
    *RECOVERED_CALLS,
    *(text for text in REFUSED_CALLS if len(text) < 1_000),
)


def turn_of(events: Sequence[TurnEvent], turn: Turn) -> Turn:
    """Return what the events alone say; joined deltas cannot tell an empty text from none."""
    kinds = {
        kind: "".join(e.text for e in events if isinstance(e, Delta) and e.kind is kind)
        for kind in TextKind
    }
    calls = tuple(e.call for e in events if isinstance(e, CallMade))
    final = kinds[TextKind.FINAL] if turn.final is not None else None
    preamble: str | None = kinds[TextKind.PREAMBLE]
    if calls and kinds[TextKind.FINAL]:
        shown = dict.fromkeys(
            e.kind for e in events if isinstance(e, Delta) and e.kind is not TextKind.ANALYSIS
        )
        preamble = "\n".join(kinds[kind] for kind in shown)
    return Turn(
        calls=calls,
        final=final,
        analysis=kinds[TextKind.ANALYSIS] or None,
        preamble=preamble or None,
        repairs=tuple(e.repair for e in events if isinstance(e, Repaired)),
        reasoning_tokens=turn.reasoning_tokens,
    )


def streamed(pieces: Sequence[Sequence[int]]) -> tuple[list[TurnEvent], Turn]:
    reader = TurnStream(small_tokenizer(), TOOLS)
    events = [event for piece in pieces for event in reader.take(piece)]
    events += reader.end()
    return events, reader.turn


def cuts(token_ids: list[int]) -> list[list[list[int]]]:
    """Return every cut in two, single tokens, all at once and some random cuts."""
    rng = random.Random(len(token_ids))
    found = [[token_ids[:i], token_ids[i:]] for i in range(len(token_ids) + 1)]
    found.append([[token_id] for token_id in token_ids])
    for _ in range(5):
        places = sorted(rng.randint(0, len(token_ids)) for _ in range(4))
        bounds = [0, *places, len(token_ids)]
        found.append([token_ids[a:b] for a, b in pairwise(bounds)])
    return found


@pytest.mark.parametrize("name", CASES)
def test_stream_known_malformed_form_has_its_pinned_outcome(name: str) -> None:
    case: Case = CASES[name]
    tokenizer = small_tokenizer()
    turn = parse_turn(stream(case.text, tokenizer), tokenizer, TOOLS)
    assert tuple(call.name for call in turn.calls) == case.calls
    assert all(call.arguments == ARGUMENTS for call in turn.calls)
    assert (turn.final, turn.preamble, turn.analysis) == (case.final, case.preamble, case.analysis)
    assert turn.repairs == case.repairs


@pytest.mark.parametrize("text", TEXTS)
def test_stream_agrees_with_the_whole_for_every_split(text: str) -> None:
    tokenizer = small_tokenizer()
    token_ids = stream(text, tokenizer)
    whole = parse_turn(token_ids, tokenizer, TOOLS)
    positions = None
    for pieces in cuts(token_ids):
        events, turn = streamed(pieces)
        assert turn == whole
        assert turn_of(events, turn) == whole
        repaired = [event for event in events if isinstance(event, Repaired)]
        assert positions in (None, repaired)
        positions = repaired


def test_stream_emits_each_token_as_it_comes() -> None:
    tokenizer = small_tokenizer()
    reader = TurnStream(tokenizer, TOOLS)
    head = stream("<|channel|>final<|message|>", tokenizer)
    assert reader.take(head) == []
    for token_id in tokenizer.encode("The price of books"):
        text = tokenizer.decode([token_id])
        assert reader.take([token_id]) == [Delta(kind=TextKind.FINAL, text=text)]
        assert reader.is_in_final
    assert reader.take([tokenizer.special_id("<|return|>")]) == []
    assert not reader.is_in_final
    assert reader.end() == []


def test_stream_repair_tells_the_token_at_which_it_was_seen() -> None:
    tokenizer = small_tokenizer()
    token_ids = stream("<|channel|>final<|message|><|message|><|message|>", tokenizer)
    events, _ = streamed([token_ids])
    first = token_ids.index(tokenizer.special_id("<|message|>")) + 1
    assert events == [
        Repaired(repair=Repair.DOUBLED_MESSAGE, position=first),
        Repaired(repair=Repair.TRUNCATED, position=len(token_ids)),
    ]


def test_stream_split_character_waits_for_its_last_byte() -> None:
    tokenizer = small_tokenizer()
    reader = TurnStream(tokenizer, TOOLS)
    reader.take(stream("<|channel|>analysis<|message|>", tokenizer))
    euro = tokenizer.encode("\u20ac")
    assert len(euro) > 1
    assert [reader.take([token_id]) for token_id in euro[:-1]] == [[]] * (len(euro) - 1)
    assert reader.take(euro[-1:]) == [Delta(kind=TextKind.ANALYSIS, text="\u20ac")]
    assert reader.turn.reasoning_tokens == len(euro)
