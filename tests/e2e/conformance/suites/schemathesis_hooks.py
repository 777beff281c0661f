"""Leads schemathesis to things that exist: without these nearly all it makes is an unknown model.

Only strings that it made for these places are replaced, only missing bounds and companions of
fields are added, so what was wrong on purpose stays wrong.
"""

import os
from collections.abc import Mapping
from typing import Any

import schemathesis

MODELS = ("embedded",)
# Few tokens, but no fewer than OpenAI's description allows: what it forbids counts as invalid.
BOUNDS = {
    "/chat/completions": ("max_completion_tokens", 2),
    "/responses": ("max_output_tokens", 16),
}
# A record of the log, made before the run, and names of things that every service has.
NAMES: Mapping[str, tuple[str, ...]] = {
    "name": ("embedded", "fx_convert", "finsvc/risk"),
    "agent": ("risk", "market"),
    "response_id": (os.environ["CONFORMANCE_RESPONSE"],),
    "record_id": (os.environ["CONFORMANCE_RESPONSE"],),
    "decision_id": (os.environ["CONFORMANCE_RESPONSE"],),
}


def pick(choices: tuple[str, ...], made: str) -> str:
    """One of them, the same for the same made string; some made strings stay as they are."""
    index = sum(made.encode("utf-8", "replace")) % (len(choices) + 1)
    return choices[index] if index < len(choices) else made


# Of OpenAI's fields those that every raw model takes; with others next to nothing is accepted.
PLAIN = {
    "/chat/completions": ("model", "temperature", "top_p", "stop", "logprobs", "user"),
    "/responses": ("model", "temperature", "top_p", "instructions", "store", "top_logprobs"),
}
SAID: Mapping[str, Mapping[str, object]] = {
    "/chat/completions": {"messages": [{"role": "user", "content": "What is a bond?"}]},
    # OpenAI's description leaves out the model; there is none to take by default.
    "/responses": {"model": "embedded", "input": "What is a bond?"},
}
IS_PLAIN = os.environ.get("CONFORMANCE_PLAIN") == "1"


def with_companions(body: dict[str, Any]) -> dict[str, Any]:
    """Rules between fields, which no schema of one field can say."""
    whole = {name: value for name, value in body.items() if name != "finsvc"}
    if "top_logprobs" in whole and whole.get("logprobs") in (None, False):
        whole["logprobs"] = True
    if "stream_options" in whole and not whole.get("stream"):
        del whole["stream_options"]
    if isinstance(whole.get("messages"), list):
        # What a tool said needs the call that it answers, which no single message holds.
        whole["messages"] = [_said_by_user(message) for message in whole["messages"]]
    return whole


def _said_by_user(message: object) -> object:
    if not isinstance(message, dict) or message.get("role") != "tool":
        return message
    content = "What is a bond?" if message.get("content") is None else message["content"]
    return {**message, "role": "user", "content": content}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    path = case.operation.path.removeprefix("/v1")
    # A deleted response would be gone for the others; here nothing is found to be deleted.
    if case.operation.method.upper() == "DELETE":
        if IS_PLAIN and "response_id" in (case.path_parameters or {}):
            case.path_parameters["response_id"] = "resp_none"
    else:
        for name, value in (case.path_parameters or {}).items():
            if name in NAMES and isinstance(value, str):
                case.path_parameters[name] = pick(NAMES[name], value)
    body = case.body
    if path not in BOUNDS or not isinstance(body, dict):
        return
    if IS_PLAIN and len(body) % 2:
        body = {name: body[name] for name in PLAIN[path] if name in body} | SAID[path]
    if isinstance(body.get("model"), str):
        body["model"] = "embedded" if IS_PLAIN else pick(MODELS, body["model"])
    if body.get("model") == "embedded":
        body = with_companions(body)
        body.setdefault(*BOUNDS[path])
    case.body = body
