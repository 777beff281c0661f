import random
from functools import cache

import numpy as np
import pytest

from engine.grammar import GrammarEngine, GrammarMask
from engine.grammar_states import AnswerStates
from engine.grammar_turn import CompletionRules, completion_lark
from tests.engine.agent_tools import agent_tools
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream
from tests.engine.test_grammar_properties import NASTY, REFERENCES

QUESTION = "What is the 99% 10-day VaR of 10 or Q3 10,000 (5) shares?"


@cache
def engine() -> GrammarEngine:
    return GrammarEngine(small_tokenizer())


def lark_of(question: str, references: tuple[str, ...] = REFERENCES) -> str:
    return engine().agent_turn(agent_tools(), span_source=question, references=references).lark


def states_of(lark: str) -> AnswerStates | None:
    tokenizer = small_tokenizer()
    return AnswerStates.of_lark(lark, tokenizer.token_bytes, tokenizer.special_ids)


def plain(mask: GrammarMask) -> GrammarMask:
    """Return the same mask with no state named."""
    mask._states = None
    return mask


def check_walk(question: str, seed: int) -> int:
    """Compare kept masks with fresh ones along a random answer; return how many were kept."""
    tokenizer, rng = small_tokenizer(), random.Random(seed)
    lark = lark_of(question)
    kept, fresh = engine().mask(lark), plain(engine().mask(lark))
    num_kept = 0
    text = stream("<|channel|>final<|message|>", tokenizer)
    liked = [
        i for part in (" ", "the ", *question.split(), *REFERENCES) for i in tokenizer.encode(part)
    ]
    for step in range(60):
        states = kept._states
        if states is not None and states.name in kept._kept:
            num_kept += 1
        words = fresh.bitmask()
        assert np.array_equal(kept.bitmask(), words), (question, seed, step)
        bits = np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little")).tolist()
        allowed = set(bits)
        found = [i for i in liked if i in allowed]
        if step < len(text):
            token_id = text[step]
        else:
            token_id = int(rng.choice(found if found and rng.random() < 0.6 else bits))
        kept.accept(token_id)
        fresh.accept(token_id)
        if kept.is_complete:
            break
    return num_kept


@pytest.mark.parametrize("num_walks", [3, pytest.param(150, marks=pytest.mark.slow)])
@pytest.mark.parametrize("question", [QUESTION, *NASTY])
def test_states_kept_masks_are_those_computed_anew(question: str, num_walks: int) -> None:
    num_kept = sum(check_walk(question, seed) for seed in range(num_walks))
    if question == QUESTION:
        assert num_kept > num_walks


def test_states_have_names_within_an_answer_alone() -> None:
    tokenizer = small_tokenizer()
    states = states_of(lark_of(QUESTION))
    assert states is not None
    names = []
    for token_id in stream("<|channel|>final<|message|>", tokenizer):
        names.append(states.name)
        states.advance(token_id)
    assert set(names) == {None}
    assert states.name == b"begin"
    for text, name in {
        "The": b"inside",
        " ": b"after ",
        "10": b"after 10",
        "-": b"after 10-",
        "day": b"after 10-day",
        ",": b"inside",
        ' "': b"after ",
        "va": b"inside",
        "\u201c": b"after ",
    }.items():
        for token_id in tokenizer.encode(text):
            states.advance(token_id)
        assert states.name == name, text
    states.advance(tokenizer.vocab_size + 5)
    assert states.name == b"after "


def test_states_of_an_incomplete_character_are_not_confused() -> None:
    tokenizer = small_tokenizer()
    states = states_of(lark_of(QUESTION))
    assert states is not None
    for token_id in stream("<|channel|>final<|message|>", tokenizer):
        states.advance(token_id)
    first, second, *_ = tokenizer.encode("\u20ac")
    states.advance(first)
    one = states.name
    states.advance(second)
    assert one is not None
    assert one != states.name != b"inside"


def test_states_of_reasoning_have_no_name() -> None:
    tokenizer = small_tokenizer()
    states = states_of(lark_of(QUESTION))
    assert states is not None
    for token_id in stream("<|channel|>analysis<|message|>five", tokenizer):
        states.advance(token_id)
    assert states.name is None


def test_states_of_other_grammars_are_unknown() -> None:
    assert states_of(completion_lark(CompletionRules())) is None
    assert states_of("start: /a*/\n") is None
    assert states_of(lark_of("Is it 5'10 or f(5)?")) is None
    assert states_of(lark_of("Which?", ())) is not None
