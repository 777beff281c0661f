"""Joins everything: the one place where rooms and packages that never see each other meet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.engine import Engine
from engine.errors import EngineError
from engine.facade import ModelEngine
from engine.serving.client import RemoteEngine
from engine.serving.supervisor import EngineProcess
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.build import read_build
from finsvc.adapters.calibration_store import load_calibration
from finsvc.adapters.clock import SystemClock
from finsvc.adapters.engine import EMBEDDED_FOLDER, EngineModel
from finsvc.adapters.identities import LocalIdentities
from finsvc.adapters.policies import CedarPolicies
from finsvc.adapters.raw_model import EngineRawModel
from finsvc.adapters.replay import DecisionReplayer
from finsvc.adapters.replay_processes import ParallelReplayer
from finsvc.agents.catalogue import AgentTool
from finsvc.agents.direct.tools import offered_tools
from finsvc.agents.executor import ToolExecutor
from finsvc.agents.loop import Executor, Limits, Question
from finsvc.books.shelf import BookShelf
from finsvc.data import LOCAL_PRINCIPAL, Data, OnProgress, open_data
from finsvc.domain.errors import StateError
from finsvc.domain.policy import Principal
from finsvc.files import exclusive_lock, write_atomically
from finsvc.scheduler_metrics import Stats
from finsvc.services.approve import Approvals
from finsvc.services.ask import Ask, AskParts, trained_tools
from finsvc.services.calculate import Calculate
from finsvc.services.chat import Chat, ChatParts
from finsvc.services.custody import Custody
from finsvc.services.reliability import Reliability
from finsvc.services.replay import Replay
from finsvc.services.report import RunReport
from finsvc.services.search import SearchLog
from finsvc.settings import EMBEDDED, Settings
from finsvc.telemetry import (
    ObservedExecutor,
    ObservedLog,
    ObservedModel,
    ObservedRawModel,
    Telemetry,
)
from finsvc.validator.entities import NameIndex
from finsvc.validator.recompute import Recomputation
from finsvc.wiring_log import OpenedLog, open_audit

AGENT_MODELS = ("finsvc/auto", "finsvc/risk", "finsvc/compliance", "finsvc/market")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The running service, as the command line and HTTP use it."""

    settings: Settings
    ask: Ask
    calculate: Calculate
    approvals: Approvals
    replay: Replay
    search: SearchLog
    report: RunReport
    custody: Custody
    chat: Chat
    log: AuditLog
    audit: AuditLog
    identities: LocalIdentities
    policy: CedarPolicies
    clock: SystemClock
    models: tuple[str, ...]
    local_principal: Principal
    books: BookShelf
    data: Data
    engine: ModelEngine

    @property
    def is_model_ready(self) -> bool:
        """Whether the model would take a question now."""
        return self.engine.is_ready


def model_folder(settings: Settings) -> Path:
    """Folder of the model that the settings name."""
    return EMBEDDED_FOLDER if settings.model == EMBEDDED else Path(settings.model)


def _load_model(
    settings: Settings, on_progress: OnProgress, stack: ExitStack, *, is_served: bool
) -> EngineModel:
    folder = model_folder(settings)
    on_progress(f"loading the model {settings.model}")
    try:
        if is_served:
            engine: ModelEngine = _start_engine(folder, settings, stack)
        else:
            engine = Engine.load(folder, num_threads=settings.threads, device=settings.device)
    except EngineError as error:
        raise StateError(f"model {settings.model}: {error}") from error
    name = EMBEDDED if settings.model == EMBEDDED else folder.name
    return EngineModel(engine, name=name)


def _start_engine(folder: Path, settings: Settings, stack: ExitStack) -> RemoteEngine:
    process = EngineProcess(folder, num_threads=settings.threads, device=settings.device)
    process.start()
    stack.callback(process.close)
    engine = RemoteEngine.connect(process.address, folder)
    stack.callback(engine.close)
    return engine


def _scheduler_counts(engine: RemoteEngine) -> Stats:
    def read() -> Mapping[str, object] | None:
        try:
            return engine.stats(timeout_s=1.0)
        except EngineError:
            return None

    return read


