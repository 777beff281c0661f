"""Hand-written questions: their form, and what counts as right."""

import json
from pathlib import Path

import pytest

from engine.training.decoding import Call, Transcript
from engine.training.dialogues.catalogue import INTENTS, intents_of
from engine.training.handwritten import (
    QUESTIONS_FOLDER,
    ExpectedCall,
    Outcome,
    are_calls_right,
    is_same_call,
    load_questions,
    normal,
    outcome_of,
)

FILES = ("dev.jsonl", "sealed.jsonl")


def _call(name: str, **arguments: str) -> Call:
    return Call(name=name, arguments=tuple(arguments.items()))


@pytest.mark.parametrize("name", FILES)
def test_shipped_questions_keep_the_catalogue(name: str) -> None:
    questions = load_questions(QUESTIONS_FOLDER / name)
    assert len(questions) == 100
    for question in questions:
        for call in question.calls:
            assert call.name in intents_of(question.agent), question.text
            known = {argument.name: argument.required for argument in INTENTS[call.name].arguments}
            assert call.arguments.keys() <= known.keys(), question.text
            required = {name for name, is_required in known.items() if is_required}
            assert required <= call.arguments.keys(), question.text
            spans = [span for accepted in call.arguments.values() for span in accepted]
            assert all(normal(span) in question.message.casefold() for span in spans)


def test_halves_share_no_question() -> None:
    dev, sealed = (
        {question.text.casefold() for question in load_questions(QUESTIONS_FOLDER / name)}
        for name in FILES
    )
    assert not dev & sealed


@pytest.mark.parametrize(
    ("span", "expected"),
    [("The Sample Book.", "sample book"), ("a month", "month"), ("$", "$"), ("10%", "10%")],
)
def test_normal_span_ignores_case_article_and_stop(span: str, expected: str) -> None:
    assert normal(span) == expected


def test_call_is_right_with_any_accepted_span_and_no_other_argument() -> None:
    expected = ExpectedCall(name="price", arguments={"instrument": ("KO", "Coca-Cola")})
    assert is_same_call(expected, _call("price", instrument="ko"))
    assert is_same_call(expected, _call("price", instrument="Coca-Cola"))
    assert not is_same_call(expected, _call("price", instrument="PEP"))
    assert not is_same_call(expected, _call("price", instrument="KO", as_of="today"))
    assert not is_same_call(expected, _call("volatility", instrument="KO"))
    assert not is_same_call(expected, _call("price"))


def test_instruments_of_a_correlation_may_change_places_and_those_of_beta_not() -> None:
    pair = {"first": ("KO",), "second": ("PEP",)}
    expected = ExpectedCall(name="correlation", arguments=pair)
    assert is_same_call(expected, _call("correlation", second="KO", first="PEP"))
    assert not is_same_call(expected, _call("correlation", second="KO", first="KO"))
    beta = ExpectedCall(name="beta", arguments={"instrument": ("KO",), "benchmark": ("PEP",)})
    assert not is_same_call(beta, _call("beta", instrument="PEP", benchmark="KO"))


def test_several_calls_may_come_in_any_order_but_none_twice(tmp_path: Path) -> None:
    record = {
        "question": "KO and PEP",
        "agent": "market",
        "calls": [
            {"name": "price", "arguments": {"instrument": "KO"}},
            {"name": "price", "arguments": {"instrument": "PEP"}},
        ],
    }
    (tmp_path / "q.jsonl").write_text(json.dumps(record), encoding="utf-8")
    (question,) = load_questions(tmp_path / "q.jsonl")
    ko, pep = _call("price", instrument="KO"), _call("price", instrument="PEP")
    assert are_calls_right(question, [pep, ko])
    assert not are_calls_right(question, [ko, ko])
    assert not are_calls_right(question, [ko])
    assert not are_calls_right(question, [ko, pep, pep])


@pytest.mark.parametrize(
    ("calls", "final", "expected"),
    [
        ((), "Which book or position do you mean?", Outcome.ASK),
        ((), "None of my tools can answer this.", Outcome.DECLINE),
        ((_call("price", instrument="KO"),), "It is [[c1.close|USD|2]].", Outcome.ANSWER),
        ((), None, Outcome.UNUSABLE),
        ((_call("price", instrument="KO"),), " ", Outcome.UNUSABLE),
    ],
)
def test_outcome_is_told_from_calls_and_question_mark(
    calls: tuple[Call, ...], final: str | None, expected: Outcome
) -> None:
    transcript = Transcript(calls=calls, final=final, num_tokens=1)
    assert outcome_of(transcript) is expected


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"question": "x", "agent": "risk"}',
        '{"question": "x", "agent": "pirate", "outcome": "ask"}',
        '{"question": "x", "agent": "risk", "outcome": "ask", "note": "y"}',
        '{"question": "x", "agent": "risk", "outcome": "ask", "calls": [{"name": "price"}]}',
        '{"agent": "risk", "outcome": "ask"}',
    ],
)
def test_malformed_question_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "x", "agent": "risk", "outcome": "ask"}\n' + line, "utf-8")
    with pytest.raises(ValueError, match=r"q\.jsonl:2: expected a question"):
        load_questions(path)
