"""What the HTTP surface needs of the service, as Protocols; the wiring's `Services` fits them."""

from collections.abc import Callable, Mapping
from typing import Protocol

from finsvc.agents.loop import Progress
from finsvc.domain.custody import Order, View
from finsvc.domain.policy import Principal
from finsvc.domain.turns import ModelIdentity
from finsvc.services.approve import Approval, ApprovalVerdict
from finsvc.services.chat import ChatCommand, ChatIntent, ChatResult, OnPiece
from finsvc.services.decision import AskCommand, Decision
from finsvc.services.ports import AuditReader, Clock, LoggedRecord, PolicyGate, RecordLog
from finsvc.services.replay import Level, ReplayResult, ReplayRun
from finsvc.services.replay_selection import Selection
from finsvc.services.report import ReportCommand, ReportRun
from finsvc.services.search import Search, SearchPage
from finsvc.settings import Settings

Json = Mapping[str, object]


class AskCase(Protocol):
    """Answers a question; blocks."""

    def __call__(self, command: AskCommand, on_progress: Callable[[Progress], None]) -> Decision:
        """Answer one question."""


class CalculateCase(Protocol):
    """Runs one calculator and its second method; blocks."""

    def __call__(self, name: str, inputs: Json, principal: Principal) -> dict[str, object]:
        """Run it."""

    def explain(
        self, name: str, before: Json, after: Json, principal: Principal, *, field: str | None
    ) -> dict[str, object]:
        """Tell which inputs moved a result."""


class ApprovalsCase(Protocol):
    """Held answers and what is decided about them."""

    def pending(self) -> list[LoggedRecord]:
        """Held decisions that nobody has decided about."""

    def decide(
        self, decision_id: str, verdict: ApprovalVerdict, *, approver: Principal, comment: str
    ) -> Approval:
        """Release or reject a held answer."""


class ReplayCase(Protocol):
    """Derives a logged decision again; blocks."""

    def __call__(self, record_id: str, level: Level, principal: Principal) -> ReplayResult:
        """Replay it."""

    def run(self, selection: Selection, level: Level, principal: Principal) -> ReplayRun:
        """Replay many, with one record of all."""


class SearchCase(Protocol):
    """Looks for records; each search is logged."""

    def __call__(
        self, search: Search, principal: Principal, *, limit: int, after: int = -1
    ) -> SearchPage:
        """Look for records."""


class CustodyCase(Protocol):
    """Keys, holds, destruction and stamps of the log; blocks."""

    def __call__(self, order: Order, principal: Principal) -> Json:
        """Do what is ordered."""

    def view(self, what: View, principal: Principal) -> Json:
        """Show something of it."""


class ReportCase(Protocol):
    """Runs a report, logs it and writes its files; blocks."""

    def __call__(self, command: ReportCommand) -> ReportRun:
        """Run it."""


class ChatCase(Protocol):
    """Plain completions of a raw model; blocks."""

    @property
    def identity(self) -> ModelIdentity:
        """Which raw model is served."""

    def begin(self, command: ChatCommand, *, prefix: str = "chatcmpl") -> ChatIntent:
        """Check the request and put the intent on record."""

    def complete(
        self, intent: ChatIntent, on_piece: OnPiece, is_cancelled: Callable[[], bool]
    ) -> ChatResult:
        """Sample and put the outcome on record."""


class Identities(Protocol):
    """Who holds an API key."""

    def authenticate(self, key: str) -> Principal | None:
        """The principal of a key, or None."""


class ServiceParts(Protocol):
    """Everything the routers reach; attributes are read only."""

    @property
    def settings(self) -> Settings:
        """Settings of this process."""

    @property
    def ask(self) -> AskCase:
        """Answering."""

    @property
    def calculate(self) -> CalculateCase:
        """Calculators."""

    @property
    def approvals(self) -> ApprovalsCase:
        """Approvals."""

    @property
    def replay(self) -> ReplayCase:
        """Replay."""

    @property
    def search(self) -> SearchCase:
        """Search of the log."""

    @property
    def custody(self) -> CustodyCase:
        """Custody of the log."""

    @property
    def report(self) -> ReportCase:
        """Reports."""

    @property
    def chat(self) -> ChatCase:
        """Raw completions."""

    @property
    def log(self) -> RecordLog:
        """Records."""

    @property
    def audit(self) -> AuditReader:
        """The log as a whole."""

    @property
    def identities(self) -> Identities:
        """API keys."""

    @property
    def policy(self) -> PolicyGate:
        """Policies."""

    @property
    def clock(self) -> Clock:
        """Time and identifiers."""

    @property
    def is_model_ready(self) -> bool:
        """Whether the model would take a question now."""

    @property
    def models(self) -> tuple[str, ...]:
        """Names of all models: the agents and the raw ones."""
