"""Suites that others wrote, against `finsvc serve`: every failure is expected and explained.

A failure that is not in a list fails, and so does a listed one that passes. Those that rest on what
the embedded model says are as steady as its bits: the same prompt gives the same answer.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from finsvc.demo import Service
from tests.data import test_data as data_path
from tests.e2e.conformance import foreign

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# Cases that schemathesis makes for each of our operations; a long run takes more.
EXAMPLES = os.environ.get("FINSVC_SCHEMATHESIS_EXAMPLES", "20")

_WRONG_ARGUMENT = "the small embedded model calls the tool with a number of its own, not with 3"
_ENDLESS = "the small embedded model does not end this answer, which rightly says that it was cut"
LANGCHAIN: Mapping[str, str] = {
    "test_tool_calling[model0]": _WRONG_ARGUMENT,
    "test_tool_calling[model1]": _WRONG_ARGUMENT,
    "test_tool_calling_async": _WRONG_ARGUMENT,
    "test_bind_runnables_as_tools": _ENDLESS,
    "test_structured_output_optional_param": _ENDLESS,
    "test_json_mode": _ENDLESS,
    "test_message_with_name": "harmony has no names of users, so a name is refused by its field",
    "test_unicode_tool_call_integration": "the small embedded model does not copy Chinese",
    "test_stream_time": "a benchmark, whose plugin is switched off: load beside it would decide",
}

_IMAGES = "there are no images for gpt-oss, so they are refused by their field"
COMPLY_CHAT: Mapping[str, str] = {
    "chat-basic-response": _ENDLESS,
    "chat-system-prompt": _ENDLESS,
    "chat-multi-turn": _ENDLESS,
    "chat-image-input": _IMAGES,
}
COMPLY_RESPONSES: Mapping[str, str] = {
    "basic-response": _ENDLESS,
    "system-prompt": _ENDLESS,
    "multi-turn": _ENDLESS,
    "streaming-response": _ENDLESS,
    "image-input": _IMAGES,
    "assistant-phase": _ENDLESS,
    "response-output-phase-schema": _ENDLESS,
}

_FLAT = "OpenAI describes 404 by the error itself; its service sends it under 'error', as here"
OPENAI: Mapping[str, str] = {
    "POST /responses/{response_id}/cancel: Response violates schema": _FLAT,
    "DELETE /responses/{response_id}: Response violates schema": _FLAT,
    "GET /responses/{response_id}/input_items: Unknown discriminator value": (
        "its discriminator has no mapping, so only names of schemas would fit; 'message' is right"
    ),
}
OPENAI_PATHS = (
    *("/chat/completions", "/models", "/models/{model}", "/responses", "/responses/{response_id}"),
    *("/responses/{response_id}/cancel", "/responses/{response_id}/input_items"),
)


@pytest.fixture
def response_id(service: Service) -> str:
    """A kept response, which is in the log too; of one test, which may find and delete it."""
    body = {"model": "embedded", "input": "What is a bond?", "max_output_tokens": 4}
    headers = {"authorization": f"Bearer {service.key}"}
    answer = httpx.post(f"{service.url}/v1/responses", json=body, headers=headers, timeout=120)
    return str(answer.json()["id"])


def test_langchain_integration_suite(service: Service, tmp_path: Path) -> None:
    outcomes = foreign.pytest_outcomes("langchain_chat", service, tmp_path, timeout_s=300)
    foreign.check(
        outcomes,
        LANGCHAIN,
        [
            "test_tool_choice",
            "test_structured_output[json_schema]",
            "test_usage_metadata_streaming",
            "test_tool_calling_with_no_arguments",
            "test_agent_loop[model0]",
        ],
    )


def test_llama_index_client(service: Service, tmp_path: Path) -> None:
    outcomes = foreign.pytest_outcomes("llama_index_chat", service, tmp_path, timeout_s=180)
    foreign.check(outcomes, {}, ["test_agent_answers_with_its_proof"])
    assert len(outcomes) == 8


@pytest.mark.parametrize(
    ("form", "expected", "passed"),
    [
        ("openai-chat", COMPLY_CHAT, ["chat-tool-calling", "chat-streaming-usage"]),
        ("open-responses", COMPLY_RESPONSES, ["tool-calling", "streaming-usage"]),
    ],
)
def test_llm_comply(
    service: Service, form: str, expected: Mapping[str, str], passed: list[str]
) -> None:
    done = foreign.run(
        "llm-comply",
        *("--base-url", f"{service.url}/v1", "--api-key", service.key, "--model", "embedded"),
        *("--format", form, "--json", "--timeout", "120"),
        service=service,
        timeout_s=420,
    )
    outcomes = {item["id"]: item["status"] for item in json.loads(done.stdout)["results"]}
    foreign.check(outcomes, expected, passed)


def test_schemathesis_on_the_services_own_description(
    service: Service, response_id: str, tmp_path: Path
) -> None:
    """What is valid need not be taken: many fields of OpenAI's are refused by name."""
    report = schemathesis(
        f"{service.url}/openapi.json",
        *("--phases", "coverage,fuzzing", "--exclude-checks", "positive_data_acceptance"),
        *("--max-examples", EXAMPLES),
        service=service,
        folder=tmp_path,
        more={"CONFORMANCE_RESPONSE": response_id},
    )
    assert failures(report) == set()
    assert accepted(report, "POST /v1/chat/completions") > 10
    assert accepted(report, "POST /v1/responses") > 10
    assert report["test_cases"]["generated"] > 1_500


def test_schemathesis_on_openais_description(
    service: Service, response_id: str, tmp_path: Path
) -> None:
    report = schemathesis(
        str(data_path("openai/openapi.json")),
        *("--url", f"{service.url}/v1", "--phases", "fuzzing", "--mode", "positive"),
        *("--checks", "not_a_server_error,response_schema_conformance,content_type_conformance"),
        *("--max-examples", "60"),
        *(part for path in OPENAI_PATHS for part in ("--include-path", path)),
        service=service,
        folder=tmp_path,
        more={"CONFORMANCE_RESPONSE": response_id, "CONFORMANCE_PLAIN": "1"},
    )
    assert failures(report) == set(OPENAI)
    assert accepted(report, "POST /chat/completions") > 5
    assert accepted(report, "POST /responses") > 5


def schemathesis(
    location: str, *arguments: str, service: Service, folder: Path, more: Mapping[str, str]
) -> dict[str, Any]:
    """Run it in a folder of its own, since it remembers what it found, and return its report."""
    path = folder / "report.json"
    done = foreign.run(
        "st",
        *("run", location, *arguments, "--header", f"Authorization: Bearer {service.key}"),
        *("--seed", "1", "--no-shrink", "--continue-on-failure", "--request-timeout", "120"),
        *("--report-json-path", str(path), "--report-dir", str(folder)),
        service=service,
        timeout_s=600,
        more={"SCHEMATHESIS_HOOKS": "schemathesis_hooks", **more},
        folder=folder,
    )
    report: dict[str, Any] = json.loads(path.read_text())
    assert report["complete"], done.stdout
    assert report["errors"] == [], done.stdout
    return report


def failures(report: dict[str, Any]) -> set[str]:
    return {
        f"{operation}: {failure['title']}"
        for failure in report["failures"]
        for operation in failure["operations"]
    }


def accepted(report: dict[str, Any], operation: str) -> int:
    return sum(int(phase["accepted"]) for phase in report["valid_rates"][operation].values())
