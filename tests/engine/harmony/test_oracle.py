"""Our renderer, vocabulary and grammar against OpenAI's renderer with the vocabulary of gpt-oss."""

import random

import numpy as np
import openai_harmony as reference
import pytest

from engine.grammar import GrammarEngine, TurnRules
from engine.harmony.messages import Conversation, DeveloperPrompt, Message, SystemPrompt, ToolSpec
from engine.harmony.parse import parse_turn
from engine.harmony.render import render_conversation, render_text, tools_section
from tests.engine.agent_tools import agent_tools
from tests.engine.harmony.o200k import o200k_tokenizer, oracle
from tests.engine.harmony.streams import stream
from tests.engine.harmony.test_typescript import GOLDEN

pytestmark = pytest.mark.slow

IDENTITY = "You are finsvc."
_NAMES = ("b", "a", "z", "key", "\u00e9")
_TEXTS = ("x", "a\nb", "", "\u00e9 null", "d")
_DEFAULTS: tuple[object, ...] = (
    None,
    True,
    False,
    -5,
    1.0,
    1e22,
    1e-7,
    1e-5,
    0.00012,
    1e15,
    1e16,
    -0.0,
    2**63,
    2**64,
    "s",
    'qu"o',
    [1, "a"],
    {"b": 1, "a": []},
    "\u00e9",
    "\x01",
    "nullx",
)
_TYPES: tuple[object, ...] = (
    "object",
    "object",
    "string",
    "number",
    "integer",
    "boolean",
    "array",
    "null",
    "weird",
    ["string", "null"],
    ["integer"],
    [],
    [1],
)


def random_schema(rng: random.Random, depth: int) -> dict[str, object]:
    """Return a schema with every keyword the renderers know, well-formed or not."""
    schema: dict[str, object] = {}
    if rng.random() < 0.85:
        schema["type"] = rng.choice(_TYPES)
    if depth > 0 and (schema.get("type") == "object" or rng.random() < 0.1):
        names = rng.sample(_NAMES, rng.randint(0, 4))
        properties: dict[str, object] = {name: random_schema(rng, depth - 1) for name in names}
        if rng.random() < 0.1:
            properties["odd"] = rng.choice([True, None, 3, "s"])
        schema["properties"] = properties
        if rng.random() < 0.7:
            schema["required"] = rng.sample(["b", "a", "z", 1], rng.randint(0, 3))
    if depth > 0 and schema.get("type") == "array" and rng.random() < 0.8:
        schema["items"] = random_schema(rng, depth - 1) if rng.random() < 0.9 else True
    if depth > 0 and rng.random() < 0.2:
        variants = [random_schema(rng, depth - 1) for _ in range(rng.randint(0, 3))]
        schema["oneOf"] = variants if rng.random() < 0.9 else "x"
    others: dict[str, list[object]] = {
        "enum": [[], ["a", "b"], [1, 2], ["x", 3]],
        "default": list(_DEFAULTS),
        "description": [*_TEXTS, 5],
        "title": [*_TEXTS, 5],
        "examples": [[], ["e", 3, "f"], [1], "x"],
        "nullable": [True, False, "x"],
    }
    for keyword, values in others.items():
        if rng.random() < 0.2:
            schema[keyword] = rng.choice(values)
    return schema


def reference_section(parameters: object, description: str) -> str:
    tool = reference.ToolDescription.new("f", description, parameters)
    developer = reference.DeveloperContent.new().with_function_tools([tool])
    message = reference.Message.from_role_and_content(reference.Role.DEVELOPER, developer)
    token_ids = oracle().render_conversation(reference.Conversation.from_messages([message]))
    text = oracle().decode(token_ids)
    return text.removeprefix("<|start|>developer<|message|>").removesuffix("<|end|>")


def test_golden_tools_are_those_of_the_reference() -> None:
    for case in GOLDEN:
        assert reference_section(case["parameters"], case["description"]) == case["section"]


def test_tools_section_of_random_schemas_is_that_of_the_reference() -> None:
    rng = random.Random(7)
    for _ in range(5_000):
        schema = random_schema(rng, depth=4)
        description = rng.choice(("A tool.", "", "a\nb\n", "a\r\nb", "\n", "a\n\n", "a\x0b\u2028c"))
        spec = ToolSpec(name="f", description=description, parameters=schema)
        assert tools_section([spec]) == reference_section(schema, description), schema


def test_prompt_ids_are_those_of_the_reference() -> None:
    schema = {"type": "object", "properties": {"p": {"type": "string"}}, "required": ["p"]}
    ours = Conversation(
        system=SystemPrompt(identity=IDENTITY, current_date="2026-11-22"),
        developer=DeveloperPrompt(
            instructions="Answer with <|end|> tools.",
            tools=(ToolSpec(name="f", description="D.", parameters=schema),),
        ),
        messages=(
            Message.user("caf\u00e9 <|start|>system 12,345.67 \U0001f600"),
            Message.analysis("Think."),
            Message.preamble("One moment."),
        ),
    )
    system = (
        reference.SystemContent.new()
        .with_model_identity(IDENTITY)
        .with_conversation_start_date("2026-11-22")
        .with_reasoning_effort(reference.ReasoningEffort.LOW)
    )
    developer = (
        reference.DeveloperContent.new()
        .with_instructions("Answer with <|end|> tools.")
        .with_function_tools([reference.ToolDescription.new("f", "D.", schema)])
    )
    make = reference.Message.from_role_and_content
    roles = reference.Role
    theirs = [
        make(roles.SYSTEM, system),
        make(roles.DEVELOPER, developer),
        make(roles.USER, ours.messages[0].content),
        make(roles.ASSISTANT, "Think.").with_channel("analysis"),
        make(roles.ASSISTANT, "One moment.").with_channel("commentary"),
    ]
    expected = oracle().render_conversation_for_completion(
        reference.Conversation.from_messages(theirs), roles.ASSISTANT
    )
    assert render_conversation(ours, o200k_tokenizer()) == expected
    assert render_text(ours) == oracle().decode(expected)


