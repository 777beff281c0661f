import pytest

from finsvc.domain.errors import InputError
from finsvc.services.validate_text import Json, validate_text
from tests.finsvc.asking import ANALYST, Desk

CLOSE = {"calculator": "close", "inputs": {"instrument": "AAPL", "as_of": "2022-12-28"}}
VAR = {
    "calculator": "historical_var",
    "inputs": {"portfolio": {"book": "sample"}, "as_of": "2022-12-28"},
}


def judge(desk: Desk, text: str, *results: Json) -> dict[str, object]:
    return validate_text(text, results, lambda name, given: desk.calculate(name, given, ANALYST))


def test_claim_of_a_calculator_that_ran_here_is_verified(desk: Desk) -> None:
    report = judge(desk, "Apple closed at 125.67 USD on 28 December 2022.", CLOSE)
    assert report["verdict"] == "verified"
    claims = report["claims"]
    assert isinstance(claims, list)
    claim = claims[0]
    assert claim["source"] == {"call": "c1", "field": "close"}


def test_wrong_claims_are_refused_with_reasons_for_people(desk: Desk) -> None:
    report = judge(desk, "Apple closed at 125.67 EUR. Risk doubled.", CLOSE)
    assert report["verdict"] == "abstained"
    claims = report["claims"]
    assert isinstance(claims, list)
    claim = claims[0]
    assert claim["reasons"] == ["unit_mismatch"]
    assert claim["details"] == ["125.67 EUR is stated, close is 125.67 USD"]
    assert report["findings"] == [{"reason": "unbound_number", "detail": "doubled"}]


def test_books_of_the_inputs_are_names_and_a_given_result_confirms_nothing(desk: Desk) -> None:
    document = desk.calculate("historical_var", VAR["inputs"], ANALYST)  # type: ignore[arg-type]
    text = f"The 10-day 99% VaR of the sample book is {document['value']} USD."
    assert judge(desk, text, VAR)["verdict"] == "verified"
    assert judge(desk, text, document)["verdict"] == "needs_human"


def test_text_without_results_is_unverified(desk: Desk) -> None:
    assert judge(desk, "VaR is 5 USD.")["verdict"] == "unverified"


@pytest.mark.parametrize(
    ("text", "results", "field"),
    [
        (" ", (), "text"),
        ("x" * 20_001, (), "text"),
        ("VaR is 5.", ({"calculator": "close"},), "results.0"),
        ("VaR is 5.", ({"fields": {}},), "calculator"),
        ("VaR is 5.", (CLOSE,) * 21, "results"),
    ],
)
def test_wrong_input_is_named(text: str, results: tuple[Json, ...], field: str, desk: Desk) -> None:
    with pytest.raises(InputError) as caught:
        judge(desk, text, *results)
    assert caught.value.field == field
