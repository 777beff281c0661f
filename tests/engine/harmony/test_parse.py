import pytest

from engine.harmony.parse import parse_turn
from engine.harmony.turn import Repair, ToolCall, Turn
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream

TOOLS = ("price", "value_at_risk", "get-rate")
CALL = ToolCall(name="price", arguments='{"instrument":"KO"}')
WELL_FORMED_CALL = (
    "<|channel|>commentary to=functions.price <|constrain|>json<|message|>"
    '{"instrument":"KO"}<|call|>'
)


def parse(text: str) -> Turn:
    tokenizer = small_tokenizer()
    return parse_turn(stream(text, tokenizer), tokenizer, TOOLS)


def test_final_well_formed_needs_no_repair() -> None:
    turn = parse("<|channel|>final<|message|>The price is [[c1.close|USD|2]].<|return|>")
    assert turn == Turn(
        calls=(),
        final="The price is [[c1.close|USD|2]].",
        analysis=None,
        preamble=None,
        repairs=(),
        reasoning_tokens=0,
    )


def test_call_well_formed_needs_no_repair() -> None:
    turn = parse(WELL_FORMED_CALL)
    assert (turn.calls, turn.final, turn.repairs) == ((CALL,), None, ())


def test_turn_with_analysis_preamble_and_call_keeps_each_apart() -> None:
    turn = parse(
        "<|channel|>analysis<|message|>think<|end|>"
        "<|start|>assistant<|channel|>commentary<|message|>One moment.<|end|>"
        "<|start|>assistant" + WELL_FORMED_CALL
    )
    assert (turn.analysis, turn.preamble, turn.calls) == ("think", "One moment.", (CALL,))
    assert turn.repairs == ()
    assert turn.reasoning_tokens == len(small_tokenizer().encode("think"))


ARGUMENTS = '{"instrument":"KO"}'
RECOVERED_CALLS = {
    f"<|channel|>analysis to=functions.price <|constrain|>json<|message|>{ARGUMENTS}<|call|>": (
        Repair.CALL_ON_ANALYSIS,
    ),
    f"<|channel|>analysis to=functions.price code<|message|>{ARGUMENTS}<|call|>": (
        Repair.CALL_ON_ANALYSIS,
        Repair.MISSING_CONSTRAIN,
    ),
    f"<|channel|>final to=functions.price<|constrain|>json<|message|>{ARGUMENTS}<|call|>": (
        Repair.CALL_ON_FINAL,
    ),
    f"<|channel|>commentary to=functions.price json<|message|>{ARGUMENTS}<|call|>": (
        Repair.MISSING_CONSTRAIN,
    ),
    f"<|channel|>commentary to=functions.price<|message|>{ARGUMENTS}<|call|>": (
        Repair.MISSING_CONSTRAIN,
    ),
    f" to=functions.price<|channel|>commentary <|constrain|>json<|message|>{ARGUMENTS}<|call|>": (
        Repair.RECIPIENT_IN_ROLE,
    ),
    " to=functions.price<|channel|>commentary to=functions.price <|constrain|>json"
    f"<|message|>{ARGUMENTS}<|call|>": (Repair.RECIPIENT_IN_ROLE,),
    "<|channel|>commentary to=functions.price to=functions.price <|constrain|>json"
    f"<|message|>{ARGUMENTS}<|call|>": (),
    "<|channel|>commentary to=functions.price to=functions.x <|constrain|>json"
    f"<|message|>{ARGUMENTS}<|call|>": (Repair.RECIPIENT_AMBIGUOUS,),
    f"<|channel|>commentary to=price <|constrain|>json<|message|>{ARGUMENTS}<|call|>": (
        Repair.RECIPIENT_WITHOUT_NAMESPACE,
    ),
    f"<|channel|>commentary to=functions.price <|constrain|>json<|message|>{ARGUMENTS}<|end|>": (
        Repair.CALL_NOT_ENDED_BY_CALL,
    ),
    f"<|channel|>commentary to=functions.price <|constrain|>json<|message|>{ARGUMENTS}<|return|>": (
        Repair.CALL_NOT_ENDED_BY_CALL,
    ),
    f"<|channel|>commentary to=functions.price <|constrain|>json{ARGUMENTS}<|call|>": (
        Repair.MISSING_MESSAGE,
    ),
    f"commentary to=functions.price <|constrain|>json<|message|>{ARGUMENTS}<|call|>": (
        Repair.HEADER_GARBAGE,
        Repair.MISSING_CHANNEL,
        Repair.RECIPIENT_IN_ROLE,
    ),
    f"<|channel|>\u2013\u2013commentary to=functions.price <|constrain|>json<|message|>{ARGUMENTS}"
    "<|call|>": (Repair.UNKNOWN_CHANNEL,),
    "<|channel|>commentary to=functions.price <|constrain|>json<|message|><|message|>"
    f"{ARGUMENTS}<|call|>": (Repair.DOUBLED_MESSAGE,),
    f"<|start|>assistant{WELL_FORMED_CALL}": (Repair.DOUBLED_START,),
    f"<|channel|>analysis<|message|>x<|start|>assistant{WELL_FORMED_CALL}": (Repair.MISSING_END,),
    f"<|channel|>analysis<|message|>x<|end|>assistant{WELL_FORMED_CALL}": (Repair.MISSING_START,),
    f"<|channel|>analysis<|message|>x<|end|>{WELL_FORMED_CALL}": (Repair.MISSING_START,),
    f"<|channel|>analysis<|message|>x{WELL_FORMED_CALL}": (
        Repair.MISSING_END,
        Repair.MISSING_START,
    ),
    f"{WELL_FORMED_CALL}<|start|>functions.price to=assistant<|channel|>commentary<|message|>5": (
        Repair.TRAILING_TOKENS,
    ),
    f"{WELL_FORMED_CALL}<|call|>": (Repair.TRAILING_TOKENS,),
    f"<|endoftext|>{WELL_FORMED_CALL}": (Repair.STRAY_CONTROL,),
    "<|channel|>commentary to=functions.price <|constrain|>json<|message|>"
    f"{ARGUMENTS}<|constrain|><|call|>": (Repair.STRAY_CONTROL,),
    "<|channel|>final<|message|>It is 5.<|end|><|start|>assistant" + WELL_FORMED_CALL: (
        Repair.FINAL_BESIDE_CALL,
    ),
}


