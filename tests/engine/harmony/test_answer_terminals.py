import random
import re
from functools import cache

import numpy as np
import pytest
from llguidance import LLMatcher, LLTokenizer

from engine.grammar import GrammarEngine
from engine.harmony.answer_terminals import answer_slices, answer_terminals
from engine.harmony.spans import is_numeral
from tests.engine.agent_tools import agent_tools
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream
from tests.engine.test_grammar_properties import NASTY, REFERENCES

WORDS = ("10", "10-day", "99%", "[[c1.var|USD|0]]", "5'10", "f(5)")
LETTERS = (*WORDS, *"ab.,;:?!) \n\"'(-1|[]", "\u201c", "\u2019", "\u00a0", "\u4e94", "\u20ac", "\t")
AFTER = set(",.;:?!)\u201d\u2019 \n\"'")
BEFORE = set(" \n\"'(\u201c\u2018")
BOTH = set(" \n\"'")


def is_answer(text: str, words: tuple[str, ...]) -> bool:
    """Decide by three states, not by the expression under test: free, inside, after a word."""
    if not text or text[0].isspace():
        return False
    states = {(0, "free")}
    for at in range(len(text) + 1):
        for state in [state for place, state in states if place == at]:
            if at == len(text):
                return True
            if (state != "after" or text[at] in AFTER) and is_plain(text[at]):
                is_free = text[at] in (BOTH if state == "after" else BEFORE)
                states.add((at + 1, "free" if is_free else "inside"))
            if state == "free":
                states |= {(at + len(w), "after") for w in words if text.startswith(w, at)}
    return False


def is_plain(character: str) -> bool:
    if character == "\n":
        return True
    return character.isprintable() | (character == "\u00a0") and not (
        is_numeral(character) or character in "[]|"
    )


@cache
def byte_table() -> LLTokenizer:
    return LLTokenizer("byte")


def accepts(matcher: LLMatcher, text: str) -> bool:
    matcher.reset()
    tokens = list(text.encode())
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


@pytest.mark.parametrize("words", [WORDS, WORDS[:1], ()])
@pytest.mark.parametrize("num_texts", [150, pytest.param(5_000, marks=pytest.mark.slow)])
def test_answer_is_what_the_three_states_allow(words: tuple[str, ...], num_texts: int) -> None:
    lark = "\n".join(["start: ANSWER", *answer_terminals(words)]) + "\n"
    matcher = LLMatcher(byte_table(), LLMatcher.grammar_from_lark(lark), log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    rng = random.Random(len(words))
    counts = {True: 0, False: 0}
    for _ in range(num_texts):
        text = "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, 6)))
        is_accepted = accepts(matcher, text)
        counts[is_accepted] += 1
        assert is_accepted == is_answer(text, words), repr(text)
    assert min(counts.values()) > num_texts // 20


def two_tables() -> tuple[GrammarEngine, GrammarEngine]:
    """Return grammars with slices and without."""
    sliced, plain = GrammarEngine(small_tokenizer()), GrammarEngine(small_tokenizer())
    plain._answer_table = plain._table.with_slices([])
    return sliced, plain


@pytest.mark.parametrize("num_walks", [3, pytest.param(150, marks=pytest.mark.slow)])
@pytest.mark.parametrize("question", ["What is 10-day VaR of 10 or Q3 10,000 (5) at 99%?", *NASTY])
def test_slices_change_no_mask(question: str, num_walks: int) -> None:
    tokenizer = small_tokenizer()
    sliced, plain = two_tables()
    lark = sliced.agent_turn(agent_tools(), span_source=question, references=REFERENCES).lark
    others = range(tokenizer.vocab_size)
    head = stream("<|channel|>final<|message|>", tokenizer)
    parts = (" ", "the ", '"', *question.split(), *REFERENCES)
    liked = {i for part in parts for i in tokenizer.encode(part)}
    for seed in range(num_walks):
        rng = random.Random(seed)
        fast, slow = sliced.mask(lark), plain.mask(lark)
        for step in range(60):
            words = slow.bitmask()
            assert np.array_equal(fast.bitmask(), words), (seed, step)
            allowed = np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little"))
            found = sorted(liked.intersection(allowed.tolist()))
            for token_id in (*rng.choices(allowed.tolist(), k=3), *rng.choices(others, k=3)):
                is_allowed = bool(words[token_id // 32] >> np.uint32(token_id % 32) & 1)
                assert fast.allows(token_id) == is_allowed, (seed, step, token_id)
            choices = found if found and rng.random() < 0.6 else allowed.tolist()
            token_id = head[step] if step < len(head) else rng.choice(choices)
            fast.accept(token_id)
            slow.accept(token_id)
            if fast.is_complete:
                break


def test_slices_hold_the_plain_tokens_of_a_vocabulary() -> None:
    in_text, first, after = (re.compile(_python(rx)) for rx in answer_slices())
    for text, expected in {
        "The": (True, True, False),
        " value": (True, False, True),
        ", at": (True, True, True),
        '"so': (True, True, True),
        "\u201c": (True, True, False),
        "10": (False, False, False),
        "]]": (False, False, False),
        "\u4e94": (False, False, False),
    }.items():
        found = tuple(rx.fullmatch(text) is not None for rx in (in_text, first, after))
        assert found == expected, text


def _python(expression: str) -> str:
    """Write an expression of Rust's dialect in Python's."""
    for name, members in (("N", "0-9"), ("Z", " \u00a0")):
        expression = expression.replace(rf"\p{{{name}}}", members)
    expression = re.sub(r"\\p\{\w+\}", "", expression)
    return re.sub(r"\\x\{([0-9a-f]+)\}", lambda m: re.escape(chr(int(m[1], 16))), expression)
