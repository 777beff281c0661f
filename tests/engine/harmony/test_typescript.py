import json
from pathlib import Path

import pytest

from engine.harmony.messages import ToolSpec
from engine.harmony.render import tools_section
from engine.harmony.typescript import json_text, typescript_type

# Recorded from openai-harmony 0.0.8; `test_oracle.py` records them again and compares.
GOLDEN = json.loads(Path(__file__).with_name("golden_tools.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN, ids=range(len(GOLDEN)))
def test_tools_section_is_that_of_the_reference_renderer(case: dict[str, str]) -> None:
    spec = ToolSpec(name="f", description=case["description"], parameters=case["parameters"])
    assert tools_section([spec]) == case["section"]


@pytest.mark.parametrize("schema", [None, True, 5, "string", [], {}, {"type": 5}, {"oneOf": "x"}])
def test_typescript_type_of_anything_else_is_any(schema: object) -> None:
    assert typescript_type(schema) == "any"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (0.1, "0.1"),
        (1e-5, "0.00001"),
        (1.5e-5, "0.000015"),
        (1e-6, "1e-6"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e16"),
        (1.5e300, "1.5e300"),
        (-0.0, "-0.0"),
        (2**64 - 1, "18446744073709551615"),
        (2**64, "1.8446744073709552e19"),
        (-(2**63), "-9223372036854775808"),
        (True, "true"),
        (None, "null"),
        ("\u00e9\n", '"\u00e9\\n"'),
        ({"b": [1, {"a": ()}]}, '{"b":[1,{"a":[]}]}'),
    ],
)
def test_json_text_writes_numbers_as_the_reference_does(value: object, text: str) -> None:
    assert json_text(value) == text