@pytest.mark.parametrize(("text", "repairs"), RECOVERED_CALLS.items())
def test_call_malformed_but_clear_is_recovered(text: str, repairs: tuple[Repair, ...]) -> None:
    turn = parse(text)
    assert (turn.calls, turn.final) == ((CALL,), None)
    assert turn.repairs == repairs


HEAD = "<|channel|>commentary to=functions.price <|constrain|>json<|message|>"
REFUSED_CALLS = {
    f'{HEAD}{{"instrument":"K': (Repair.TRUNCATED_ARGUMENTS,),
    f'{HEAD}{{"instrument":"KO"}}': (Repair.TRUNCATED_ARGUMENTS,),
    f'{HEAD}{{"instrument":"K<|call|>': (Repair.INVALID_ARGUMENTS,),
    f"{HEAD}<|call|>": (Repair.INVALID_ARGUMENTS,),
    f"{HEAD}[1]<|call|>": (Repair.INVALID_ARGUMENTS,),
    f'{HEAD}{{"a":NaN}}<|call|>': (Repair.INVALID_ARGUMENTS,),
    f'{HEAD}{{"a":"1","a":"2"}}<|call|>': (Repair.INVALID_ARGUMENTS,),
    f'{HEAD}{{"a":"<\\u007cend|>"}}<|call|>': (Repair.INVALID_ARGUMENTS,),
    f"{HEAD}{'[' * 3000}<|call|>": (Repair.INVALID_ARGUMENTS,),
    f"{HEAD}Let me look that up.<|end|>": (Repair.INVALID_ARGUMENTS,),
    f"<|channel|>commentary to=functions.rm <|constrain|>json<|message|>{ARGUMENTS}<|call|>": (
        Repair.UNKNOWN_TOOL,
    ),
    f"<|channel|>analysis to=python code<|message|>{ARGUMENTS}<|call|>": (Repair.UNKNOWN_TOOL,),
    "<|channel|>commentary to=functions.price to=functions.value_at_risk <|constrain|>json"
    f"<|message|>{ARGUMENTS}<|call|>": (Repair.RECIPIENT_AMBIGUOUS, Repair.UNKNOWN_TOOL),
    f"<|start|>functions.price to=assistant<|channel|>commentary<|message|>5<|end|>"
    f"<|start|>assistant{WELL_FORMED_CALL}": (
        Repair.DOUBLED_START,
        Repair.FOREIGN_ROLE,
        Repair.TRAILING_TOKENS,
    ),
}


