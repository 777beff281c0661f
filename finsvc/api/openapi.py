"""What the service says of itself: OpenAPI at ``/openapi.json``, for holders of a key.

Requests are described by the models that check them. Answers are described here: what clients may
rely on, every field of OpenAI's forms that is always there and the proof beside them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from fastapi import FastAPI

from finsvc.api.error_map import STATUS

Schema = dict[str, object]

_METHODS = frozenset({"get", "post", "delete"})
# What fastapi would answer to what it cannot read; here that is a 400 in OpenAI's form.
_NEVER_SENT = "422"
_NOT_SENT_SCHEMAS = ("HTTPValidationError", "ValidationError")
# Refused before a route is known, so on every path alike.
_EVERYWHERE = sorted({status for status, _ in STATUS.values()} - {405})
_OPEN = frozenset({"/healthz", "/readyz"})
# Open to programs of the same machine.
_LOCAL = frozenset({"/metrics"})


class DescribedApp(FastAPI):
    """An application that describes its answers and errors."""

    def openapi(self) -> dict[str, Any]:
        """Return the description; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            _describe(document)
            self.openapi_schema = document
        return self.openapi_schema


def _describe(document: dict[str, Any]) -> None:
    schemas: dict[str, object] = document["components"]["schemas"]
    for name in _NOT_SENT_SCHEMAS:
        schemas.pop(name, None)
    schemas |= _SCHEMAS
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, operation in _operations(document):
        operation["responses"].pop(_NEVER_SENT, None)
        if path in _OPEN:
            statuses = [400, 413, 500, 503]
        else:
            statuses = _EVERYWHERE
            operation["security"] = [{"key": []}, *([{}] if path in _LOCAL else [])]
        for status in statuses:
            operation["responses"][str(status)] = _ERROR
        content = _CONTENT.get(path)
        if content is not None:
            operation["responses"]["200"] = {"description": "The answer.", "content": content}


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, cast("dict[str, Any]", operation)


def _object(properties: Mapping[str, object], *optional: str) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def _list(items: object) -> Schema:
    return {"type": "array", "items": items}


def _const(value: str) -> Schema:
    return {"type": "string", "const": value}


def _one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: object) -> Schema:
    return {"application/json": {"schema": schema}}


_TEXT: Schema = {"type": "string"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_ANY_OBJECT: Schema = {"type": "object"}
# A schema would be of each event; those are OpenAI's.
_STREAM: Schema = {"text/event-stream": {}}

_PROOF = _object({"verdict": _TEXT, "receipt": _ANY_OBJECT})
_CALL = _object(
    {
        "id": _TEXT,
        "type": _const("function"),
        "function": _object({"name": _TEXT, "arguments": _TEXT}),
    }
)
_MESSAGE = _object(
    {
        "role": _const("assistant"),
        "content": _MAYBE_TEXT,
        "refusal": {"type": "null"},
        "annotations": _list(_ANY_OBJECT),
        "tool_calls": _list(_CALL),
    },
    "tool_calls",
)
_CHOICE = _object(
    {
        "index": _COUNT,
        "message": _MESSAGE,
        "logprobs": {"type": ["object", "null"]},
        "finish_reason": _one_of("stop", "length", "tool_calls"),
    }
)
_CHAT_USAGE = _object(
    {
        "prompt_tokens": _COUNT,
        "completion_tokens": _COUNT,
        "total_tokens": _COUNT,
        "prompt_tokens_details": _object({"cached_tokens": _COUNT}),
        "completion_tokens_details": _object({"reasoning_tokens": _COUNT}),
    },
    # Agents do not reason.
    "completion_tokens_details",
)
_RESPONSE_USAGE = _object(
    {
        "input_tokens": _COUNT,
        "input_tokens_details": _object({"cached_tokens": _COUNT, "cache_write_tokens": _COUNT}),
        "output_tokens": _COUNT,
        "output_tokens_details": _object({"reasoning_tokens": _COUNT}),
        "total_tokens": _COUNT,
    }
)
_OUTPUT = _object({"id": _TEXT, "type": _one_of("message", "reasoning", "function_call")})
_MODEL = _object(
    {
        "id": _TEXT,
        "object": _const("model"),
        "created": _COUNT,
        "owned_by": _TEXT,
        "finsvc": _object({"kind": _one_of("agent", "raw"), "fingerprint": _TEXT}),
    }
)

_SCHEMAS: Mapping[str, Schema] = {
    "Error": _object(
        {
            "error": _object(
                {
                    "message": _TEXT,
                    "type": _TEXT,
                    "param": _MAYBE_TEXT,
                    "code": {"type": "string", "enum": sorted(STATUS)},
                }
            )
        }
    ),
    "ChatCompletion": _object(
        {
            "id": _TEXT,
            "object": _const("chat.completion"),
            "created": _COUNT,
            "model": _TEXT,
            "system_fingerprint": _TEXT,
            "choices": {**_list(_CHOICE), "minItems": 1},
            "usage": _CHAT_USAGE,
            "finsvc": _PROOF,
        }
    ),
    "Response": _object(
        {
            "id": _TEXT,
            "object": _const("response"),
            "created_at": _COUNT,
            "completed_at": {"type": ["integer", "null"]},
            "status": _one_of(
                "queued", "in_progress", "completed", "incomplete", "cancelled", "failed"
            ),
            "model": _TEXT,
            "output": _list(_OUTPUT),
            "usage": {"anyOf": [_RESPONSE_USAGE, {"type": "null"}]},
            "error": {"type": ["object", "null"]},
            "incomplete_details": {"type": ["object", "null"]},
            "previous_response_id": _MAYBE_TEXT,
            "store": {"type": "boolean"},
            "background": {"type": "boolean"},
            "system_fingerprint": _TEXT,
            "finsvc": _PROOF,
        },
        "finsvc",
    ),
    "Model": _MODEL,
}
_ERROR: Schema = {
    "description": "Refused or failed; the code says why.",
    "content": _json(_ref("Error")),
}
_RESPONSE_ID = "/v1/responses/{response_id}"
_CONTENT: Mapping[str, Schema] = {
    "/metrics": {"text/plain": {"schema": _TEXT}},
    "/v1/models": _json(_object({"object": _const("list"), "data": _list(_ref("Model"))})),
    "/v1/models/{name}": _json(_ref("Model")),
    "/v1/chat/completions": {**_json(_ref("ChatCompletion")), **_STREAM},
    "/v1/responses": {**_json(_ref("Response")), **_STREAM},
    f"{_RESPONSE_ID}/cancel": _json(_ref("Response")),
    f"{_RESPONSE_ID}/input_items": _json(
        _object({"object": _const("list"), "data": _list(_ANY_OBJECT)})
    ),
    "/v1/agents/{agent}/runs": {
        **_json(_object({"answer": _TEXT, "verdict": _TEXT, "receipt": _ANY_OBJECT})),
        **_STREAM,
    },
    "/v1/calculators/{name}/plot": {
        "image/svg+xml": {"schema": _TEXT},
        "image/png": {"schema": {"type": "string", "format": "binary"}},
    },
}