def test_vocabulary_encodes_and_decodes_like_the_reference() -> None:
    rng = random.Random(3)
    tokenizer = o200k_tokenizer()
    assert tokenizer.vocab_size == 201_088
    alphabets = (
        range(32, 127),
        range(0x20, 0x2000),
        range(0x1F300, 0x1F700),
        range(0x4E00, 0x9000),
    )
    for _ in range(2_000):
        points = rng.choice(alphabets)
        text = "".join(chr(rng.choice(points)) for _ in range(rng.randint(0, 40)))
        text += rng.choice(("", "<|end|>", "<|endoftext|>", "<|reserved_200100|>", " \n\n x"))
        expected = oracle().encode(text, disallowed_special=())
        assert tokenizer.encode(text) == expected
        assert tokenizer.decode(expected) == text


def test_call_written_by_the_reference_is_parsed() -> None:
    call = (
        reference.Message.from_role_and_content(reference.Role.ASSISTANT, '{"p":"x"}')
        .with_channel("commentary")
        .with_recipient("functions.f")
        .with_content_type("<|constrain|>json")
    )
    token_ids = oracle().render_conversation(reference.Conversation.from_messages([call]))
    turn = parse_turn(token_ids[2:], o200k_tokenizer(), {"f"})
    assert [(c.name, c.arguments) for c in turn.calls] == [("f", '{"p":"x"}')]
    assert turn.repairs == ("recipient_in_role",)


def test_turn_grammar_holds_with_the_large_vocabulary() -> None:
    tokenizer = o200k_tokenizer()
    engine = GrammarEngine(tokenizer)
    question = 'What is the 99% 10-day VaR of the "sample book" \u0663?'
    grammar = engine.agent_turn(
        agent_tools(),
        span_source=question,
        references=("[[c1.var|USD|0]]",),
        rules=TurnRules(allow_analysis=True, answer_tokens_max=30),
    )
    gold = (
        "<|channel|>analysis<|message|>Think 5.<|end|><|start|>assistant"
        "<|channel|>commentary to=functions.value_at_risk <|constrain|>json<|message|>"
        '{"portfolio":"sample book","confidence":"99%"}<|call|>'
    )
    mask = engine.mask(grammar.lark)
    for token_id in stream(gold, tokenizer):
        words = mask.bitmask()
        assert words.shape == (6_284,)
        assert int(words[token_id // 32]) >> (token_id % 32) & 1
        mask.accept(token_id)
    assert mask.is_complete
    for seed in range(20):
        rng, mask = random.Random(seed), engine.mask(grammar.lark)
        walked: list[int] = []
        while not mask.is_complete:
            bits = np.unpackbits(mask.bitmask().view(np.uint8), bitorder="little")
            walked.append(int(rng.choice(np.flatnonzero(bits))))
            mask.accept(walked[-1])
        turn = parse_turn(walked, tokenizer, {tool.name for tool in agent_tools()})
        assert len(turn.calls) + (turn.final is not None) == 1


WELL_FORMED = (
    "<|channel|>final<|message|>It is caf\u00e9 5.<|return|>",
    "<|channel|>analysis<|message|>a < b<|end|><|start|>assistant"
    "<|channel|>final<|message|>b<|return|>",
    "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>"
    "Wait.<|end|><|start|>assistant<|channel|>commentary to=functions.price <|constrain|>json"
    '<|message|>{"s":"KO"}<|call|>',
    ' to=functions.price<|channel|>commentary <|constrain|>json<|message|>{"s":"KO"}<|call|>',
    '<|channel|>analysis to=functions.price code<|message|>{"s":"KO"}<|call|>',
)


@pytest.mark.parametrize("text", WELL_FORMED)
def test_well_formed_turn_reads_as_the_reference_reads_it(text: str) -> None:
    token_ids = stream(text, o200k_tokenizer())
    turn = parse_turn(token_ids, o200k_tokenizer(), {"price"})
    found: dict[str, list[str]] = {"analysis": [], "commentary": [], "final": [], "call": []}
    for message in oracle().parse_messages_from_completion_tokens(
        token_ids, reference.Role.ASSISTANT
    ):
        (content,) = message.content
        assert isinstance(content, reference.TextContent)
        assert message.channel is not None
        found["call" if message.recipient else message.channel].append(content.text)
    assert found == {
        "analysis": [turn.analysis] if turn.analysis else [],
        "commentary": [turn.preamble] if turn.preamble else [],
        "final": [turn.final] if turn.final else [],
        "call": [call.arguments for call in turn.calls],
    }