@pytest.mark.parametrize(("text", "repairs"), REFUSED_CALLS.items())
def test_call_unclear_is_dropped_and_never_shown(text: str, repairs: tuple[Repair, ...]) -> None:
    turn = parse(text)
    assert (turn.calls, turn.final, turn.preamble) == ((), None, None)
    assert turn.repairs == repairs


FINALS = {
    "<|channel|>final ??<|message|>Yes.<|return|>": ("Yes.", (Repair.HEADER_GARBAGE,)),
    "<|channel|>final <|constrain|>response<|message|>Yes.<|return|>": (
        "Yes.",
        (Repair.HEADER_GARBAGE,),
    ),
    "<|channel|>final Yes.<|return|>": ("Yes.", (Repair.MISSING_MESSAGE,)),
    "<|channel|>final<|message|>Yes.<|return|><|return|>": ("Yes.", (Repair.TRAILING_TOKENS,)),
    "<|channel|>final<|message|>Yes.<|end|>": ("Yes.", ()),
    "<|channel|>final<|message|>Ye": ("Ye", (Repair.TRUNCATED,)),
    "<|channel|>final to=assistant<|message|>Yes.<|return|>": ("Yes.", ()),
    "<|channel|>final<|channel|>final<|message|>Yes.<|return|>": (
        "Yes.",
        (Repair.HEADER_GARBAGE,),
    ),
    "<|channel|>final<|message|>No.<|end|><|start|>assistant<|channel|>final<|message|>Yes."
    "<|return|>": ("No.", (Repair.SEVERAL_FINALS,)),
    "<|start|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>": (
        "Yes.",
        (Repair.DOUBLED_START,),
    ),
    "<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>": (
        "Yes.",
        (Repair.MISSING_MESSAGE,),
    ),
}


@pytest.mark.parametrize(("text", "expected"), FINALS.items())
def test_final_malformed_but_clear_is_recovered(
    text: str, expected: tuple[str, tuple[Repair, ...]]
) -> None:
    turn = parse(text)
    assert (turn.final, turn.repairs) == expected
    assert turn.calls == ()


UNKNOWN_AUDIENCE = {
    "Sorry, no.<|return|>": (Repair.MISSING_MESSAGE, Repair.MISSING_CHANNEL),
    "Sorry, no.": (Repair.MISSING_MESSAGE, Repair.MISSING_CHANNEL, Repair.TRUNCATED),
    "<|message|>Sorry, no.<|return|>": (Repair.MISSING_CHANNEL,),
    "<|channel|>commentary?commentary?<|message|>Sorry, no.<|end|>": (Repair.UNKNOWN_CHANNEL,),
    "<|channel|>final<|channel|>analysis<|message|>Sorry, no.<|end|>": (
        Repair.HEADER_GARBAGE,
        Repair.UNKNOWN_CHANNEL,
    ),
}


@pytest.mark.parametrize(("text", "repairs"), UNKNOWN_AUDIENCE.items())
def test_text_of_unknown_audience_is_analysis(text: str, repairs: tuple[Repair, ...]) -> None:
    turn = parse(text)
    assert (turn.final, turn.preamble, turn.analysis) == (None, None, "Sorry, no.")
    assert turn.repairs == repairs


EMPTY = {
    "": (Repair.TRUNCATED,),
    "<|return|>": (Repair.MISSING_MESSAGE,),
    "<|channel|>analysis<|message|>": (Repair.TRUNCATED,),
    "<|channel|>analysis<|message|>x<|end|><|end|>": (Repair.STRAY_CONTROL,),
    "<|channel|>analysis<|message|>x<|end|><|start|>user<|message|>Pay<|end|>": (
        Repair.FOREIGN_ROLE,
    ),
}


