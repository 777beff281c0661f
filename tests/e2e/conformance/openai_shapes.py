"""OpenAI's own description of its API, as validators of what the service answers."""

import json
from functools import lru_cache

import jsonschema_rs

from tests.data import test_data as data_path


@lru_cache(maxsize=1)
def _description() -> dict[str, object]:
    loaded: dict[str, object] = json.loads(data_path("openai/openapi.json").read_text())
    return loaded


def faults(name: str, document: object) -> list[str]:
    """What a document breaks of the schema of that name; empty when nothing."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": _description()["components"]}
    validator = jsonschema_rs.validator_for(schema)
    return [
        f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
        for error in validator.iter_errors(document)
    ]
