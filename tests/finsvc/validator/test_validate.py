from dataclasses import replace
from decimal import Decimal

import pytest

from finsvc.domain.calls import CallError, ToolCall
from finsvc.domain.verdicts import Reason, Verdict
from finsvc.validator.entities import NameIndex
from finsvc.validator.validate import Confirmation, FieldCheck, Grounds, Validation, validate
from tests.finsvc.factories import call, quantity

TEMPLATE = "The value at risk of [[c1.subject]] is [[c1.var|USD|0]]."
MESSAGE = "What is the VaR of the sample book?"


def agrees(item: ToolCall) -> Confirmation:
    assert item.result is not None
    checks = {
        name: FieldCheck(
            value=field.value, difference=Decimal(0), tolerance=Decimal(1), is_within=True
        )
        for name, field in item.result.fields.items()
    }
    return Confirmation(method="second", checks=checks, failure=None)


def differs(item: ToolCall) -> Confirmation:
    checks = {
        "var": FieldCheck(
            value=Decimal(1), difference=Decimal(-9), tolerance=Decimal(1), is_within=False
        )
    }
    return Confirmation(method="second", checks=checks, failure=None)


def judge(
    template: str = TEMPLATE,
    *calls: ToolCall,
    message: str = MESSAGE,
    confirm: object = agrees,
) -> Validation:
    grounds = Grounds(
        message=message,
        calls=calls or (call(),),
        entities=NameIndex(["sample"]),
        optional_arguments={"value_at_risk": frozenset({"confidence"})},
        confirm=confirm,  # type: ignore[arg-type]
    )
    return validate(template, grounds)


def reasons(validation: Validation) -> list[Reason]:
    return [finding.reason for finding in validation.findings]


def test_bound_confirmed_and_traced_answer_is_verified() -> None:
    validation = judge()
    assert validation.verdict is Verdict.VERIFIED
    assert validation.answer == "The value at risk of the sample book is 48,212 USD."
    claim = validation.claims[0]
    assert (claim.text, claim.value, claim.unit) == ("48,212 USD", Decimal("48211.53"), "USD")
    assert (claim.source.call, claim.source.field) == ("c1", "var")
    assert claim.second is not None
    assert claim.second.method == "second"


def test_answer_that_asks_for_more_decimals_than_declared_is_corrected() -> None:
    fields = {"var": quantity("48211.53", decimals=2)}
    validation = judge(TEMPLATE.replace("|0]]", "|4]]"), call(fields))
    assert validation.verdict is Verdict.CORRECTED
    assert validation.claims[0].reasons == (Reason.DECIMALS_CUT,)
    assert "48,211.53 USD" in validation.answer


def test_answer_with_fewer_decimals_is_verified_rounded() -> None:
    fields = {"var": quantity("48211.53", decimals=2)}
    validation = judge(TEMPLATE, call(fields))
    assert validation.verdict is Verdict.VERIFIED_ROUNDED
    assert validation.claims[0].reasons == (Reason.ROUNDED,)


@pytest.mark.parametrize(
    ("confirm", "reason"),
    [
        (differs, Reason.SECOND_DISAGREES),
        (lambda _: Confirmation(method="", checks={}, failure="crash"), Reason.SECOND_FAILED),
        (lambda _: Confirmation(method="m", checks={}, failure=None), Reason.SECOND_MISSING),
    ],
)
def test_number_without_confirmation_needs_a_human(confirm: object, reason: Reason) -> None:
    validation = judge(confirm=confirm)
    assert validation.verdict is Verdict.NEEDS_HUMAN
    assert validation.claims[0].reasons == (reason,)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("It is 42.", Reason.UNBOUND_NUMBER),
        ("It is two million.", Reason.UNBOUND_NUMBER),
        ("It is [[c1.var|EUR|0]].", Reason.UNIT_MISMATCH),
        ("It is [[c9.var|USD|0]].", Reason.UNKNOWN_REFERENCE),
        ("It fell to [[c1.var|USD|0]].", Reason.COMPARISON_WRONG),
    ],
)
def test_flawed_answer_is_withheld_without_its_text(template: str, reason: Reason) -> None:
    validation = judge(template)
    assert validation.verdict is Verdict.ABSTAINED
    assert reason in reasons(validation)
    assert validation.claims == ()
    assert validation.answer.startswith("The answer was withheld")
    assert "42" not in validation.answer


