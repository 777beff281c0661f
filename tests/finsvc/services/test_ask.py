"""What answering does when the model, the caller, a calculator or the log gets it wrong."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from audit.errors import LogFailedError
from finsvc.agents.catalogue import AgentName
from finsvc.agents.loop import Limits
from finsvc.calculators import registry
from finsvc.calculators.calculator import Calculator
from finsvc.calculators.inputs.base import CalculatorInput
from finsvc.domain.errors import InputError, RefusedError, UnknownNameError
from finsvc.domain.market import MarketView
from finsvc.domain.policy import Principal
from finsvc.domain.results import SecondOpinion
from finsvc.domain.verdicts import Reason, Verdict
from finsvc.services.ask import HELD, MAX_QUESTION_CHARACTERS
from finsvc.services.decision import Decision, decision_to_json
from finsvc.services.ports import RecordKind
from finsvc.services.reliability import Reliability
from tests.finsvc.asking import Desk
from tests.finsvc.scripted import NOTHING, ScriptedModel, Step, call, final, raw_call

VAR = "The value at risk of {subject} is {var}."
PRICE = "{subject} closed at {close} on {as_of}."
ERROR = "This cannot be computed: {error}."


def reasons(decision: Decision) -> set[Reason]:
    return {finding.reason for finding in decision.findings}


def ask_var(desk: Desk, question: str, **arguments: str) -> Decision:
    model = ScriptedModel(call("value_at_risk", **arguments), final(VAR))
    return desk.ask(question, model)


@pytest.mark.parametrize(
    ("question", "arguments", "reason"),
    [
        ("95% VaR of the sample book?", {}, Reason.UNUSED_INPUT),
        ("95% VaR of the sample book?", {"confidence": "99%"}, Reason.UNTRACED_ARGUMENT),
        ("VaR of the sample book?", {"confidence": "95%"}, Reason.UNTRACED_ARGUMENT),
        ("10-day VaR of the sample book?", {}, Reason.UNUSED_INPUT),
        ("VaR of the sample book in June 2022?", {}, Reason.UNUSED_INPUT),
        ("Parametric VaR of the sample book?", {}, Reason.UNUSED_INPUT),
        ("VaR of the sample book and of KO?", {}, Reason.UNUSED_INPUT),
        ("VaR of the sample book in yen?", {}, Reason.UNUSED_INPUT),
    ],
)
def test_answer_to_another_question_is_never_verified(
    question: str, arguments: dict[str, str], reason: Reason, desk: Desk
) -> None:
    decision = ask_var(desk, question, portfolio="sample book", **arguments)
    assert decision.verdict in (Verdict.NEEDS_HUMAN, Verdict.ABSTAINED)
    assert reason in reasons(decision)
    assert decision.claims == ()


@pytest.mark.parametrize(
    ("question", "step"),
    [
        (
            "VaR of short 10,000 Apple shares?",
            call("value_at_risk", portfolio="10,000 Apple shares"),
        ),
        ("VaR of 10,500 Apple shares?", call("value_at_risk", portfolio="500 Apple shares")),
    ],
)
def test_position_cut_out_of_the_callers_words_is_never_verified(
    question: str, step: Step, desk: Desk
) -> None:
    decision = desk.ask(question, ScriptedModel(step, final(VAR)))
    assert decision.verdict is Verdict.NEEDS_HUMAN


def test_millions_left_out_of_an_amount_are_never_verified(desk: Desk) -> None:
    model = ScriptedModel(
        call("convert_currency", amount="5", from_="EUR", to="USD"),
        final("{amount} is {converted}."),
    )
    decision = desk.ask("What is 5 million EUR in USD?", model)
    assert decision.verdict is Verdict.NEEDS_HUMAN
    assert "5.00 EUR" not in decision.answer


@pytest.mark.parametrize(
    ("question", "step", "message"),
    [
        ("VaR of book x?", call("value_at_risk", portfolio="book x"), "portfolio: expected"),
        ("Close of Tesla?", call("price", instrument="Tesla"), "instrument: expected a known"),
        (
            "5 XYZ in USD?",
            call("convert_currency", amount="5", from_="XYZ", to="USD"),
            "from: expected a known currency",
        ),
        (
            "Close of KO on 2022-12-25?",
            call("price", instrument="KO", as_of="2022-12-25"),
            "as_of: expected a trading day (the last one before is 2022-12-23), got 2022-12-25",
        ),
        (
            "Close of KO on 2031-01-06?",
            call("price", instrument="KO", as_of="2031-01-06"),
            "as_of: expected a date from 1990-01-02 to 2022-12-28, got 2031-01-06",
        ),
        (
            "250% VaR of the sample book?",
            call("value_at_risk", portfolio="sample book", confidence="250%"),
            "confidence: expected a confidence level",
        ),
    ],
)
def test_call_that_cannot_be_computed_says_why(
    question: str, step: Step, message: str, desk: Desk
) -> None:
    decision = desk.ask(question, ScriptedModel(step, final(ERROR)))
    assert decision.verdict is Verdict.ABSTAINED
    assert Reason.TOOL_ERROR in reasons(decision)
    assert decision.answer.startswith(f"This cannot be computed: {message}")
    assert not decision.claims


def test_error_passed_over_in_silence_is_withheld(desk: Desk) -> None:
    model = ScriptedModel(
        call("price", instrument="Tesla"),
        call("price", instrument="Apple"),
        final("{c2.subject} closed at {c2.close}."),
    )
    decision = desk.ask("Where did Tesla and Apple close?", model)
    assert decision.verdict is Verdict.ABSTAINED
    assert Reason.TOOL_ERROR in reasons(decision)


@pytest.mark.parametrize(
    "arguments",
    [
        '{"instrument":"Apple"',
        "null",
        '["Apple"]',
        '{"instrument":7}',
        '{"instrument":"  "}',
        '{"instrument":"Apple","when":"now"}',
        "{}",
        '{"instrument":"Apple","instrument":"KO"}',
        "[" * 100_000,
    ],
)
def test_malformed_call_is_sampled_anew(arguments: str, desk: Desk) -> None:
    model = ScriptedModel(
        raw_call("price", arguments), call("price", instrument="Apple"), final(PRICE)
    )
    decision = desk.ask("Where did Apple close?", model)
    assert decision.verdict is Verdict.VERIFIED
    assert model.dialogues[0].attempts == [0, 1, 0]
    turns = desk.record(decision.decision_id).body["turns"]
    assert isinstance(turns, list)
    assert len(turns) == 3


@pytest.mark.parametrize(
    "step",
    [
        NOTHING,
        final("   "),
        raw_call("price", "{"),
        call("teleport", instrument="Apple"),
        call("limit_check", portfolio="sample book"),
    ],
)
def test_model_without_a_usable_turn_is_given_up(step: Step, desk: Desk) -> None:
    model = ScriptedModel(step)
    decision = desk.ask("Where did Apple close?", model, agent=AgentName.MARKET)
    assert "limit_check" not in model.tools
    assert decision.verdict is Verdict.ABSTAINED
    assert reasons(decision) == {Reason.MALFORMED_OUTPUT}
    assert model.dialogues[0].attempts == [0, 1, 2]
    assert decision.tool_calls == ()


def test_model_that_calls_for_ever_is_stopped(desk: Desk) -> None:
    model = ScriptedModel(call("price", instrument="Apple"))
    decision = desk.ask("Where did Apple close?", model)
    assert decision.verdict is Verdict.ABSTAINED
    assert reasons(decision) == {Reason.LIMIT_REACHED}
    assert len(decision.tool_calls) == Limits().max_calls


def test_model_that_repeats_a_call_must_answer_instead(desk: Desk) -> None:
    apple = call("price", instrument="Apple")
    decision = desk.ask("Where did Apple close?", ScriptedModel(apple, apple, final(PRICE)))
    assert decision.verdict is Verdict.VERIFIED
    assert len(decision.tool_calls) == 1


@pytest.mark.parametrize("slow", [replace(final("late"), sleep_s=0.05), Step(sleep_s=0.05)])
def test_turn_that_comes_too_late_does_not_count(slow: Step, desk: Desk) -> None:
    desk.limits = Limits(timeout_s=0.02)
    decision = desk.ask("Where did Apple close?", ScriptedModel(slow))
    assert decision.verdict is Verdict.ABSTAINED
    assert reasons(decision) == {Reason.LIMIT_REACHED}
    assert "late" not in decision.answer


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Which instrument do you mean?", Reason.CLARIFICATION_NEEDED),
        ("None of my tools can answer this.", Reason.NO_TOOL),
    ],
)
def test_model_that_asks_back_or_declines_abstains(text: str, reason: Reason, desk: Desk) -> None:
    decision = desk.ask("Where did it close?", ScriptedModel(final(text)))
    assert (decision.verdict, reasons(decision)) == (Verdict.ABSTAINED, {reason})
    assert decision.answer == text
    assert not decision.is_held


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Apple closed at 42 USD.", Reason.UNBOUND_NUMBER),
        ("Do you mean two million?", Reason.UNBOUND_NUMBER),
        ("Apple closed at [[c1.close|USD|2]].", Reason.UNKNOWN_REFERENCE),
        ("Apple closed higher.", Reason.UNCHECKED_COMPARISON),
    ],
)
def test_statement_without_a_call_is_withheld(text: str, reason: Reason, desk: Desk) -> None:
    decision = desk.ask("Where did Apple close?", ScriptedModel(final(text)))
    assert decision.verdict is Verdict.ABSTAINED
    assert reason in reasons(decision)
    assert text not in decision.answer
    assert "42" not in decision.answer


def test_number_beside_a_reference_is_withheld(desk: Desk) -> None:
    model = ScriptedModel(
        call("price", instrument="Apple"), final("{subject} closed at {close}, up 3%.")
    )
    decision = desk.ask("Where did Apple close?", model)
    assert decision.verdict is Verdict.ABSTAINED
    assert "3%" not in decision.answer


def test_question_without_permission_is_refused_and_logged(desk: Desk) -> None:
    nobody = Principal(id="nobody", roles=frozenset())
    model = ScriptedModel(final("never asked"))
    with pytest.raises(RefusedError, match="ask was refused by policy"):
        desk.ask("VaR of the sample book?", model, principal=nobody)
    (record,) = desk.audit.records()
    assert record.kind is RecordKind.DECISION
    assert record.body["verdict"] == Verdict.ABSTAINED.value
    assert record.body["turns"] == []
    assert model.dialogues == []


def test_book_without_entitlement_is_refused(desk: Desk) -> None:
    other = Principal(id="ann", roles=frozenset({"analyst", "book:pelican"}))
    with pytest.raises(RefusedError):
        desk.ask("VaR?", ScriptedModel(final("x")), book="sample", principal=other)
    decision = desk.ask(
        "VaR of the sample book?",
        ScriptedModel(call("value_at_risk", portfolio="sample book"), final(ERROR)),
        principal=other,
    )
    (tool_call,) = decision.tool_calls
    assert decision.verdict is Verdict.ABSTAINED
    assert tool_call.error is not None
    assert tool_call.error.code == "policy_denied"
    assert tool_call.policy is not None
    assert not tool_call.policy.is_allowed
    assert tool_call.result is None


def test_tool_that_policy_forbids_gives_no_result(desk: Desk) -> None:
    analyst = Principal(id="ann", roles=frozenset({"analyst", "book:*"}))
    model = ScriptedModel(call("limit_check", portfolio="sample book"), final(ERROR))
    decision = desk.ask("Does the sample book breach limits?", model, principal=analyst)
    assert decision.verdict is Verdict.ABSTAINED
    assert "compliance-tools-need-the-compliance-role" in decision.answer


def test_answer_that_needs_a_human_is_held(desk: Desk) -> None:
    decision = ask_var(desk, "95% VaR of the sample book?", portfolio="sample book")
    assert decision.is_held
    assert decision.answer == HELD.format(decision_id=decision.decision_id)
    assert decision.tool_calls == ()
    body = desk.record(decision.decision_id).body
    assert body["held"] is True
    assert "The value at risk of the sample book is" in str(body["answer"])
    outgoing = json.dumps(decision_to_json(decision))
    assert str(body["claims"][0]["value"]) not in outgoing  # type: ignore[index]


def test_material_figure_is_held_although_it_is_verified(desk: Desk) -> None:
    desk.reliability = Reliability(limit_usd=10**15)
    model = ScriptedModel(
        call("convert_currency", amount="5bn", from_="EUR", to="USD"),
        final("{amount} is {converted}."),
    )
    decision = desk.ask("What is 5bn EUR in USD?", model)
    assert decision.is_held
    assert desk.record(decision.decision_id).body["verdict"] == Verdict.VERIFIED.value


def second_that(shift: str | None) -> Calculator:
    """The closing price with a second method that is off by some amount, or crashes."""
    genuine = registry.CALCULATORS["close"]

    def second(inputs: CalculatorInput, market: MarketView) -> SecondOpinion:
        if shift is None:
            raise ZeroDivisionError("injected")
        opinion = genuine.second(inputs, market)
        moved: Mapping[str, Decimal] = {
            name: value + Decimal(shift) for name, value in opinion.values.items()
        }
        return replace(opinion, values=moved)

    return replace(genuine, second=second)


@pytest.mark.parametrize(
    ("shift", "reason"), [("0.01", Reason.SECOND_DISAGREES), (None, Reason.SECOND_FAILED)]
)
def test_second_method_that_does_not_confirm_holds_the_answer(
    shift: str | None, reason: Reason, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {**registry.CALCULATORS, "close": second_that(shift)}
    monkeypatch.setattr(registry, "CALCULATORS", changed)
    model = ScriptedModel(call("price", instrument="Apple"), final(PRICE))
    decision = desk.ask("Where did Apple close?", model)
    assert decision.verdict is Verdict.NEEDS_HUMAN
    claims = desk.record(decision.decision_id).body["claims"]
    assert isinstance(claims, list)
    assert claims[0]["reasons"] == [reason.value]


def test_calculator_that_breaks_gives_a_call_without_result(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(inputs: CalculatorInput, market: MarketView) -> object:
        raise ZeroDivisionError("injected")

    changed = replace(registry.CALCULATORS["close"], compute=broken)  # type: ignore[arg-type]
    monkeypatch.setattr(registry, "CALCULATORS", {**registry.CALCULATORS, "close": changed})
    model = ScriptedModel(call("price", instrument="Apple"), final(ERROR))
    decision = desk.ask("Where did Apple close?", model)
    assert decision.verdict is Verdict.ABSTAINED
    (tool_call,) = decision.tool_calls
    assert tool_call.error is not None
    assert tool_call.error.code == "internal_error"
    assert "injected" not in decision.answer


def test_nothing_leaves_when_the_log_fails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(kind: object, record_id: object, body: object) -> None:
        raise LogFailedError(desk.audit.log.directory, "fsync failed")

    monkeypatch.setattr(desk.audit, "append", fail)
    with pytest.raises(LogFailedError):
        ask_var(desk, "VaR of the sample book?", portfolio="sample book")
    assert list(desk.audit.records()) == []


@pytest.mark.parametrize("text", ["", " \n\t ", "x" * (MAX_QUESTION_CHARACTERS + 1)])
def test_question_that_is_empty_or_too_long_is_named(text: str, desk: Desk) -> None:
    with pytest.raises(InputError, match="question: expected"):
        desk.ask(text, ScriptedModel(final("x")))
    assert list(desk.audit.records()) == []


def test_unknown_fixed_book_is_named(desk: Desk) -> None:
    with pytest.raises(UnknownNameError, match="book: expected a known book"):
        desk.ask("VaR?", ScriptedModel(final("x")), book="unicorn")


def test_fixed_book_and_date_are_part_of_the_message(desk: Desk) -> None:
    model = ScriptedModel(call("value_at_risk", portfolio="sample", as_of="2022-06-30"), final(VAR))
    decision = desk.ask("What is the VaR?", model, book="sample", as_of=date(2022, 6, 30))
    assert decision.verdict is Verdict.VERIFIED
    (tool_call,) = decision.tool_calls
    assert tool_call.inputs["as_of"] == "2022-06-30"
    ignored = ScriptedModel(call("value_at_risk", portfolio="sample"), final(VAR))
    decision = desk.ask("What is the VaR?", ignored, book="sample", as_of=date(2022, 6, 30))
    assert decision.verdict is Verdict.NEEDS_HUMAN
