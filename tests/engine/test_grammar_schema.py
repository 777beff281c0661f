import json
import random
import time
from functools import cache

import jsonschema_rs
import pytest

from engine.grammar import GrammarEngine
from engine.grammar_schema import (
    SCHEMA_BYTES_MAX,
    SCHEMA_DEPTH_MAX,
    SCHEMA_PROPERTIES_MAX,
    SchemaError,
    enforceable,
)
from tests.engine.harmony.small_tokenizer import small_tokenizer

_BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


@cache
def engine() -> GrammarEngine:
    return GrammarEngine(small_tokenizer())


def accepts(schema: dict[str, object], *texts: str) -> list[bool]:
    """Whether the grammar of a schema allows each text as a whole value."""
    lark = f"start: value\nvalue: %json {enforceable(schema, field='f').text}\n"
    found = []
    for text in texts:
        mask = engine().mask(lark)
        is_allowed = True
        for token_id in small_tokenizer().encode(text):
            is_allowed = bool(int(mask.bitmask()[token_id // 32]) >> (token_id % 32) & 1)
            if not is_allowed:
                break
            mask.accept(token_id)
        found.append(is_allowed and mask.is_complete)
    return found


@pytest.mark.parametrize(
    ("schema", "texts"),
    [
        ({"minimum": 0.9, "maximum": 0.999}, ("0.9", "0.99", "0.95", "0.990", "0.999")),
        ({"minimum": 1.5, "maximum": 3.25}, ("1.5", "3", "3.2", "3.25", "2")),
        ({"minimum": -0.999, "maximum": -0.9}, ("-0.9", "-0.99", "-0.95")),
        ({"exclusiveMaximum": 1.25}, ("1.2", "1.24", "1")),
        ({"minimum": 0.9, "maximum": 0.999, "multipleOf": 0.1}, ("0.9",)),
        ({"minimum": 0.9, "maximum": 0.999, "title": "a", "description": "b"}, ("0.99",)),
    ],
)
def test_schema_number_whose_digits_begin_a_bound_is_allowed(
    schema: dict[str, object], texts: tuple[str, ...]
) -> None:
    number = {"type": "number", **schema}
    assert accepts(number, *texts) == [True] * len(texts)
    assert accepts({"type": ["number", "null"], **schema}, *texts, "null")[-1]
    nested = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"anyOf": [number, {"type": "null"}]}}},
        "additionalProperties": {"$ref": "#/$defs/n"},
        "$defs": {"n": number},
    }
    assert all(accepts(nested, *(f'{{"a":[{text}],"b":{text}}}' for text in texts)))


def around(bound: float, rng: random.Random) -> list[str]:
    """Return numbers near a bound and those whose digits begin it, as JSON writes them."""
    digits = format(abs(bound), "f").rstrip("0").rstrip(".")
    sign = "-" if bound < 0 else ""
    texts = {digits[:end].rstrip(".") for end in range(1, len(digits) + 1)}
    texts |= {f"{digits}{'' if '.' in digits else '.'}{rng.randint(1, 9)}"}
    whole, _, fraction = digits.partition(".")
    for step in (-1, 1):
        nudged = int(whole + fraction) + step
        text = str(abs(nudged)).rjust(len(fraction) + 1, "0")
        at = len(text) - len(fraction)
        texts.add(f"{text[:at]}.{text[at:]}" if fraction else text)
        texts.add(str(int(whole) + step) if int(whole) + step >= 0 else "0")
    found = set()
    for text in texts:
        value = json.loads(text)
        # -0 is written as 0.
        found.add(f"{sign}{text}" if value else text.lstrip("-"))
        found.add(text)
    return [text for text in found if "e" not in text and not (len(text) > 1 and text[:2] == "00")]


def canonical(text: str) -> bool:
    """Whether a text is the shortest that a number has."""
    value = json.loads(text)
    return json.dumps(int(value) if value == int(value) else value) == text


def check_random_bounds(rng: random.Random) -> None:
    places = rng.randint(0, 4)
    bounds = sorted(round(rng.uniform(-12, 12), places) for _ in range(2))
    schema: dict[str, object] = {"type": "number"}
    if rng.random() < 0.8:
        schema[rng.choice(_BOUNDS[:2])] = bounds[0]
    if rng.random() < 0.8:
        schema[rng.choice(_BOUNDS[2:])] = bounds[1]
    texts = sorted({text for bound in bounds for text in around(bound, rng)} | {"0", "1", "0.5"})
    reference = jsonschema_rs.validator_for(schema)
    try:
        found = accepts(schema, *texts)
    except SchemaError:
        # An empty range, or one of which llguidance would allow the end that is excluded.
        assert bounds[1] - bounds[0] < 1
        assert any(bound == int(bound) for bound in bounds) or bounds[0] == bounds[1]
        return
    for text, is_accepted in zip(texts, found, strict=True):
        is_valid = reference.is_valid(json.loads(text))
        assert is_valid or not is_accepted, (schema, text)
        if is_valid and canonical(text):
            assert is_accepted, (schema, text)


