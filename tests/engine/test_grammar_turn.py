import json
import random
from functools import cache

import jsonschema_rs
import numpy as np
import pytest

from engine.grammar import GrammarEngine, GrammarError
from engine.grammar_schema import SchemaError
from engine.grammar_turn import (
    TOOLS_MAX,
    CallableTool,
    CompletionRules,
    ToolUse,
    completion_lark,
)
from engine.harmony.parse import parse_turn
from engine.harmony.turn import Repair
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream

PRICE: dict[str, object] = {
    "type": "object",
    "properties": {
        "instrument": {"type": "string", "maxLength": 12},
        "kind": {"enum": ["bid", "ask"]},
        "weight": {"type": "number", "minimum": 0.9, "maximum": 0.999},
        "days": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        "when": {"type": "string", "format": "date"},
    },
    "required": ["instrument", "weight"],
    "additionalProperties": False,
}
ODD: dict[str, object] = {"type": "object", "not": {"required": ["a"]}}
TOOLS = (
    CallableTool(name="price", parameters=PRICE, is_strict=True),
    CallableTool(name="price_x", parameters=None),
    CallableTool(name="odd-1", parameters=ODD),
)
ANSWER: dict[str, object] = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "why": {"type": "string", "maxLength": 8}},
    "required": ["ok"],
    "additionalProperties": False,
}
GOOD = '{"instrument":"KO","weight":0.99}'


@cache
def engine() -> GrammarEngine:
    return GrammarEngine(small_tokenizer())


