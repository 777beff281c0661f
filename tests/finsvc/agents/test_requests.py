import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.agents.catalogue import TOOLS
from finsvc.agents.requests import is_well_formed, parse_arguments
from finsvc.domain.errors import InputError
from finsvc.domain.turns import RequestedCall

VAR = TOOLS["value_at_risk"]


def test_arguments_are_read_in_the_order_of_the_schema() -> None:
    text = '{"as_of":"today","portfolio":"sample book","confidence":"99%"}'
    parsed = parse_arguments(VAR, text)
    assert list(parsed.items()) == [
        ("portfolio", "sample book"),
        ("confidence", "99%"),
        ("as_of", "today"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "value_at_risk: expected arguments in JSON"),
        ('{"portfolio":"a"', "value_at_risk: expected arguments in JSON"),
        ('{"portfolio":"a","portfolio":"b"}', "an argument is given twice"),
        ("[]", "value_at_risk: expected a JSON object, got list"),
        ('{"portfolio":"a","book":"b"}', "expected arguments portfolio, confidence"),
        ('{"portfolio":7}', "portfolio: expected text from the question, got 7"),
        ('{"portfolio":" "}', "portfolio: expected text from the question"),
        ('{"confidence":"99%"}', "portfolio: expected a value, got nothing"),
        ("[" * 100_000, "value_at_risk: expected arguments in JSON"),
    ],
)
def test_malformed_arguments_are_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_arguments(VAR, text)
    assert not is_well_formed(RequestedCall(name="value_at_risk", arguments=text), [VAR])


@given(st.text())
def test_any_text_is_arguments_or_an_input_error(text: str) -> None:
    request = RequestedCall(name="value_at_risk", arguments=text)
    if is_well_formed(request, [VAR]):
        assert parse_arguments(VAR, text)["portfolio"]


def test_call_of_a_tool_that_is_not_offered_is_malformed() -> None:
    request = RequestedCall(name="value_at_risk", arguments='{"portfolio":"sample book"}')
    assert is_well_formed(request, [VAR])
    assert not is_well_formed(request, [TOOLS["price"]])