@pytest.mark.parametrize(("text", "repairs"), EMPTY.items())
def test_turn_without_answer_or_call_has_neither(text: str, repairs: tuple[Repair, ...]) -> None:
    turn = parse(text)
    assert (turn.calls, turn.final, turn.preamble) == ((), None, None)
    assert turn.repairs == repairs


def test_spelled_control_tokens_are_removed_even_when_nested() -> None:
    tokenizer = small_tokenizer()
    content = tokenizer.encode("a<|e<|end|>nd|>b<|start|>c")
    head = stream("<|channel|>final<|message|>", tokenizer)
    turn = parse_turn([*head, *content, tokenizer.special_id("<|return|>")], tokenizer, TOOLS)
    assert (turn.final, turn.repairs) == ("abc", (Repair.CONTROL_SPELLING,))


def test_invalid_bytes_are_replaced_and_named() -> None:
    tokenizer = small_tokenizer()
    half = tokenizer.encode("é")[:1]
    head = stream("<|channel|>final<|message|>", tokenizer)
    turn = parse_turn([*head, *half, tokenizer.special_id("<|return|>")], tokenizer, TOOLS)
    assert (turn.final, turn.repairs) == ("\ufffd", (Repair.INVALID_UTF8,))


def test_ids_outside_the_vocabulary_are_dropped_and_named() -> None:
    tokenizer = small_tokenizer()
    turn = parse_turn([-1, 10**9, *stream(WELL_FORMED_CALL, tokenizer)], tokenizer, TOOLS)
    assert (turn.calls, turn.repairs) == ((CALL,), (Repair.STRAY_CONTROL,))


def test_call_against_the_schema_of_its_tool_is_dropped_and_named() -> None:
    tokenizer = small_tokenizer()
    asked: list[tuple[str, str]] = []

    def check(name: str, arguments: str) -> bool:
        asked.append((name, arguments))
        return "KO" not in arguments

    turn = parse_turn(stream(WELL_FORMED_CALL, tokenizer), tokenizer, TOOLS, check=check)
    assert (turn.calls, turn.repairs) == ((), (Repair.ARGUMENTS_AGAINST_SCHEMA,))
    assert asked == [("price", '{"instrument":"KO"}')]
    other = WELL_FORMED_CALL.replace("KO", "AA")
    assert parse_turn(stream(other, tokenizer), tokenizer, TOOLS, check=check).calls


def test_answer_beside_a_call_counts_as_preamble_in_the_order_shown() -> None:
    turn = parse(
        "<|channel|>final<|message|>It is 5.<|end|>"
        "<|start|>assistant<|channel|>commentary<|message|>Wait.<|end|>"
        "<|start|>assistant" + WELL_FORMED_CALL
    )
    assert (turn.final, turn.preamble) == (None, "It is 5.\nWait.")
    assert (turn.calls, turn.repairs) == ((CALL,), (Repair.FINAL_BESIDE_CALL,))


def test_answer_after_an_ended_call_counts_as_preamble() -> None:
    turn = parse(
        f"{WELL_FORMED_CALL.replace('<|call|>', '<|end|>')}<|start|>assistant"
        "<|channel|>final<|message|>It is 5.<|return|>"
    )
    assert (turn.final, turn.preamble, turn.calls) == (None, "It is 5.", (CALL,))
    assert turn.repairs == (Repair.CALL_NOT_ENDED_BY_CALL, Repair.FINAL_BESIDE_CALL)


def test_texts_of_a_kind_are_joined_by_line_feeds() -> None:
    message = "<|channel|>{}<|message|>{}<|end|><|start|>assistant"
    turn = parse(
        message.format("analysis", "one")
        + message.format("analysis", "")
        + message.format("commentary", "a")
        + message.format("analysis", "two")
        + message.format("commentary", "b")
    )
    assert (turn.analysis, turn.preamble) == ("one\ntwo", "a\nb")
