import pytest

from finsvc.validator.entities import NameIndex
from finsvc.validator.tracing import untraced_arguments, unused_inputs
from tests.finsvc.factories import call, quantity

INDEX = NameIndex(["sample", "pelican"])
OPTIONAL = {"value_at_risk": frozenset({"confidence", "horizon", "method", "as_of"})}


def unused(message: str, **arguments: str) -> list[str]:
    calls = [call(arguments=arguments)]
    return unused_inputs(calls, message, entities=INDEX, optional_arguments=OPTIONAL)


def test_argument_that_is_a_span_traces() -> None:
    assert untraced_arguments([call()], "VaR of the sample book?") == []


@pytest.mark.parametrize("message", ["VaR of the Sample book", "VaR of sample books", "VaR"])
def test_argument_that_is_no_whole_span_does_not_trace(message: str) -> None:
    assert untraced_arguments([call()], message) == ["c1.portfolio"]


def test_question_that_is_used_up_has_nothing_unused() -> None:
    message = "What is the 10-day 99% VaR of the sample book?"
    used = {"portfolio": "sample book", "confidence": "99%", "horizon": "10-day"}
    assert unused(message, **used) == []


def test_confidence_that_no_call_took_is_unused() -> None:
    message = "What is the 95% VaR of the sample book?"
    assert unused(message, portfolio="sample book") == ["95%"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("parametric VaR of the sample book", ["parametric"]),
        ("overnight VaR of the sample book", ["overnight"]),
        ("VaR of the sample book yesterday", ["yesterday"]),
        ("VaR of the sample book last Friday", ["last Friday"]),
        ("VaR of the sample book at ninety percent", ["percent"]),
    ],
)
def test_qualifier_of_an_argument_left_out_is_unused(message: str, words: list[str]) -> None:
    assert unused(message, portfolio="sample book") == words


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("VaR of the sample book and of Pelican", ["Pelican"]),
        ("VaR of the sample book and of Apple", ["Apple"]),
        ("VaR of the sample book plus MSFT", ["MSFT"]),
        ("VaR of the sample book in yen", ["yen"]),
    ],
)
def test_name_that_no_call_used_is_unused(message: str, names: list[str]) -> None:
    assert unused(message, portfolio="sample book") == names


def test_currency_of_the_result_counts_as_used() -> None:
    assert unused("VaR of the sample book in dollars", portfolio="sample book") == []


def test_call_without_result_leaves_the_currency_unused() -> None:
    calls = [call({"var": quantity("1", "EUR")}, arguments={"portfolio": "sample book"})]
    message = "VaR of the sample book in USD"
    found = unused_inputs(calls, message, entities=INDEX, optional_arguments=OPTIONAL)
    assert found == ["USD"]
