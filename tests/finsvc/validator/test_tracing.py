import pytest

from finsvc.validator.entities import NameIndex
from finsvc.validator.tracing import crossed_arguments, untraced_arguments, unused_inputs
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
        ("VaR of the sample book at ninety percent", ["ninety", "percent"]),
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


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("VaR of a short position in the sample book", ["short"]),
        ("VaR of five million of the sample book", ["five", "million"]),
        ("VaR of minus the sample book", ["minus"]),
        ("Is the short-term VaR of the sample book one that matters?", []),
    ],
)
def test_sign_or_number_word_that_no_call_took_is_unused(message: str, words: list[str]) -> None:
    assert unused(message, portfolio="sample book") == words


CROSSING = "VaR of KO at 99% and of PG at 95%, please"


@pytest.mark.parametrize(
    ("confidences", "crossed"),
    [(("99%", "95%"), []), (("95%", "99%"), ["c2.confidence"]), (("99%", "99%"), [])],
)
def test_arguments_of_two_calls_follow_the_order_of_the_message(
    confidences: tuple[str, str], crossed: list[str]
) -> None:
    first = call(arguments={"portfolio": "KO", "confidence": confidences[0]})
    second = call(call_id="c2", arguments={"portfolio": "PG", "confidence": confidences[1]})
    assert crossed_arguments([first, second], CROSSING) == crossed


def test_spans_that_occur_twice_are_not_judged_by_order() -> None:
    first = call(arguments={"from": "EUR", "to": "USD"})
    second = call(call_id="c2", arguments={"from": "USD", "to": "EUR"})
    assert crossed_arguments([first, second], "EUR in USD and USD in EUR") == []


@pytest.mark.parametrize(
    ("source", "target", "crossed"), [("EUR", "USD", []), ("USD", "EUR", ["c1.to"])]
)
def test_currency_written_after_an_amount_is_no_target(
    source: str, target: str, crossed: list[str]
) -> None:
    conversion = call(
        name="convert_currency", arguments={"amount": "5m", "from": source, "to": target}
    )
    assert crossed_arguments([conversion], "What is 5m EUR in USD?") == crossed


@pytest.mark.parametrize("name", ["m\u0131crosoft", "m\u0130crosoft"])
def test_name_with_a_foreign_i_is_still_a_name(name: str) -> None:
    assert unused(f"VaR of the sample book and {name}", portfolio="sample book") == [name]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Expected shortfall of the sample book", ["Expected shortfall"]),
        ("CVaR of the sample book", ["CVaR"]),
        ("Volatility and beta of the sample book", ["Volatility", "beta"]),
        ("Value at risk of the sample book", []),
    ],
)
def test_quantity_that_no_call_computed_is_unused(message: str, words: list[str]) -> None:
    assert unused(message, portfolio="sample book") == words


def test_quantity_inside_an_argument_is_used() -> None:
    check = call(name="positions", arguments={"portfolio": "sample book", "limit": "VaR limit"})
    message = "Does the sample book keep its VaR limit?"
    assert unused_inputs([check], message, entities=INDEX, optional_arguments=OPTIONAL) == []


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("highest close of Apple", ["highest"]),
        ("average price of Apple", ["average"]),
        ("Is Apple more risky than it was", ["more risky than"]),
        ("price of Apple at Christmas", ["Christmas"]),
        ("opening price of Apple", ["opening"]),
        ("where did Apple close", []),
    ],
)
def test_statistic_that_the_tool_does_not_compute_is_unused(message: str, words: list[str]) -> None:
    calls = [call(name="price", arguments={"instrument": "Apple"})]
    found = unused_inputs(calls, message, entities=INDEX, optional_arguments={})
    assert found == words


def test_statistic_that_the_tool_computes_is_used() -> None:
    calls = [call(name="drawdown", arguments={"instrument": "Apple"})]
    message = "maximum drawdown of Apple"
    assert unused_inputs(calls, message, entities=INDEX, optional_arguments={}) == []