def accepted(text: str, rules: CompletionRules) -> bool:
    mask = engine().mask(completion_lark(rules))
    for token_id in stream(text, small_tokenizer()):
        if not int(mask.bitmask()[token_id // 32]) >> (token_id % 32) & 1:
            return False
        mask.accept(token_id)
    return mask.is_complete


def call(name: str = "price", arguments: str = GOOD, header: str = "") -> str:
    head = header or f"<|channel|>commentary to=functions.{name} <|constrain|>json"
    return f"{head}<|message|>{arguments}<|call|>"


FINAL = "<|channel|>final<|message|>It is [5] %.<|return|>"
THINK = "<|channel|>analysis<|message|>a < b<|end|><|start|>assistant"
PREAMBLE = "<|channel|>commentary<|message|>One moment.<|end|><|start|>assistant"
HEADERS = (
    "<|channel|>commentary to=functions.price <|constrain|>json",
    "<|channel|>commentary to=functions.price<|constrain|>json",
    "<|channel|>commentary to=functions.price json",
    "<|channel|>analysis to=functions.price <|constrain|>json",
    " to=functions.price<|channel|>commentary <|constrain|>json",
    " to=functions.price<|channel|>analysis<|constrain|>json",
)


@pytest.mark.parametrize("header", HEADERS)
def test_turn_call_in_every_form_of_the_model_is_allowed(header: str) -> None:
    rules = CompletionRules(tools=TOOLS)
    assert accepted(call(header=header), rules)
    assert accepted(THINK + PREAMBLE + THINK + call(header=header), rules)


@pytest.mark.parametrize(
    "text",
    [
        FINAL,
        THINK + FINAL,
        call("price_x", '{"any": [1, {"b": null}]}'),
        call("odd-1", '{"a": 1}'),
    ],
)
def test_turn_is_allowed(text: str) -> None:
    assert accepted(text, CompletionRules(tools=TOOLS))


@pytest.mark.parametrize(
    "text",
    [
        call("pric"),
        call("price_"),
        call("rm"),
        call(arguments="{}"),
        call(arguments='{"instrument":"KO","weight":1.0}'),
        call(arguments='{"instrument":"KO","weight":0.95,"x":1}'),
        call(arguments='{"instrument":"KO","weight":0.95} '),
        call("price_x", "[]"),
        call("price_x", '{"a":1}{'),
        call(header="<|channel|>final to=functions.price <|constrain|>json"),
        call(header="<|channel|>commentary to=price <|constrain|>json"),
        call(header="<|channel|>commentary to=functions.price code"),
        call(header=" to=functions.price<|channel|>commentary to=functions.price json"),
        call().replace("<|call|>", "<|end|>"),
        FINAL.replace("<|return|>", "<|end|>"),
        FINAL.replace("final", "comment"),
        FINAL.replace("<|message|>", ""),
        f"<|start|>assistant{FINAL}",
        FINAL.removesuffix("<|return|>"),
        THINK,
        "It is 5.<|return|>",
    ],
)
def test_turn_malformed_or_against_the_schema_is_refused(text: str) -> None:
    assert not accepted(text, CompletionRules(tools=TOOLS))


def test_turn_follows_the_choice_of_tools() -> None:
    none = CompletionRules(tools=TOOLS, use=ToolUse.NONE)
    required = CompletionRules(tools=TOOLS[1:2], use=ToolUse.REQUIRED)
    named = call("price_x", "{}")
    assert accepted(THINK + FINAL, none)
    assert not accepted(named, none)
    assert not accepted(PREAMBLE + FINAL, none)
    assert accepted(THINK + named, required)
    assert not accepted(FINAL, required)
    assert not accepted(call(), required)
    assert not accepted(THINK + FINAL, CompletionRules(allow_analysis=False))
    assert accepted(FINAL, CompletionRules(allow_analysis=False))


def test_turn_answer_follows_its_schema() -> None:
    rules = CompletionRules(tools=TOOLS, answer_schema=ANSWER)
    for mark in ("", " <|constrain|>json", "<|constrain|>json"):
        head = f"<|channel|>final{mark}<|message|>"
        assert accepted(f'{THINK}{head}{{"ok": true, "why": "x"}}<|return|>', rules)
        assert not accepted(f'{head}{{"ok": 1}}<|return|>', rules)
        assert not accepted(f"{head}Yes.<|return|>", rules)
    assert accepted(call(), rules)


@pytest.mark.parametrize(
    ("rules", "field", "expected"),
    [
        (CompletionRules(tools=TOOLS * 2), "tools", "different names"),
        (
            CompletionRules(
                tools=tuple(
                    CallableTool(name=f"t{i}", parameters=None) for i in range(TOOLS_MAX + 1)
                )
            ),
            "tools",
            "at most 128",
        ),
        (
            CompletionRules(tools=(CallableTool(name='a"b', parameters=None),)),
            "tools",
            "letters, digits",
        ),
        (CompletionRules(use=ToolUse.REQUIRED), "tools", "a tool"),
        (
            CompletionRules(
                tools=tuple(
                    CallableTool(name=f"t{i}", parameters={"enum": ["x" * 60_000]})
                    for i in range(5)
                )
            ),
            "tools",
            "bytes in all",
        ),
    ],
)
def test_turn_rules_out_of_bounds_are_refused(
    rules: CompletionRules, field: str, expected: str
) -> None:
    with pytest.raises(GrammarError) as caught:
        completion_lark(rules)
    assert caught.value.field == field
    assert expected in caught.value.expected


def test_turn_schema_that_cannot_be_enforced_is_refused_where_it_must_be() -> None:
    strict = CallableTool(name="f", parameters=ODD, is_strict=True, field="tools.0.parameters")
    with pytest.raises(SchemaError, match=r"tools\.0\.parameters"):
        completion_lark(CompletionRules(tools=(strict,)))
    with pytest.raises(SchemaError, match="response_format"):
        completion_lark(CompletionRules(answer_schema=ODD))


def test_turn_of_many_large_tools_is_compiled() -> None:
    properties = {f"p{i}": {"type": "string"} for i in range(100)}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    tools = tuple(CallableTool(name=f"tool_{i}", parameters=schema) for i in range(40))
    rules = CompletionRules(tools=tools)
    assert accepted(call("tool_39", '{"p3":"a","p99":"b"}'), rules)
    assert not accepted(call("tool_39", '{"p3":"a","p100":"b"}'), rules)


# What a model may write under the grammar and the parser still has to note.
_HARMLESS = {
    Repair.CALL_ON_ANALYSIS,
    Repair.MISSING_CONSTRAIN,
    Repair.RECIPIENT_IN_ROLE,
    Repair.CONTROL_SPELLING,
}


def walk(rules: CompletionRules, rng: random.Random) -> list[int]:
    """Return a turn of random allowed tokens that ends where it may after a while."""
    tokenizer = small_tokenizer()
    mask = engine().mask(completion_lark(rules))
    closing = [
        *(tokenizer.special_id(f"<|{n}|>") for n in ("return", "call", "end", "message")),
        *(tokenizer.encode(text)[0] for text in ('"', "}", "]", "0")),
    ]
    token_ids: list[int] = []
    while not mask.is_complete:
        bits = np.flatnonzero(np.unpackbits(mask.bitmask().view(np.uint8), bitorder="little"))
        assert bits.size
        some = rng.sample(range(tokenizer.vocab_size), 8) + rng.choices(bits.tolist(), k=4)
        assert [mask.allows(i) for i in some] == [i in bits for i in some]
        ends = [token_id for token_id in closing if token_id in bits]
        is_late = rng.random() < len(token_ids) / 60
        token_ids.append(int(ends[0] if ends and is_late else rng.choice(bits.tolist())))
        mask.accept(token_ids[-1])
        assert len(token_ids) < 2_000
    return token_ids


def has_name_twice(text: str) -> bool:
    found: list[bool] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        found.append(len(dict(pairs)) < len(pairs))

    json.loads(text, object_pairs_hook=note)
    return any(found)


@pytest.mark.parametrize("num_turns", [60, pytest.param(3_000, marks=pytest.mark.slow)])
def test_turn_of_random_allowed_tokens_passes_an_independent_check(num_turns: int) -> None:
    checks = {
        "price": jsonschema_rs.validator_for(PRICE, validate_formats=True),
        "price_x": jsonschema_rs.validator_for({"type": "object"}),
        "odd-1": jsonschema_rs.validator_for({"type": "object"}),
        "": jsonschema_rs.validator_for(ANSWER),
    }
    num_calls = 0
    for seed in range(num_turns):
        rng = random.Random(seed)
        rules = CompletionRules(
            tools=TOOLS,
            use=rng.choice((ToolUse.AUTO, ToolUse.REQUIRED)),
            answer_schema=rng.choice((None, ANSWER)),
        )
        token_ids = walk(rules, rng)
        turn = parse_turn(token_ids, small_tokenizer(), {tool.name for tool in TOOLS})
        if turn.repairs[-1:] == (Repair.INVALID_ARGUMENTS,):
            # Names that no schema declares may come twice; such a call is dropped.
            text = small_tokenizer().decode(token_ids)
            assert has_name_twice(text.rpartition("<|message|>")[2].removesuffix("<|call|>")), seed
            continue
        assert len(turn.calls) + (turn.final is not None) == 1, seed
        assert set(turn.repairs) <= _HARMLESS, seed
        for made in turn.calls:
            num_calls += 1
            checks[made.name].validate(json.loads(made.arguments))
        if turn.final is not None and rules.answer_schema is not None:
            checks[""].validate(json.loads(turn.final))
    assert num_calls > num_turns / 3
