"""Spans and metrics: OpenTelemetry's GenAI names, Prometheus' counters, never any content.

Names follow the GenAI conventions of OpenTelemetry (schema gen-ai-dev/1.42.0, all still in
development); they live here and nowhere else. Prompts, answers, arguments and results are not
recorded: spans say which model and tool ran, how long, with how many tokens and what verdict.
"""

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from finsvc.agents.catalogue import AgentTool
from finsvc.agents.loop import Executor, Question
from finsvc.agents.model import Dialogue, LanguageModel
from finsvc.domain.calls import ToolCall
from finsvc.domain.errors import StateError
from finsvc.domain.identifiers import CallId
from finsvc.domain.turns import ModelIdentity, ModelTurn, RequestedCall
from finsvc.scheduler_metrics import SchedulerMetrics, Stats
from finsvc.services.chat import ChatCommand, OnText, RawModel, RawPrompt, RawTurn
from finsvc.services.conversation import TextPiece
from finsvc.services.decision import Decision
from finsvc.services.ports import Json, LoggedRecord, RecordKind, RecordLog

PROVIDER = "finsvc"
_EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_EXPORTER_PACKAGE = "opentelemetry-exporter-otlp-proto-http"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_TOKEN_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_APPEND_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)

AttributeValue = str | int | float | bool


