import json
import re
from collections import Counter
from functools import cache

import pytest

from engine.training.dialogues import Agent, Dialogue, Kind, Row, canonical_row, row
from engine.training.dialogues.catalogue import ASK_BACK, FINAL_DECLINE, INTENTS, intents_of

NUM_ROWS = 850
NUM_DIALOGUES = 24
# The grammar's units: a letter run, or any single other character.
_CHUNK = re.compile(r"[^\W\d]+|.", re.DOTALL)
_REFERENCE = re.compile(r"\[\[c\d\.[^\]]*\]\]")
_RESULT_KEY = re.compile(r"\[\[c[123]\.[a-zA-Z_0-9]+(\|[A-Za-z%1/]+\|\d)?\]\]")


@cache
def rows() -> tuple[Row, ...]:
    return tuple(row(11, index) for index in range(NUM_ROWS))


def dialogues() -> list[Dialogue]:
    return [dialogue for item in rows() for dialogue in item.dialogues]


def _is_bounded_span(value: str, text: str) -> bool:
    bounds = {0, *(match.end() for match in _CHUNK.finditer(text))}
    start = text.find(value)
    while start >= 0:
        if start in bounds and start + len(value) in bounds:
            return True
        start = text.find(value, start + 1)
    return False


def test_rows_many_hold_more_than_20000_dialogues() -> None:
    assert len(dialogues()) == NUM_ROWS * NUM_DIALOGUES > 20_000


def test_arguments_all_are_spans_at_chunk_boundaries() -> None:
    wrong = [
        (dialogue.user, value)
        for dialogue in dialogues()
        for step in dialogue.steps
        for _, value in step.arguments
        if not _is_bounded_span(value, dialogue.user) or value != value.strip()
    ]
    assert wrong == []


def test_arguments_none_needs_json_escapes() -> None:
    values = {
        value for dialogue in dialogues() for step in dialogue.steps for _, value in step.arguments
    }
    assert [value for value in values if json.dumps(value, ensure_ascii=False)[1:-1] != value] == []


def test_calls_all_fit_the_declared_tools() -> None:
    for item in rows():
        declared = {tool.name: tool.parameters for tool in item.tools}
        assert len(declared) == len(item.tools)
        for dialogue in item.dialogues:
            for step in dialogue.steps:
                parameters = declared[step.tool]
                assert parameters is not None
                properties, required = parameters["properties"], parameters["required"]
                assert isinstance(properties, dict)
                assert isinstance(required, list)
                names = [name for name, _ in step.arguments]
                assert names == [name for name in properties if name in names]
                assert set(required) <= set(names)


def test_results_all_are_compact_json_of_references() -> None:
    for dialogue in dialogues():
        for number, step in enumerate(dialogue.steps, 1):
            result = json.loads(step.result)
            assert json.dumps(result, ensure_ascii=False, separators=(",", ":")) == step.result
            for key, value in result.items():
                assert _RESULT_KEY.fullmatch(key), key
                assert key.startswith(f"[[c{number}.")
                assert isinstance(value, str)


def test_finals_cite_only_keys_of_results_and_write_no_digit() -> None:
    for dialogue in dialogues():
        known = {key for step in dialogue.steps for key in json.loads(step.result)}
        assert set(_REFERENCE.findall(dialogue.final)) <= known
        assert not re.search(r"\d", _REFERENCE.sub("", dialogue.final))


def test_finals_fit_the_kind() -> None:
    questions = set(ASK_BACK.values())
    for dialogue in dialogues():
        expected = {Kind.ONE_CALL: {1}, Kind.SEVERAL_CALLS: {2, 3}}.get(dialogue.kind, {0})
        assert len(dialogue.steps) in expected
        if dialogue.kind in (Kind.OUT_OF_SCOPE, Kind.ABSENT_TOOL):
            assert dialogue.final == FINAL_DECLINE
        if dialogue.kind is Kind.ASK_BACK:
            assert dialogue.final in questions


def test_several_calls_never_repeat_one() -> None:
    for dialogue in dialogues():
        calls = [(step.tool, step.arguments) for step in dialogue.steps]
        assert len(calls) == len(set(calls))


def test_messages_hold_no_template_leftovers() -> None:
    leftover = re.compile(r"[{}\[\]¦]")
    assert [item.user for item in dialogues() if leftover.search(item.user)] == []


def test_messages_seldom_hold_double_spaces() -> None:
    # People type some; a template that leaves many would teach a space that nobody types.
    doubled = [item.user for item in dialogues() if "  " in item.user]
    assert len(doubled) < len(dialogues()) / 1000


def test_kinds_have_the_intended_shares() -> None:
    counts = Counter(dialogue.kind for dialogue in dialogues())
    shares = {kind: count / len(dialogues()) for kind, count in counts.items()}
    assert shares[Kind.ONE_CALL] == pytest.approx(0.60, abs=0.02)
    assert shares[Kind.SEVERAL_CALLS] == pytest.approx(0.17, abs=0.02)
    assert shares[Kind.OUT_OF_SCOPE] == pytest.approx(0.10, abs=0.02)
    assert shares[Kind.ABSENT_TOOL] == pytest.approx(0.045, abs=0.015)
    assert shares[Kind.ASK_BACK] == pytest.approx(0.09, abs=0.02)


def test_errors_are_about_six_percent_of_results() -> None:
    steps = [step for dialogue in dialogues() for step in dialogue.steps]
    failed = sum("This cannot be computed" in dialogue.final for dialogue in dialogues())
    assert failed / len(steps) == pytest.approx(0.06, abs=0.015)


def test_messages_rarely_repeat() -> None:
    texts = [dialogue.user for dialogue in dialogues()]
    assert len(set(texts)) / len(texts) > 0.98


def test_intents_all_occur_often() -> None:
    counts = Counter(intent for dialogue in dialogues() for intent in dialogue.intents)
    assert min(counts[intent] for intent in INTENTS) > 500


def test_row_same_arguments_gives_the_same_row() -> None:
    assert row(3, 17) == row(3, 17)
    assert row(3, 17) != row(3, 18)
    assert row(3, 17) != row(4, 17)


def test_row_fewer_dialogues_gives_a_prefix() -> None:
    assert row(3, 17, num_dialogues=5).dialogues == row(3, 17).dialogues[:5]


@pytest.mark.parametrize("agent", list(Agent))
def test_canonical_row_shows_exactly_the_tools_of_the_agent(agent: Agent) -> None:
    item = canonical_row(1, 2, agent)
    assert tuple(tool.name for tool in item.tools) == intents_of(agent)
    assert item == canonical_row(1, 2, agent)
    for tool in item.tools:
        assert tool.description == INTENTS[tool.name].description
        assert tool.parameters is not None
        assert tool.parameters["properties"] == {
            argument.name: {"type": "string"} for argument in INTENTS[tool.name].arguments
        }


def test_canonical_rows_cite_the_canonical_fields() -> None:
    found = {
        match
        for index in range(40)
        for dialogue in canonical_row(5, index, Agent.AUTO).dialogues
        for match in re.findall(r"\[\[c\d\.([a-z_]+)", dialogue.final)
    }
    fields = {field.name for intent in INTENTS.values() for field in intent.fields}
    assert found == fields | {"error"}


def test_rows_between_a_third_and_a_half_are_canonical() -> None:
    lists = {tuple(intents_of(agent)) for agent in Agent}
    share = sum(tuple(tool.name for tool in item.tools) in lists for item in rows()) / NUM_ROWS
    assert share == pytest.approx(0.38, abs=0.05)
