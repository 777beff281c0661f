"""Spans with the GenAI names and metrics, without any content."""

from collections.abc import Mapping

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from finsvc.agents.catalogue import AgentName
from finsvc.agents.loop import Question
from finsvc.domain.calls import CallError, ToolCall
from finsvc.domain.errors import StateError
from finsvc.domain.identifiers import CallId
from finsvc.domain.policy import Principal
from finsvc.domain.turns import RequestedCall
from finsvc.services.chat import ChatCommand, ChatMessage, ChatOptions, ChatRole
from finsvc.services.ports import RecordKind
from finsvc.telemetry import (
    ObservedExecutor,
    ObservedLog,
    ObservedModel,
    ObservedRawModel,
    Telemetry,
    open_telemetry,
)
from tests.finsvc.api.fakes import FakeLog, FakeRawModel
from tests.finsvc.factories import call
from tests.finsvc.scripted import ScriptedModel, final

SECRET = "the secret question"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def telemetry(spans: InMemorySpanExporter) -> Telemetry:
    return Telemetry(processors=[SimpleSpanProcessor(spans)])


class FakeExecutor:
    def __init__(self, result: ToolCall) -> None:
        self.result = result

    def execute(self, call_id: CallId, request: RequestedCall, question: Question) -> ToolCall:
        return self.result


def run_tool(telemetry: Telemetry, result: ToolCall) -> None:
    request = RequestedCall(name="value_at_risk", arguments=f'{{"portfolio":"{SECRET}"}}')
    question = Question(text=SECRET, agent=AgentName.RISK, book=None, as_of=None)
    ObservedExecutor(FakeExecutor(result), telemetry).execute(CallId("c1"), request, question)


def test_spans_of_an_answer_nest_and_have_genai_names(
    telemetry: Telemetry, spans: InMemorySpanExporter
) -> None:
    model = ObservedModel(ScriptedModel(final("Done.")), telemetry)
    with telemetry.agent_call("risk"):
        dialogue = model.open(instructions="i", tools=(), user_message=SECRET, tenant="t")
        dialogue.next_turn(attempt=0, may_call=True)
        run_tool(telemetry, call())
    chat, tool, agent = spans.get_finished_spans()
    name = model.identity.name
    assert [span.name for span in (agent, chat, tool)] == [
        "invoke_agent risk",
        f"chat {name}",
        "execute_tool value_at_risk",
    ]
    assert agent.context is not None
    for span in (chat, tool):
        assert span.parent is not None
        assert span.parent.span_id == agent.context.span_id
    assert chat.attributes is not None
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.usage.input_tokens"] == 3
    assert chat.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert tool.attributes is not None
    assert tool.attributes["gen_ai.tool.name"] == "value_at_risk"


def test_spans_hold_no_content(telemetry: Telemetry, spans: InMemorySpanExporter) -> None:
    def fail() -> None:
        with telemetry.agent_call("risk"):
            run_tool(telemetry, call())
            raise ValueError(SECRET)

    with pytest.raises(ValueError, match=SECRET):
        fail()
    for span in spans.get_finished_spans():
        assert SECRET not in span.to_json()
    last = spans.get_finished_spans()[-1]
    assert last.status.status_code is StatusCode.ERROR
    assert last.attributes is not None
    assert last.attributes["error.type"] == "ValueError"
    assert SECRET not in telemetry.metrics().decode()


def test_tool_error_is_named_by_its_code(telemetry: Telemetry, spans: InMemorySpanExporter) -> None:
    run_tool(telemetry, call(error=CallError(code="non_trading_day", message=SECRET)))
    (span,) = spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "non_trading_day"
    text = telemetry.metrics().decode()
    assert 'gen_ai_tool_name="value_at_risk",outcome="non_trading_day"' in text


def test_tokens_and_times_of_turns_are_counted(telemetry: Telemetry) -> None:
    raw = ObservedRawModel(FakeRawModel([]), telemetry)
    command = ChatCommand(
        model="embedded",
        messages=(ChatMessage(role=ChatRole.USER, content="x"),),
        tools=(),
        options=ChatOptions(),
        principal=Principal(id="p", roles=frozenset()),
        request_id="r",
    )
    raw.run(raw.prepare(command), lambda _: None, lambda: False)
    text = telemetry.metrics().decode()
    sampled = 'gen_ai_request_model="embedded",gen_ai_token_type="output"} 3.0'
    assert f"gen_ai_client_token_usage_total{{{sampled}" in text
    assert 'gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat"' in text


def test_appends_are_timed_and_reads_pass_through(telemetry: Telemetry) -> None:
    log = ObservedLog(FakeLog([]), telemetry)
    log.append(RecordKind.DECISION, "dec_1", {})
    assert 'finsvc_audit_append_seconds_count{kind="decision"} 1.0' in telemetry.metrics().decode()
    found = log.find("dec_1")
    assert found is not None
    assert list(log.records()) == [found]
    assert log.receipt("dec_1") is not None


def test_endpoint_without_the_exporter_package_is_refused_by_name() -> None:
    with pytest.raises(StateError, match="opentelemetry-exporter-otlp-proto-http"):
        open_telemetry("http://127.0.0.1:4318")
    open_telemetry(None).close()


COUNTS = {"num_waiting": 3, "num_running": 2, "cached_tokens": 40, "prompt_tokens": 100}


def test_counts_of_the_scheduler_are_read_whenever_metrics_are(telemetry: Telemetry) -> None:
    counts: list[Mapping[str, object] | None] = [COUNTS, {**COUNTS, "num_waiting": 0}, None]
    telemetry.watch_engine(lambda: counts.pop(0))
    lines = telemetry.metrics().decode().splitlines()
    assert {
        "finsvc_scheduler_queue_length 3.0",
        "finsvc_scheduler_batch_size 2.0",
        "finsvc_scheduler_cached_tokens_total 40.0",
        "finsvc_scheduler_prompt_tokens_total 100.0",
    } <= set(lines)
    assert "finsvc_scheduler_queue_length 0.0" in telemetry.metrics().decode()
    # An engine that is away has no counts, and the rest is still there.
    text = telemetry.metrics().decode()
    assert "finsvc_scheduler" not in text
    assert "finsvc_audit_append_seconds" in text


def test_first_text_and_mean_token_of_a_raw_turn_are_timed(telemetry: Telemetry) -> None:
    raw = ObservedRawModel(FakeRawModel([]), telemetry)
    command = ChatCommand(
        model="embedded",
        messages=(ChatMessage(role=ChatRole.USER, content=SECRET),),
        tools=(),
        options=ChatOptions(),
        principal=Principal(id="p", roles=frozenset()),
        request_id="r",
    )
    raw.run(raw.prepare(command), lambda _: None, lambda: False)
    text = telemetry.metrics().decode()
    labels = '{gen_ai_operation_name="chat",gen_ai_request_model="embedded"} 1.0'
    assert f"gen_ai_server_time_to_first_token_seconds_count{labels}" in text
    assert f"gen_ai_server_time_per_output_token_seconds_count{labels}" in text