class Telemetry:
    """The tracer and the metrics of one process."""

    def __init__(self, *, processors: Sequence[SpanProcessor] = ()) -> None:
        """Start empty; without processors no span is kept."""
        resource = Resource.create({"service.name": PROVIDER})
        self._provider = TracerProvider(resource=resource)
        for processor in processors:
            self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(PROVIDER)
        self.registry = CollectorRegistry()
        self._make_model_metrics()
        self._requests = Histogram(
            "finsvc_http_request_duration_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tool_seconds = Histogram(
            "gen_ai_execute_tool_duration_seconds",
            "Time of one tool call, policy and calculators together.",
            ("gen_ai_tool_name", "outcome"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._verdicts = Counter(
            "finsvc_verdicts", "Answers by verdict.", ("agent", "verdict"), registry=self.registry
        )
        self._claims = Counter(
            "finsvc_claims", "Numbers in answers by verdict.", ("verdict",), registry=self.registry
        )
        self._appends = Histogram(
            "finsvc_audit_append_seconds",
            "Time until a record was durable.",
            ("kind",),
            buckets=_APPEND_SECONDS,
            registry=self.registry,
        )
        self._queue = Gauge(
            "finsvc_engine_queue_depth", "Questions waiting for a place.", registry=self.registry
        )
        self._running = Gauge(
            "finsvc_engine_running", "Questions being answered.", registry=self.registry
        )

    def _make_model_metrics(self) -> None:
        """Those of turns, under OpenTelemetry's names."""
        self._model_seconds = Histogram(
            "gen_ai_server_request_duration_seconds",
            "Time of one turn of the model.",
            ("gen_ai_operation_name", "gen_ai_request_model"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._first_seconds = Histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "Time until the first text of a turn of a raw model, reasoning included.",
            ("gen_ai_operation_name", "gen_ai_request_model"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._token_seconds = Histogram(
            "gen_ai_server_time_per_output_token_seconds",
            "Mean time of a token of a turn.",
            ("gen_ai_operation_name", "gen_ai_request_model"),
            buckets=_TOKEN_SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "gen_ai_client_token_usage",
            "Tokens given to and sampled by the model.",
            ("gen_ai_request_model", "gen_ai_token_type"),
            registry=self.registry,
        )

    def watch_queue(self, waiting: Callable[[], int], running: Callable[[], int]) -> None:
        """Read the queue's depth whenever metrics are."""
        self._queue.set_function(waiting)
        self._running.set_function(running)

    def watch_engine(self, read: Stats) -> None:
        """Read the counts of the engine's scheduler whenever metrics are."""
        self.registry.register(SchedulerMetrics(read))

    def first_text(self, identity: ModelIdentity, seconds: float) -> None:
        """Time how long a caller of a raw model waited for the first text."""
        self._first_seconds.labels("chat", identity.name).observe(seconds)

    def watch_log(
        self, *, unwitnessed: Callable[[], int] | None, unstamped: Callable[[], int] | None
    ) -> None:
        """Read how far witnesses and time stamps are behind whenever metrics are."""
        for name, what, read in (
            (
                "finsvc_audit_unwitnessed_records",
                "Records without the witnesses' quorum.",
                unwitnessed,
            ),
            ("finsvc_audit_unstamped_records", "Records that no time stamp covers.", unstamped),
        ):
            if read is not None:
                Gauge(name, what, registry=self.registry).set_function(read)

    def metrics(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def request(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count an HTTP request; ``route`` is the path's template, never the path."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def decision(self, agent: str, decision: Decision) -> None:
        """Count an answer and the verdicts of its numbers."""
        self._verdicts.labels(agent, decision.verdict.value).inc()
        for claim in decision.claims:
            self._claims.labels(claim.verdict.value).inc()

    def turn(
        self,
        operation: str,
        identity: ModelIdentity,
        turn: ModelTurn | RawTurn,
        *,
        seconds: float | None = None,
    ) -> None:
        """Count the tokens of a turn, and time them where its seconds are known."""
        if seconds is not None and turn.trace.token_ids:
            mean = seconds / len(turn.trace.token_ids)
            self._token_seconds.labels(operation, identity.name).observe(mean)
        self._tokens.labels(identity.name, "input").inc(len(turn.trace.prompt_ids))
        self._tokens.labels(identity.name, "output").inc(len(turn.trace.token_ids))
        span = trace.get_current_span()
        span.set_attribute("gen_ai.usage.input_tokens", len(turn.trace.prompt_ids))
        span.set_attribute("gen_ai.usage.output_tokens", len(turn.trace.token_ids))
        span.set_attribute("gen_ai.usage.cache_read.input_tokens", turn.trace.cached_tokens)
        span.set_attribute("gen_ai.response.model", identity.name)
        span.set_attribute("gen_ai.response.finish_reasons", [turn.trace.finish_reason])

    @contextmanager
    def span(
        self, operation: str, target: str, attributes: Mapping[str, AttributeValue] | None = None
    ) -> Iterator[Span]:
        """Open a span ``{operation} {target}``; an exception marks it with its type alone."""
        with self._tracer.start_as_current_span(
            f"{operation} {target}",
            kind=SpanKind.INTERNAL,
            attributes={
                "gen_ai.operation.name": operation,
                "gen_ai.provider.name": PROVIDER,
                **(attributes or {}),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                # The message may quote the question, so only the type is kept.
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise

    @contextmanager
    def model_call(self, identity: ModelIdentity) -> Iterator[Span]:
        """Time and trace one turn of a model."""
        started = time.perf_counter()
        with self.span("chat", identity.name, {"gen_ai.request.model": identity.name}) as span:
            try:
                yield span
            finally:
                seconds = time.perf_counter() - started
                self._model_seconds.labels("chat", identity.name).observe(seconds)

    @contextmanager
    def agent_call(self, agent: str) -> Iterator[Span]:
        """Trace one question put to an agent."""
        with self.span("invoke_agent", agent, {"gen_ai.agent.name": agent}) as span:
            yield span

    def tool_done(self, call: ToolCall, seconds: float) -> None:
        """Count a tool call by how it ended."""
        outcome = "ok" if call.error is None else call.error.code
        self._tool_seconds.labels(call.name, outcome).observe(seconds)

    def append_done(self, kind: RecordKind, seconds: float) -> None:
        """Count a durable record."""
        self._appends.labels(kind.value).observe(seconds)

    def close(self) -> None:
        """Send what spans are left."""
        self._provider.shutdown()


class ObservedModel:
    """A language model whose turns are traced and counted."""

    def __init__(self, model: LanguageModel, telemetry: Telemetry) -> None:
        self._model = model
        self._telemetry = telemetry

    @property
    def identity(self) -> ModelIdentity:
        """The model's own identity."""
        return self._model.identity

    def open(
        self,
        *,
        instructions: str,
        tools: Sequence[AgentTool],
        user_message: str,
        tenant: str,
        seed: int | None = None,
    ) -> Dialogue:
        """Start a conversation."""
        dialogue = self._model.open(
            instructions=instructions,
            tools=tools,
            user_message=user_message,
            tenant=tenant,
            seed=seed,
        )
        return _ObservedDialogue(dialogue, self._model.identity, self._telemetry)


class _ObservedDialogue:
    """A conversation whose turns are traced."""

    def __init__(self, dialogue: Dialogue, identity: ModelIdentity, telemetry: Telemetry) -> None:
        self._dialogue = dialogue
        self._identity = identity
        self._telemetry = telemetry

    def next_turn(self, *, attempt: int, may_call: bool) -> ModelTurn:
        """Sample the next turn."""
        with self._telemetry.model_call(self._identity):
            turn = self._dialogue.next_turn(attempt=attempt, may_call=may_call)
            self._telemetry.turn("chat", self._identity, turn)
            return turn

    def add_result(self, *, tool: str, arguments: str, payload: Mapping[str, str]) -> None:
        """Append a call and its result."""
        self._dialogue.add_result(tool=tool, arguments=arguments, payload=payload)


class ObservedExecutor:
    """An executor whose calls are traced and counted."""

    def __init__(self, executor: Executor, telemetry: Telemetry) -> None:
        self._executor = executor
        self._telemetry = telemetry

    def execute(self, call_id: CallId, request: RequestedCall, question: Question) -> ToolCall:
        """Run one call."""
        attributes = {"gen_ai.tool.name": request.name, "gen_ai.tool.call.id": str(call_id)}
        started = time.perf_counter()
        with self._telemetry.span("execute_tool", request.name, attributes) as span:
            call = self._executor.execute(call_id, request, question)
            if call.error is not None:
                span.set_attribute("error.type", call.error.code)
        self._telemetry.tool_done(call, time.perf_counter() - started)
        return call


class ObservedLog:
    """A record log whose appends are timed."""

    def __init__(self, log: RecordLog, telemetry: Telemetry) -> None:
        self._log = log
        self._telemetry = telemetry

    def append(self, kind: RecordKind, record_id: str, body: Json) -> Json:
        """Append a record."""
        started = time.perf_counter()
        receipt = self._log.append(kind, record_id, body)
        self._telemetry.append_done(kind, time.perf_counter() - started)
        return receipt

    def find(self, record_id: str) -> LoggedRecord | None:
        """The record of that identifier."""
        return self._log.find(record_id)

    def records(self) -> Iterator[LoggedRecord]:
        """All records in order."""
        return self._log.records()

    def receipt(self, record_id: str) -> Json | None:
        """A fresh receipt."""
        return self._log.receipt(record_id)


class ObservedRawModel:
    """A raw model whose turns are traced and counted."""

    def __init__(self, model: RawModel, telemetry: Telemetry) -> None:
        self._model = model
        self._telemetry = telemetry

    @property
    def identity(self) -> ModelIdentity:
        """The model's own identity."""
        return self._model.identity

    def prepare(self, command: ChatCommand) -> RawPrompt:
        """Render the conversation."""
        return self._model.prepare(command)

    def run(self, prompt: RawPrompt, on_text: OnText, is_cancelled: Callable[[], bool]) -> RawTurn:
        """Sample one turn."""
        identity, started = self._model.identity, time.perf_counter()
        is_first = True

        def observed(piece: TextPiece) -> None:
            nonlocal is_first
            if is_first:
                is_first = False
                self._telemetry.first_text(identity, time.perf_counter() - started)
            on_text(piece)

        with self._telemetry.model_call(identity):
            turn = self._model.run(prompt, observed, is_cancelled)
            seconds = time.perf_counter() - started
            self._telemetry.turn("chat", identity, turn, seconds=seconds)
            return turn


def open_telemetry(endpoint: str | None) -> Telemetry:
    """Start telemetry; spans go to an OTLP endpoint when one is named.

    Raises:
        StateError: An endpoint is named, but the exporter's package is not installed.
    """
    if endpoint is None:
        return Telemetry()
    try:
        # An optional package: whoever exports spans installs it beside the service.
        module = importlib.import_module(_EXPORTER)
    except ModuleNotFoundError as error:
        message = f"otlp_endpoint: expected the package {_EXPORTER_PACKAGE}, which is not installed"
        raise StateError(message) from error
    exporter: SpanExporter = module.OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    return Telemetry(processors=[BatchSpanProcessor(exporter)])
