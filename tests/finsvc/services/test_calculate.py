import pytest

from finsvc.domain.errors import InputError, RefusedError, UnknownNameError
from finsvc.domain.policy import Principal
from tests.finsvc.asking import ANALYST, Desk

INPUTS = {"portfolio": {"book": "sample"}, "as_of": "2022-12-28"}


def test_result_carries_the_second_methods_word_on_every_field(desk: Desk) -> None:
    document = desk.calculate("exposure", INPUTS, ANALYST)
    second = document["second"]
    assert isinstance(second, dict)
    assert isinstance(document["fields"], dict)
    assert second["fields"].keys() == document["fields"].keys()
    assert all(item["within"] for item in second["fields"].values())


@pytest.mark.parametrize(
    ("name", "inputs", "error"),
    [
        ("nothing", INPUTS, UnknownNameError),
        ("exposure", {**INPUTS, "portfolio": {"book": "unicorn"}}, UnknownNameError),
        ("exposure", {"as_of": "2022-12-28"}, InputError),
        ("exposure", {**INPUTS, "as_of": "2022-12-25"}, InputError),
        ("historical_var", {**INPUTS, "confidence": "1"}, InputError),
        ("historical_var", {**INPUTS, "confidence": "NaN"}, InputError),
    ],
)
def test_wrong_input_is_named(
    name: str, inputs: dict[str, object], error: type[InputError], desk: Desk
) -> None:
    with pytest.raises(error):
        desk.calculate(name, inputs, ANALYST)


def test_book_without_entitlement_is_refused(desk: Desk) -> None:
    other = Principal(id="ann", roles=frozenset({"analyst", "book:pelican"}))
    with pytest.raises(RefusedError, match="run_calculator"):
        desk.calculate("exposure", INPUTS, other)