@pytest.mark.parametrize("num_schemas", [300, pytest.param(5_000, marks=pytest.mark.slow)])
def test_schema_bounds_agree_with_an_independent_validator(num_schemas: int) -> None:
    for seed in range(num_schemas):
        check_random_bounds(random.Random(seed))


@pytest.mark.parametrize(
    ("schema", "actual"),
    [
        ({"not": {"type": "string"}}, "not"),
        ({"type": "string", "format": "weird"}, "Unknown format: weird"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "number", "minimum": 5, "maximum": 3}, "greater than"),
        ({"$ref": "http://example.com/x.json"}, "retrieving it failed"),
        ({"$ref": "file:///etc/passwd"}, "retrieving it failed"),
        ({"$ref": "#"}, ""),
        ({"type": "object", "properties": {"a": {"x-guidance": {"lenient": True}}}}, "x-guidance"),
        ({"x-guidance": {"lenient": True}}, "x-guidance"),
        ({"type": "string", "pattern": "(?=a)b("}, ""),
        ({"enum": ["a", "<|end|>"]}, "<|end|>"),
        ({"properties": {"<|call|>": {}}}, "<|call|>"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, "exclusiveMinimum 0"),
        ({"type": "number", "exclusiveMaximum": -6.0, "minimum": -6.5}, "exclusiveMaximum -6.0"),
        ({"description": object()}, "not JSON serializable"),
        ({"minimum": float("nan")}, "not JSON compliant"),
        ({"properties": {str(i): {} for i in range(SCHEMA_PROPERTIES_MAX + 1)}}, "401"),
        ({"description": "x" * SCHEMA_BYTES_MAX}, "65555"),
    ],
)
def test_schema_that_cannot_be_enforced_is_refused(schema: dict[str, object], actual: str) -> None:
    with pytest.raises(SchemaError) as caught:
        enforceable(schema, field="tools.0.parameters")
    assert caught.value.field == "tools.0.parameters"
    assert actual in caught.value.actual


@pytest.mark.parametrize("levels", [SCHEMA_DEPTH_MAX, 2_000])
def test_schema_too_deep_is_refused(levels: int) -> None:
    schema: dict[str, object] = {}
    for _ in range(levels):
        schema = {"items": schema}
    if levels == SCHEMA_DEPTH_MAX:
        assert enforceable(schema, field="f").text
    with pytest.raises(SchemaError):
        enforceable({"items": schema}, field="f")


HOSTILE: dict[str, dict[str, object]] = {
    "many options": {"anyOf": [{"properties": {"k": {"const": i}}} for i in range(300)]},
    "many properties": {
        "type": "object",
        "properties": {f"p{i}": {"type": "string"} for i in range(SCHEMA_PROPERTIES_MAX)},
        "additionalProperties": False,
    },
    "product of options": {
        "allOf": [
            {"anyOf": [{"properties": {f"a{i}_{j}": {}}} for j in range(5)]} for i in range(10)
        ]
    },
    "nested repetition": {"type": "string", "pattern": "^((a{1,100}){1,100}){1,100}$"},
    "exponential pattern": {"type": "string", "pattern": "(x+x+)+y"},
    "states pattern": {"type": "string", "pattern": "^(.*a.{20})$"},
    "long string": {"type": "string", "minLength": 10**9},
    "long array": {"type": "array", "items": {}, "minItems": 10**9},
    "large enum": {"enum": [f"value number {i}" for i in range(2_000)]},
    "recursion": {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_schema_hostile_is_compiled_or_refused_in_bounded_time(name: str) -> None:
    start = time.perf_counter()
    try:
        text = enforceable(HOSTILE[name], field="f").text
    except SchemaError:
        text = "{}"
    mask = engine().mask(f"start: value\nvalue: %json {text}\n")
    assert mask.bitmask().any()
    # Alone on a core the slowest takes 0.05 s.
    assert time.perf_counter() - start < 2


def test_schema_white_space_is_bounded() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {}}}}
    texts = ('{"a":[1]}', '{"a": [1, 2]}', '{\n    "a": [\n        1\n    ]\n}')
    assert accepts(schema, *texts) == [True] * 3
    assert accepts(schema, '{  "a":[]}', '{"a":\n\n[]}', f'{{\n{" " * 41}"a":[]}}') == [False] * 3


def test_schema_text_cannot_leave_its_place() -> None:
    nasty = 'x"\n}\nstart: "y"\n// % <|end> \u2028\\'
    schema: dict[str, object] = {
        "type": "object",
        "properties": {nasty: {"enum": [nasty]}},
        "required": [nasty],
        "additionalProperties": False,
    }
    assert enforceable(schema, field="f").text.isascii()
    text = json.dumps({nasty: nasty}, ensure_ascii=False, separators=(",", ":"))
    assert accepts(schema, text, "y", "{}") == [True, False, False]
