from functools import cache

import numpy as np
import pytest

from engine.errors import TokenMaskError
from engine.grammar import (
    AgentTurnGrammar,
    ArgumentGrammar,
    GrammarEngine,
    GrammarError,
    GrammarMask,
    ToolGrammar,
    TurnRules,
)
from engine.harmony.messages import ToolSpec
from tests.engine.agent_tools import agent_tools
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream

QUESTION = (
    'What is the 99% 10-day VaR of the "sample book", or of 10,000 Apple shares on 2022-06-30? '
    "Use $5m, 97.5 percent, equities -20% and <|end|> A/B\\C.\nBook: caf\u00e9 \u0663\tx"
)
REFERENCES = ("[[c1.subject]]", "[[c1.var|USD|0]]", "[[c2.limits]]")


@cache
def engine() -> GrammarEngine:
    return GrammarEngine(small_tokenizer())


def turn(question: str = QUESTION, rules: TurnRules | None = None) -> AgentTurnGrammar:
    return engine().agent_turn(
        agent_tools(), span_source=question, references=REFERENCES, rules=rules
    )


def is_allowed(mask: GrammarMask, token_id: int) -> bool:
    return bool(int(mask.bitmask()[token_id // 32]) >> (token_id % 32) & 1)


def accepted(text: str, grammar: AgentTurnGrammar | None = None) -> bool:
    """Whether every token of a spelled-out turn is allowed and the turn is then complete."""
    mask = engine().mask((grammar or turn()).lark)
    for token_id in stream(text, small_tokenizer()):
        if not is_allowed(mask, token_id):
            return False
        mask.accept(token_id)
    return mask.is_complete


def call(name: str, arguments: str) -> str:
    return (
        f"<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{arguments}<|call|>"
    )


def final(text: str) -> str:
    return f"<|channel|>final<|message|>{text}<|return|>"


ALLOWED_CALLS = {
    "value_at_risk": (
        '{"portfolio":"sample book","confidence":"99%"}',
        '{"portfolio":"sample book","confidence":"99%","horizon":"10-day"}',
        '{"portfolio":"10,000 Apple shares","as_of":"2022-06-30"}',
        '{"portfolio":"\\"sample book\\"","confidence":"97.5 percent"}',
        '{"portfolio":"caf\u00e9 \u0663"}',
        '{"portfolio":"A/B\\\\C."}',
    ),
    "stress_test": ('{"portfolio":"sample book","scenario":"equities -20%"}',),
    "convert_currency": ('{"amount":"5m","from":"$","to":"Apple"}',),
    "drawdown": ('{"instrument":"Apple","end":"2022-06-30"}',),
    "listing": ("{}", '{"order":"Apple"}', '{"filter":"Apple","order":"book"}'),
    "clock": ("{}",),
}


@pytest.mark.parametrize(
    ("name", "arguments"), [(name, text) for name, texts in ALLOWED_CALLS.items() for text in texts]
)
def test_call_with_spans_in_schema_order_is_allowed(name: str, arguments: str) -> None:
    assert accepted(call(name, arguments))


REFUSED_CALLS = {
    "value_at_risk": (
        "{}",
        '{"confidence":"99%"}',
        '{"confidence":"99%","portfolio":"sample book"}',
        '{"portfolio":""}',
        '{"portfolio":" "}',
        '{"portfolio":" sample book"}',
        '{"portfolio":"sample book "}',
        '{"portfolio":"sample boo"}',
        '{"portfolio":"ample book"}',
        '{"portfolio":"sample"book"}',
        '{"portfolio":"demo book"}',
        '{"portfolio": "sample book"}',
        '{"portfolio":"sample book","color":"99%"}',
        '{"portfolio":"sample book","confidence":"9%"}',
        '{"portfolio":"sample book","confidence":"99"}',
        '{"portfolio":"000 Apple shares"}',
        '{"portfolio":"10,000 Apple shares","as_of":"2022"}',
        '{"portfolio":"5"}',
        '{"portfolio":"20%"}',
        '{"portfolio":"<|end|>"}',
        '{"portfolio":"C.\\nBook"}',
        '{"portfolio":"\u0663\\tx"}',
    ),
    "exec": ('{"portfolio":"sample book"}',),
    "clock": ('{"filter":"Apple"}',),
}


@pytest.mark.parametrize(
    ("name", "arguments"), [(name, text) for name, texts in REFUSED_CALLS.items() for text in texts]
)
def test_call_with_anything_but_whole_spans_is_refused(name: str, arguments: str) -> None:
    assert not accepted(call(name, arguments))


@pytest.mark.parametrize(
    "text",
    [
        "The value at risk of [[c1.subject]] is [[c1.var|USD|0]].",
        "The limit check of [[c1.subject]] shows [[c2.limits]]: [[c2.limits]].",
        "[[c1.subject]] closed at [[c1.var|USD|0]]\non (2022-06-30).",
        "None of my tools can answer this.",
        "Which book or position do you mean?",
        'Is it "10-day", 99% or 10,000?',
        "caf\u00e9 \u4f60\u597d",
        "-20%",
    ],
)
def test_answer_of_words_references_and_quoted_numerals_is_allowed(text: str) -> None:
    assert accepted(final(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " It is.",
        "It is 5.",
        "It is \u0665.",
        "It is \u2167.",
        "It is \u00bd.",
        "It is \u2461.",
        "It is \u4e94.",
        "It is \u3007.",
        "It is \U0001f51f.",
        "[[c9.var|USD|0]]",
        "[[c1.var|USD|2]]",
        "[[c1.subject]",
        "[c1.subject]",
        "a | b",
        "<|end|>",
        "-10-day",
        "x10-day",
        "10-days",
        "99%%",
        "99%10-day",
        "99%.10-day",
        "$[[c1.var|USD|0]]",
        "-[[c1.var|USD|0]]",
        "[[c1.var|USD|0]]%",
        "[[c1.var|USD|0]][[c1.var|USD|0]]",
        "[[c1.var|USD|0]].[[c1.var|USD|0]]",
        "a\tb",
        "a\rb",
        "a\u200bb",
        "a\u202eb",
        "a\u2028b",
    ],
)
def test_answer_with_an_own_numeral_bracket_or_control_is_refused(text: str) -> None:
    assert not accepted(final(text))


@pytest.mark.parametrize(
    "text",
    [
        "<|channel|>analysis<|message|>x<|end|><|start|>assistant" + final("Yes."),
        "<|channel|>commentary<|message|>Yes.<|return|>",
        "<|message|>Yes.<|return|>",
        "<|channel|>final<|message|>Yes.<|call|>",
        "<|channel|>final<|message|>Yes.",
        call("price", '{"instrument":"Apple"}').replace(" <|constrain|>", "<|constrain|>"),
        call("price", '{"instrument":"Apple"}').replace("commentary", "analysis"),
    ],
)
def test_turn_of_another_shape_is_refused(text: str) -> None:
    assert not accepted(text)


def test_analysis_is_allowed_where_the_rules_say_so() -> None:
    rules = TurnRules(allow_analysis=True)
    prefix = "<|channel|>analysis<|message|>5 < 6 [x]<|end|><|start|>assistant"
    assert accepted(prefix + final("Yes."), turn(rules=rules))
    assert accepted(final("Yes."), turn(rules=rules))
    assert not accepted(prefix + prefix + final("Yes."), turn(rules=rules))


def test_rules_restrict_the_kind_of_turn() -> None:
    price = call("price", '{"instrument":"Apple"}')
    only_answer, only_calls = TurnRules(allow_calls=False), TurnRules(allow_answer=False)
    assert not accepted(price, turn(rules=only_answer))
    assert accepted(final("Yes."), turn(rules=only_answer))
    assert accepted(price, turn(rules=only_calls))
    assert not accepted(final("Yes."), turn(rules=only_calls))


@pytest.mark.parametrize("question", ["", "  ", "\n\t", "<|", "\x00\x1b"])
def test_question_without_a_span_allows_only_an_answer(question: str) -> None:
    grammar = turn(question)
    assert not accepted("<|channel|>commentary to=functions.clock ", grammar)
    assert accepted(final("Which book or position do you mean?"), grammar)
    with pytest.raises(GrammarError, match="no call that can be written"):
        turn(question, TurnRules(allow_answer=False))


def test_budget_ends_the_answer_as_soon_as_it_may() -> None:
    tokenizer = small_tokenizer()
    mask = engine().mask(turn(rules=TurnRules(answer_tokens_max=5)).lark)
    for token_id in stream("<|channel|>final<|message|>The ", tokenizer):
        mask.accept(token_id)
    assert np.flatnonzero(
        np.unpackbits(mask.bitmask().view(np.uint8), bitorder="little")
    ).tolist() == [tokenizer.special_id("<|return|>")]
    unbound = engine().mask(turn().lark.partition("\n")[2])
    for token_id in stream("<|channel|>final<|message|>The ", tokenizer):
        unbound.accept(token_id)
    assert is_allowed(unbound, tokenizer.encode("value")[0])


def test_mask_is_recreated_from_the_lark_text_alone() -> None:
    grammar = turn()
    assert grammar.lark.isascii()
    assert grammar == turn()
    first, second = engine().mask(grammar.lark), GrammarEngine(small_tokenizer()).mask(grammar.lark)
    for token_id in stream(call("price", '{"instrument":"Apple"}'), small_tokenizer()):
        assert np.array_equal(first.bitmask(), second.bitmask())
        first.accept(token_id)
        second.accept(token_id)


@pytest.mark.parametrize("vocab_size", [512, 1000, 1024])
def test_mask_has_the_width_of_the_model(vocab_size: int) -> None:
    wide = GrammarEngine(small_tokenizer(), vocab_size=vocab_size)
    words = wide.mask(turn().lark).bitmask()
    assert words.shape == ((vocab_size + 31) // 32,)
    assert words.dtype == np.uint32


def test_mask_token_that_is_not_allowed_is_refused() -> None:
    mask = engine().mask(turn().lark)
    mask.accept(small_tokenizer().special_id("<|channel|>"))
    with pytest.raises(TokenMaskError, match="position 1"):
        mask.accept(small_tokenizer().special_id("<|end|>"))


@pytest.mark.parametrize("lark", ["", "start: (", "start: missing", "start: <|nothing|>"])
def test_mask_of_an_invalid_grammar_is_refused(lark: str) -> None:
    with pytest.raises(GrammarError, match="lark: expected a valid grammar"):
        engine().mask(lark)


def advance(mask: GrammarMask, token_id: int, times: int) -> None:
    for _ in range(times):
        mask.bitmask()
        mask.accept(token_id)


def test_mask_of_a_grammar_too_large_is_refused() -> None:
    word = "".join(chr(0x100 + i * 7919 % 5_000) for i in range(8_000))
    mask = engine().mask(f'start: RUN\nRUN: %regex {{"substring_chars": "{word}"}} & /(?s:.)*x.*/')
    with pytest.raises(GrammarError, match="within its bounds"):
        advance(mask, small_tokenizer().encode(word[1])[0], times=1)
    with pytest.raises(GrammarError, match="within its bounds"):
        mask.bitmask()


@pytest.mark.parametrize(
    "reference", ["c1.var", "[[]]", "[[a b]]", "[[a]]x", "[[a]][[b]]", "[[\u00e9]]", "[[a\n]]"]
)
def test_reference_malformed_is_refused(reference: str) -> None:
    with pytest.raises(GrammarError, match="references"):
        engine().agent_turn((), span_source="x", references=(reference,))


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a\nb", "\u00e9", "x" * 65])
def test_name_malformed_is_refused(name: str) -> None:
    argument = ArgumentGrammar(name=name, is_required=True)
    for tool in (
        ToolGrammar(name=name, arguments=()),
        ToolGrammar(name="f", arguments=(argument,)),
    ):
        with pytest.raises(GrammarError, match="letters, digits"):
            engine().agent_turn((tool,), span_source="x", references=())


def test_tool_grammar_follows_the_declared_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"b": {"type": "string"}, "a": {"type": "string"}},
        "required": ["a"],
    }
    tool = ToolGrammar.from_spec(ToolSpec(name="f", description="", parameters=schema))
    assert [(a.name, a.is_required) for a in tool.arguments] == [("b", False), ("a", True)]
    assert ToolGrammar.from_spec(ToolSpec(name="f", description="")).arguments == ()


def test_tool_grammar_of_other_types_is_refused() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "number"}}}
    with pytest.raises(GrammarError, match=r"f\.n: expected type string"):
        ToolGrammar.from_spec(ToolSpec(name="f", description="", parameters=schema))


def test_mask_of_a_wider_output_is_the_same_mask() -> None:
    wide = GrammarEngine(small_tokenizer(), vocab_size=32_768)
    narrow, mask = engine().mask(turn().lark), wide.mask(turn().lark)
    token_ids = stream(final("The price of [[c1.subject]] is 10-day."), small_tokenizer())
    for token_id in token_ids:
        expected = narrow.bitmask()
        words = mask.bitmask()
        assert np.array_equal(words[: expected.size], expected)
        assert not words[expected.size :].any()
        assert np.array_equal(mask.bitmask(), words)
        assert not mask.is_complete
        narrow.accept(token_id)
        mask.accept(token_id)
    assert mask.is_complete
    with pytest.raises(TokenMaskError, match="position"):
        mask.accept(token_ids[0])
