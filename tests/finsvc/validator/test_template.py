import pytest

from finsvc.domain.calls import CallError
from finsvc.domain.verdicts import Reason
from finsvc.validator.template import bind
from tests.finsvc.factories import call, quantity

ROWS = {"exposure.USD": quantity("1200"), "exposure.EUR": quantity("-300.4")}


def answer(template: str, **calls: object) -> str:
    parts, flaws = bind(template, calls)  # type: ignore[arg-type]
    assert flaws == []
    return "".join(part.text for part in parts)


def flaws(template: str, **calls: object) -> list[Reason]:
    return [flaw.reason for flaw in bind(template, calls)[1]]  # type: ignore[arg-type]


def test_number_is_printed_from_the_result() -> None:
    text = answer("The VaR of [[c1.subject]] is [[c1.var|USD|0]].", c1=call())
    assert text == "The VaR of the sample book is 48,212 USD."


def test_subject_of_two_calls_names_the_call() -> None:
    template = "[[c1.subject]]: [[c1.var|USD|0]]; [[c2.subject]]: [[c2.var|USD|0]]"
    text = answer(template, c1=call(), c2=call(call_id="c2"))
    assert text == "the sample book (c1): 48,212 USD; the sample book (c2): 48,212 USD"


def test_number_with_fewer_decimals_is_marked_rounded() -> None:
    fields = {"rate": quantity("1.06490", "USD/EUR", 4)}
    parts, _ = bind("[[c1.rate|USD/EUR|2]]", {"c1": call(fields)})
    assert parts[0].text == "1.06 USD/EUR"
    assert parts[0].numbers[0].is_rounded


def test_table_prints_every_row_as_a_number() -> None:
    parts, _ = bind("[[c1.exposure]]", {"c1": call(ROWS)})
    assert parts[0].text == "USD 1,200 USD; EUR -300 USD"
    assert [number.field for number in parts[0].numbers] == ["exposure.USD", "exposure.EUR"]


def test_error_of_a_call_is_printed_as_its_message() -> None:
    erring = call(error=CallError(code="x", message="no such book"))
    assert answer("Sorry: [[c1.error]].", c1=erring) == "Sorry: no such book."


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("[[c2.var|USD|0]]", Reason.UNKNOWN_REFERENCE),
        ("[[c1.es|USD|0]]", Reason.UNKNOWN_REFERENCE),
        ("[[c1.nothing]]", Reason.UNKNOWN_REFERENCE),
        ("[[c1.var|EUR|0]]", Reason.UNIT_MISMATCH),
        ("[[c1.var|USD]]", Reason.UNKNOWN_REFERENCE),
        ("see [[c1", Reason.UNKNOWN_REFERENCE),
    ],
)
def test_reference_that_binds_to_nothing_is_a_flaw(template: str, reason: Reason) -> None:
    assert flaws(template, c1=call()) == [reason]


@pytest.mark.parametrize("template", ["[[c1.var|USD|0]]", "[[c1.subject]]", "[[c1.error|USD|0]]"])
def test_result_of_an_erring_call_cannot_be_cited(template: str) -> None:
    erring = call(error=CallError(code="x", message="m"))
    assert flaws(template, c1=erring) == [Reason.UNKNOWN_REFERENCE]


def test_reference_with_too_many_decimals_is_cut_to_the_declared_ones() -> None:
    (part,) = bind("[[c1.var|USD|2]]", {"c1": call()})[0]
    (number,) = part.numbers
    assert number.is_cut
    assert not number.is_rounded
    assert "." not in number.text