def test_confidence_of_the_question_that_no_call_used_needs_a_human() -> None:
    validation = judge(message="What is the 95% VaR of the sample book?")
    assert validation.verdict is Verdict.NEEDS_HUMAN
    assert reasons(validation) == [Reason.UNUSED_INPUT]


def test_argument_that_the_caller_never_wrote_needs_a_human() -> None:
    validation = judge(message="What is our VaR?")
    assert validation.verdict is Verdict.NEEDS_HUMAN
    assert reasons(validation) == [Reason.UNTRACED_ARGUMENT]


def test_result_that_the_answer_leaves_out_needs_a_human() -> None:
    validation = judge(TEMPLATE, call(), call(call_id="c2"))
    assert validation.verdict is Verdict.NEEDS_HUMAN
    assert reasons(validation) == [Reason.UNUSED_INPUT]


def test_error_of_a_tool_is_stated_and_abstained() -> None:
    erring = call(error=CallError(code="x", message="no such book"))
    validation = judge("This cannot be computed: [[c1.error]].", erring)
    assert validation.verdict is Verdict.ABSTAINED
    assert validation.answer == "This cannot be computed: no such book."
    assert reasons(validation) == [Reason.TOOL_ERROR]


def test_status_is_checked_in_the_sentence_that_cites_it() -> None:
    labels = {"subject": "the sample book", "status": "breach"}
    good = judge("[[c1.subject]] is in breach. [[c1.var|USD|0]]", call(labels=labels))
    assert good.verdict is Verdict.VERIFIED
    bad = judge("[[c1.subject]] shows no breach: [[c1.var|USD|0]].", call(labels=labels))
    assert bad.verdict is Verdict.ABSTAINED


def test_comparison_that_cannot_be_checked_needs_a_human() -> None:
    validation = judge("The largest is [[c1.var|USD|0]] of [[c1.subject]].")
    assert validation.verdict is Verdict.NEEDS_HUMAN
    assert Reason.UNCHECKED_COMPARISON in reasons(validation)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("The VaR of Apple is [[c1.var|USD|0]].", Reason.ENTITY_MISMATCH),
        ("In May 2019 [[c1.subject]] had a VaR of [[c1.var|USD|0]].", Reason.PERIOD_MISMATCH),
    ],
)
def test_name_or_date_that_no_cited_call_has_needs_a_human(template: str, reason: Reason) -> None:
    validation = judge(template, message="VaR of the sample book in May 2019 against Apple")
    assert validation.verdict is Verdict.NEEDS_HUMAN
    assert reason in reasons(validation)


def test_field_that_the_call_does_not_show_is_no_answer() -> None:
    shown = call({"var": quantity("1"), "es": quantity("2")})
    validation = judge("The VaR is [[c1.es|USD|0]].", replace(shown, shown=("subject", "var")))
    assert reasons(validation) == [Reason.UNKNOWN_REFERENCE]


def test_argument_that_only_one_of_two_calls_has_needs_a_human() -> None:
    both = {"portfolio": "sample book", "confidence": "95%"}
    validation = judge(
        "[[c1.subject]] [[c1.var|USD|0]] [[c2.var|USD|0]]",
        call(arguments=both),
        call(call_id="c2"),
        message="95% VaR of the sample book",
    )
    assert [finding.detail for finding in validation.findings] == ["c2.confidence"]


@pytest.mark.parametrize(
    ("words", "unit", "verdict"),
    [
        ("higher than", "USD", Verdict.VERIFIED),
        ("lower than", "USD", Verdict.ABSTAINED),
        ("higher than", "EUR", Verdict.NEEDS_HUMAN),
        ("rose higher than", "USD", Verdict.NEEDS_HUMAN),
    ],
)
def test_comparison_between_two_numbers_is_decided(words: str, unit: str, verdict: Verdict) -> None:
    two = call({"var": quantity("7", unit)}, call_id="c2")
    template = f"The VaR of [[c1.var|USD|0]] is {words} [[c2.var|{unit}|0]]."
    assert judge(template, call(), two).verdict is verdict
