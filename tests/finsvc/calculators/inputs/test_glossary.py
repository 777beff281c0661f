"""Every field of every input schema says what it means; no sentence is left over."""

from collections.abc import Iterator, Mapping

from finsvc.calculators.inputs.glossary import described, glossary
from finsvc.calculators.registry import CALCULATORS


def fields() -> Iterator[tuple[str, str, Mapping[str, object]]]:
    for entry in CALCULATORS.values():
        schema = entry.input_schema
        parts = schema.get("$defs", {})
        assert isinstance(parts, dict)
        for model, part in [(str(schema["title"]), schema), *parts.items()]:
            for name, field in part.get("properties", {}).items():
                yield model, name, field


def test_every_field_of_every_input_is_described() -> None:
    assert [
        (model, name)
        for model, name, field in fields()
        if "description" not in field and "const" not in field
    ] == []


def test_every_sentence_describes_a_field() -> None:
    used = {key for model, name, _ in fields() for key in (name, f"{model}.{name}")}
    assert set(glossary()) - used == set()
    assert all(meaning.endswith(".") for meaning in glossary().values())


def test_own_description_of_a_model_goes_first() -> None:
    part = {"title": "M", "properties": {"rate": {"description": "mine"}, "unheard_of": {}}}
    assert described(part)["properties"] == part["properties"]
    assert described({"title": "M"})["properties"] == {}
