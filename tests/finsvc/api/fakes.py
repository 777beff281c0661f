"""A small service in memory: real policies, identities, chat and approvals over scripted models."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from fastapi.testclient import TestClient

from finsvc.adapters.identities import LOCAL_ROLES, LocalIdentities
from finsvc.adapters.policies import CedarPolicies
from finsvc.agents.loop import Progress
from finsvc.api.app import create_app
from finsvc.compliance.reports import report_definition
from finsvc.domain.identifiers import CallId, DecisionId
from finsvc.domain.policy import Principal
from finsvc.domain.turns import ModelIdentity, TurnTrace
from finsvc.domain.verdicts import Claim, SecondCheck, Source, Verdict
from finsvc.services.approve import Approvals
from finsvc.services.chat import Chat, ChatCommand, ChatParts, OnText, RawPrompt, RawTurn
from finsvc.services.conversation import (
    Candidate,
    ChatToolCall,
    FinishReason,
    TextKind,
    TextPiece,
    TokenChoice,
)
from finsvc.services.custody import Custody
from finsvc.services.decision import AskCommand, Decision, Usage
from finsvc.services.ports import Json, LoggedRecord, RecordKind, VerifySummary
from finsvc.services.replay import Level, ReplayResult, ReplayRun
from finsvc.services.replay_selection import Selection
from finsvc.services.report import ReportCommand, ReportRun
from finsvc.services.responses import StoredResponse
from finsvc.services.search import Search, SearchLog
from finsvc.settings import Settings
from finsvc.telemetry import Telemetry
from tests.finsvc.custodians import FakeCustodian
from tests.finsvc.factories import AS_OF, call

MODELS = ("finsvc/auto", "finsvc/risk", "finsvc/compliance", "finsvc/market", "embedded")
IDENTITY = ModelIdentity(name="embedded", fingerprint="f" * 64, manifest={"dtype": "float32"})
ANSWER = "The value at risk of the sample book is 48,212 USD."


class FakeClock:
    """Counts instead of ticking."""

    def __init__(self) -> None:
        self.count = 0

    def now(self) -> datetime:
        return datetime(2026, 11, 1, tzinfo=UTC)

    def new_id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}_{self.count:032x}"


class FakeLog:
    """Records in a list; `events` tells what happened when."""

    def __init__(self, events: list[str]) -> None:
        self.items: list[LoggedRecord] = []
        self.events = events
        self.failure: Exception | None = None

    def append(self, kind: RecordKind, record_id: str, body: Json) -> Json:
        if self.failure is not None:
            raise self.failure
        index = len(self.items)
        self.items.append(LoggedRecord(index=index, kind=kind, record_id=record_id, body=body))
        self.events.append(f"append {kind.value}")
        return receipt(index)

    def find(self, record_id: str) -> LoggedRecord | None:
        return next((item for item in self.items if item.record_id == record_id), None)

    def records(self) -> Iterator[LoggedRecord]:
        return iter(self.items)

    def receipt(self, record_id: str) -> Json | None:
        found = self.find(record_id)
        return None if found is None else receipt(found.index)


def receipt(index: int) -> dict[str, object]:
    return {
        "index": index,
        "leaf_hash": "00" * 32,
        "tree_size": index + 1,
        "proof": [],
        "checkpoint": f"finsvc.test\n{index + 1}\nroot\n",
    }


class FakeAudit:
    """A log that is in order."""

    def checkpoint(self) -> str:
        return "finsvc.test\n1\nroot\n"

    def vkey(self) -> str:
        return "finsvc.test+00000000+key"

    def verify(self) -> VerifySummary:
        return VerifySummary(is_ok=True, size=1, problems=(), warnings=(), first_bad_index=None)

    def export(self, destination: Path) -> int:
        destination.write_text("{}\n")
        return 1


class FakeRawModel:
    """Streams scripted pieces, then returns the turn."""

    def __init__(self, events: list[str]) -> None:
        self.events = events
        self.pieces: tuple[str, ...] = ("Hello", ", ", "world")
        self.calls: tuple[ChatToolCall, ...] = ()
        self.finish_reason = FinishReason.STOP
        self.logprobs: tuple[TokenChoice, ...] = ()
        # How many of them leave with the first piece.
        self.num_early = 0
        self.failure: Exception | None = None
        self.commands: list[ChatCommand] = []
        self.seeds: list[int] = []
        self.reasoning = ""

    @property
    def identity(self) -> ModelIdentity:
        return IDENTITY

    def prepare(self, command: ChatCommand) -> RawPrompt:
        self.commands.append(command)
        if self.failure is not None and not self.pieces:
            raise self.failure
        return RawPrompt(
            prompt_ids=(1, 2, 3),
            max_new_tokens=command.options.max_tokens or 16,
            tool_names=frozenset(tool.name for tool in command.tools),
            options=command.options,
        )

    def run(self, prompt: RawPrompt, on_text: OnText, is_cancelled: Callable[[], bool]) -> RawTurn:
        self.seeds.append(prompt.options.seed)
        if self.reasoning:
            on_text(TextPiece(kind=TextKind.REASONING, text=self.reasoning))
        early = self.logprobs[: self.num_early]
        for piece in self.pieces:
            self.events.append(f"text {piece}")
            on_text(TextPiece(kind=TextKind.ANSWER, text=piece, logprobs=early))
            early = ()
        if self.failure is not None:
            raise self.failure
        return RawTurn(
            content="".join(self.pieces) or None,
            calls=self.calls,
            finish_reason=self.finish_reason,
            repairs=(),
            reasoning_tokens=2,
            reasoning=self.reasoning,
            logprobs=self.logprobs if prompt.options.top_logprobs is not None else (),
            trace=TurnTrace(
                prompt_ids=prompt.prompt_ids,
                grammar="",
                stop_ids=(9,),
                max_new_tokens=prompt.max_new_tokens,
                temperature=prompt.options.temperature,
                top_p=prompt.options.top_p,
                seed=prompt.options.seed,
                token_ids=(4, 5, 9),
                logit_digest="d" * 64,
                finish_reason="stop",
                cached_tokens=1,
            ),
        )


def token_choice(text: str, logprob: float) -> TokenChoice:
    candidate = Candidate(data=text.encode(), logprob=logprob)
    return TokenChoice(chosen=candidate, top=(candidate,))


def decision(command: AskCommand, *, decision_id: str, held: bool = False) -> Decision:
    claim = Claim(
        text="48,212 USD",
        quantity="var",
        value=Decimal("48211.53"),
        unit="USD",
        source=Source(call=CallId("c1"), field="var"),
        second=SecondCheck(
            method="sorted_losses",
            value=Decimal("48211.53"),
            difference=Decimal(0),
            tolerance=Decimal("0.01"),
        ),
        verdict=Verdict.VERIFIED_ROUNDED,
        reasons=(),
    )
    return Decision(
        decision_id=DecisionId(decision_id),
        answer="This answer waits." if held else ANSWER,
        verdict=Verdict.NEEDS_HUMAN if held else Verdict.VERIFIED_ROUNDED,
        is_held=held,
        findings=(),
        claims=() if held else (claim,),
        tool_calls=() if held else (call(),),
        receipt=receipt(0),
        model="embedded",
        usage=Usage(prompt_tokens=100, completion_tokens=20, cached_tokens=40),
        timing_ms={"total": 12, "model": 8, "audit": 1, "other": 4},
    )


class FakeAsk:
    """Shows two steps and answers; what it was asked is kept."""

    def __init__(self) -> None:
        self.commands: list[AskCommand] = []
        self.early_failure: Exception | None = None
        self.late_failure: Exception | None = None
        self.held = False
        self.gate: threading.Event | None = None

    def __call__(self, command: AskCommand, on_progress: Callable[[Progress], None]) -> Decision:
        self.commands.append(command)
        if self.early_failure is not None:
            raise self.early_failure
        if self.gate is not None:
            self.gate.wait(10)
        on_progress(Progress(event="tool", tool="value_at_risk", detail='{"portfolio":"sample"}'))
        on_progress(Progress(event="validate", tool="", detail=""))
        if self.late_failure is not None:
            raise self.late_failure
        return decision(command, decision_id=f"dec_{len(self.commands):032x}", held=self.held)


class FakeStore:
    """Responses in a dictionary."""

    def __init__(self) -> None:
        self.items: dict[str, StoredResponse] = {}

    def put(self, response: StoredResponse) -> None:
        self.items[response.response_id] = response

    def find(self, response_id: str) -> StoredResponse | None:
        return self.items.get(response_id)

    def delete(self, response_id: str) -> None:
        del self.items[response_id]


class FakeReplay:
    """Finds everything as recorded."""

    def __init__(self) -> None:
        self.selections: list[Selection] = []

    def __call__(self, record_id: str, level: Level, principal: Principal) -> ReplayResult:
        levels = {item.value: "match" for item in Level if item <= level}
        return ReplayResult(record_id=record_id, is_ok=True, levels=levels, details={})

    def run(self, selection: Selection, level: Level, principal: Principal) -> ReplayRun:
        self.selections.append(selection)
        result = self("dec_1", level, principal)
        return ReplayRun(record_id="rep_1", results=(result,), receipt=receipt(0))


class FakeSearchable:
    """Finds every record of a log that holds the texts looked for, anywhere."""

    def __init__(self, log: FakeLog) -> None:
        self.log = log

    def search(self, search: Search) -> list[int]:
        return [
            item.index
            for item in self.log.items
            if all(value in json.dumps(item.body) for value in search.terms.values())
        ]

    def summary(self, index: int) -> Json:
        return {"index": index, "id": self.log.items[index].record_id}


class FakeReport:
    """Writes one file."""

    def __call__(self, command: ReportCommand) -> ReportRun:
        report_definition(command.name)
        command.out.mkdir(parents=True)
        path = command.out / "report.json"
        path.write_text("{}")
        return ReportRun(
            report_id="rpt_1",
            as_of=command.as_of or AS_OF,
            is_confirmed=True,
            files={"report.json": path},
            receipt=receipt(0),
        )


EXPOSURE_RESULT: dict[str, object] = {
    "calculator": "exposure",
    "version": "1.0.0",
    "headline": "exposure",
    "value": None,
    "unit": None,
    "currency": None,
    "as_of": "2022-12-28",
    "method": "delta",
    "parameters": {},
    "inputs_digest": "sha256:0",
    "data_snapshot": "sha256:1",
    "fields": {"exposure.USD": {"value": "12.5", "unit": "USD", "decimals": 0}},
    "labels": {"subject": "the book"},
    "notes": [],
    "second": {"method": "other", "fields": {"exposure.USD": {"within": True}}},
}


class FakeCalculate:
    """Returns its inputs."""

    def __call__(self, name: str, inputs: Json, principal: Principal) -> dict[str, object]:
        if name == "exposure":
            return EXPOSURE_RESULT
        return {"calculator": name, "inputs": dict(inputs), "by": principal.id}

    def explain(
        self, name: str, before: Json, after: Json, principal: Principal, *, field: str | None
    ) -> dict[str, object]:
        quantities = {"before": dict(before), "after": dict(after)}
        return {"calculator": name, **quantities, "field": field, "by": principal.id}


@dataclass(kw_only=True)
class FakeServices:
    """Fits `ServiceParts`."""

    settings: Settings
    ask: FakeAsk
    calculate: FakeCalculate
    approvals: Approvals
    replay: FakeReplay
    search: SearchLog
    custody: Custody
    report: FakeReport
    chat: Chat
    log: FakeLog
    audit: FakeAudit
    identities: LocalIdentities
    policy: CedarPolicies
    clock: FakeClock
    models: tuple[str, ...]
    is_model_ready: bool = True


@dataclass(kw_only=True)
class World:
    """A service with its parts and keys at hand."""

    services: FakeServices
    raw: FakeRawModel
    events: list[str]
    telemetry: Telemetry
    keys: dict[str, str] = field(default_factory=dict)
    stored: FakeStore | None = field(default_factory=FakeStore)

    def client(self, who: str | None = "local", *, host: str = "testclient") -> TestClient:
        headers = {} if who is None else {"authorization": f"Bearer {self.keys[who]}"}
        app = create_app(self.services, self.telemetry, stored=self.stored)
        return TestClient(app, headers=headers, client=(host, 50_000))

    def hold(self, decision_id: str, *, asked_by: str = "local") -> None:
        """Put a held decision into the log."""
        body = {
            "decision_id": decision_id,
            "time": "2026-11-01T00:00:00Z",
            "principal": {"id": asked_by, "roles": []},
            "request": {"question": "?"},
            "answer": ANSWER,
            "claims": [],
            "calls": [],
            "turns": [],
            "template": "",
            "reasons": [],
            "verdict": "needs_human",
            "held": True,
        }
        self.services.log.append(RecordKind.DECISION, decision_id, body)


PRINCIPALS = {
    "local": LOCAL_ROLES,
    "analyst": frozenset({"analyst", "book:*"}),
    "approver": frozenset({"approver"}),
    "custodian": frozenset({"custodian", "auditor"}),
    "nobody": frozenset[str](),
}


def make_world(tmp_path: Path, *, max_waiting: int = 8, timeout_s: float = 10) -> World:
    events: list[str] = []
    raw = FakeRawModel(events)
    log, clock = FakeLog(events), FakeClock()
    policy = CedarPolicies(tmp_path / "bundles")
    identities = LocalIdentities(tmp_path / "identities.json")
    settings = Settings(
        data_dir=tmp_path, max_waiting=max_waiting, ask_timeout=timedelta(seconds=timeout_s)
    )
    services = FakeServices(
        settings=settings,
        ask=FakeAsk(),
        calculate=FakeCalculate(),
        approvals=Approvals(policy=policy, log=log, clock=clock),
        replay=FakeReplay(),
        search=SearchLog(searchable=FakeSearchable(log), log=log, policy=policy, clock=clock),
        custody=Custody(custodian=FakeCustodian(), policy=policy, log=log, clock=clock),
        report=FakeReport(),
        chat=Chat(ChatParts(model=raw, policy=policy, log=log, clock=clock)),
        log=log,
        audit=FakeAudit(),
        identities=identities,
        policy=policy,
        clock=clock,
        models=MODELS,
    )
    world = World(services=services, raw=raw, events=events, telemetry=Telemetry())
    for name, roles in PRINCIPALS.items():
        world.keys[name] = identities.create(Principal(id=name, roles=roles))
    return world