@contextmanager
def open_services(
    settings: Settings,
    *,
    on_progress: OnProgress,
    telemetry: Telemetry | None = None,
    is_served: bool = False,
) -> Iterator[Services]:
    """Start everything, and stop it in the reverse order; turns, tools and appends are observed.

    A service that is served to many (`is_served`) has its engine in a process of its own; one
    command loads it into this one.

    Raises:
        StateError: The data directory is in use or cannot be written, or the model is unusable.
        AuditError: The log is damaged; nothing is served then.
    """
    data_dir = settings.data_dir
    with ExitStack() as stack:
        stack.enter_context(exclusive_lock(data_dir / "lock"))
        data = open_data(settings, on_progress)
        model = _load_model(settings, on_progress, stack, is_served=is_served)
        policy = CedarPolicies(data_dir / "bundles")
        observed = telemetry or Telemetry()
        if isinstance(model.engine, RemoteEngine):
            observed.watch_engine(_scheduler_counts(model.engine))
        opened = stack.enter_context(
            open_audit(
                settings,
                policy,
                build=read_build(settings),
                telemetry=observed,
                is_served=is_served,
            )
        )
        yield _join(
            settings,
            data=data,
            model=model,
            policy=policy,
            opened=opened,
            telemetry=observed,
        )


def _tools_for(settings: Settings) -> Callable[[Question], Sequence[AgentTool]]:
    """Tools of a question: the embedded model knows its own, any other is shown what fits."""
    if settings.model == EMBEDDED:
        return trained_tools
    return lambda question: offered_tools(question.agent, question.message)


def _ask(
    settings: Settings,
    *,
    data: Data,
    model: EngineModel,
    policy: CedarPolicies,
    log: ObservedLog,
    telemetry: Telemetry,
) -> Ask:
    """Build the use case that answers questions."""

    def executor_for(principal: Principal) -> Executor:
        executor = ToolExecutor(principal, market=data.market, books=data.books, gate=policy)
        return ObservedExecutor(executor, telemetry)

    parts = AskParts(
        model=ObservedModel(model, telemetry),
        policy=policy,
        log=log,
        clock=SystemClock(),
        entities=NameIndex(data.books.names()),
        confirm=Recomputation(data.second_market),
        executor_for=executor_for,
        check_book=lambda name: str(data.books.resolve(name)),
        limits=Limits(timeout_s=settings.ask_timeout.total_seconds()),
        tools_for=_tools_for(settings),
        reliability=Reliability(
            limit_usd=settings.material_usd,
            calibration=load_calibration(model.identity, settings.data_dir),
        ),
    )
    return Ask(parts)


def _join(
    settings: Settings,
    *,
    data: Data,
    model: EngineModel,
    policy: CedarPolicies,
    opened: OpenedLog,
    telemetry: Telemetry,
) -> Services:
    """Build the use cases from their parts."""
    clock, audit = SystemClock(), opened.audit
    log = ObservedLog(audit, telemetry)
    replayer = ParallelReplayer(
        DecisionReplayer(audit=audit, policies=policy, model=model, market_for=data.market_for),
        settings,
    )
    raw = ObservedRawModel(EngineRawModel(model), telemetry)
    return Services(
        settings=settings,
        ask=_ask(settings, data=data, model=model, policy=policy, log=log, telemetry=telemetry),
        calculate=Calculate(
            market=data.market,
            second_market=data.second_market,
            policy=policy,
            inline_books=data.inline_books,
        ),
        approvals=Approvals(policy=policy, log=log, clock=clock),
        search=SearchLog(searchable=audit, log=log, policy=policy, clock=clock),
        replay=Replay(replayer=replayer, policy=policy, log=log, clock=clock),
        report=RunReport(
            market=data.market,
            second_market=data.second_market,
            load_book=data.books.load,
            last_date=data.last_date,
            policy=policy,
            log=log,
            clock=clock,
            write_file=write_atomically,
        ),
        custody=opened.custody,
        chat=Chat(ChatParts(model=raw, policy=policy, log=log, clock=clock)),
        log=audit,
        audit=audit,
        identities=LocalIdentities(settings.data_dir / "identities.json"),
        policy=policy,
        clock=clock,
        models=(*AGENT_MODELS, model.identity.name),
        local_principal=LOCAL_PRINCIPAL,
        books=data.books,
        data=data,
        engine=model.engine,
    )
