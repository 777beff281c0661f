import json

import pytest

from finsvc.calculators.serialization import result_from_json, result_to_json
from finsvc.domain.errors import InputError
from tests.finsvc.calculators.factories import AS_OF, mixed_book, run


def document() -> dict[str, object]:
    return result_to_json(run("historical_var", portfolio=mixed_book(), as_of=AS_OF))


@pytest.mark.parametrize("name", ["historical_var", "exposure", "positions"])
def test_result_survives_json(name: str) -> None:
    result = run(name, portfolio=mixed_book(), as_of=AS_OF)
    assert result_from_json(json.loads(json.dumps(result_to_json(result)))) == result


def test_money_headline_states_value_unit_and_currency() -> None:
    written = document()
    assert (written["unit"], written["currency"]) == ("USD", "USD")
    assert written["value"] == written["fields"]["var"]["value"]  # type: ignore[index]


def test_table_headline_has_no_value_and_pure_numbers_no_currency() -> None:
    table = result_to_json(run("exposure", portfolio=mixed_book(), as_of=AS_OF))
    assert (table["value"], table["unit"], table["currency"]) == (None, None, None)
    beta = result_to_json(run("beta", instrument="ABC", benchmark="IDX", as_of=AS_OF))
    assert (beta["unit"], beta["currency"]) == ("1", None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": "1"}, "value"),
        ({"unit": "EUR"}, "unit"),
        ({"currency": None}, "currency"),
        ({"as_of": "2022-02-30"}, "as_of"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"fields": {"var": {"value": "NaN", "unit": "USD", "decimals": 0}}}, "fields.var.value"),
        ({"extra": 1}, "extra"),
    ],
)
def test_damaged_document_is_refused_with_the_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        result_from_json({**document(), **change})
    assert caught.value.field == field


def test_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(InputError):
        result_from_json([1])
