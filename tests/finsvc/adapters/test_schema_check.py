"""The second opinion on arguments and answers."""

import pytest

from finsvc.adapters.schema_check import AnswerCheck, SchemaCheck
from finsvc.domain.errors import InputError

PRICE = {
    "type": "object",
    "properties": {"s": {"type": "string"}, "on": {"type": "string", "format": "date"}},
    "required": ["s"],
}


@pytest.mark.parametrize(
    ("name", "arguments", "is_valid"),
    [
        ("price", '{"s":"KO"}', True),
        ("price", '{"s":"KO","on":"2022-06-30"}', True),
        ("price", '{"s":"KO","on":"2022-06-31"}', False),
        ("price", "{}", False),
        ("price", '{"s":5}', False),
        ("price", '{"s":', False),
        ("price", "[" * 100_000, False),
        ("any", '{"x":1}', True),
        ("other", '{"x":1}', True),
    ],
)
def test_check_arguments_of_declared_tools(name: str, arguments: str, is_valid: bool) -> None:
    assert SchemaCheck({"price": PRICE, "any": None})(name, arguments) is is_valid


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://example.com/x.json"},
        {"$ref": "file:///etc/passwd"},
        {"type": "string", "pattern": "("},
        {"minimum": object()},
    ],
)
def test_check_of_no_schema_names_its_place(schema: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        SchemaCheck({"a": None, "b": schema})
    assert caught.value.field == "tools.1.function.parameters"
    with pytest.raises(InputError, match="response_format"):
        AnswerCheck(schema)


def test_check_answer() -> None:
    check = AnswerCheck({"type": "object", "required": ["ok"]})
    assert check('{"ok":1}')
    assert not check("{}")
    assert not check("Yes.")
