"""The whole `Ask` use case on real data, policies and log, with a model of the test's choice."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from finsvc.adapters.audit import AuditLog
from finsvc.adapters.clock import SystemClock
from finsvc.adapters.policies import CedarPolicies
from finsvc.agents.catalogue import AgentName
from finsvc.agents.executor import ToolExecutor
from finsvc.agents.loop import Limits, Progress
from finsvc.agents.model import LanguageModel
from finsvc.agents.resolution.context import portfolio_json
from finsvc.domain.identifiers import DecisionId
from finsvc.domain.policy import Principal
from finsvc.services.approve import Approvals
from finsvc.services.ask import Ask, AskParts, trained_tools
from finsvc.services.calculate import Calculate
from finsvc.services.decision import AskCommand, Decision
from finsvc.services.ports import LoggedRecord, RecordLog
from finsvc.services.reliability import Reliability
from finsvc.validator.entities import NameIndex
from finsvc.validator.recompute import Recomputation
from finsvc.validator.validate import Confirm
from tests.finsvc.conftest import MarketData

ANALYST = Principal(id="ana", roles=frozenset({"analyst", "compliance", "book:*"}))
APPROVER = Principal(id="pia", roles=frozenset({"approver"}))


class Desk:
    """A service without HTTP: everything real but the model."""

    def __init__(self, data: MarketData, folder: Path) -> None:
        self.data = data
        self.policy = CedarPolicies(folder / "bundles")
        self.audit = AuditLog.open(folder / "log", folder / "keys" / "log.pem")
        self.clock = SystemClock()
        self.log: RecordLog = self.audit
        self.confirm: Confirm = Recomputation(data.second_market)
        self.limits = Limits()
        self.reliability = Reliability()
        self.tools_for = trained_tools
        self.progress: list[Progress] = []
        self.approvals = Approvals(policy=self.policy, log=self.audit, clock=self.clock)
        self.calculate = Calculate(
            market=data.market,
            second_market=data.second_market,
            policy=self.policy,
            inline_books=self._inline_books,
        )

    def _inline_books(self, inputs: Mapping[str, object]) -> Mapping[str, object]:
        portfolio = inputs.get("portfolio")
        if not isinstance(portfolio, dict) or "book" not in portfolio:
            return inputs
        book = self.data.books.load(portfolio["book"])
        return {**inputs, "portfolio": portfolio_json(book.portfolio)}

    def use_case(self, model: LanguageModel) -> Ask:
        """The use case around a model."""
        return Ask(
            AskParts(
                model=model,
                policy=self.policy,
                log=self.log,
                clock=self.clock,
                entities=NameIndex(self.data.books.names()),
                confirm=self.confirm,
                executor_for=lambda principal: ToolExecutor(
                    principal, market=self.data.market, books=self.data.books, gate=self.policy
                ),
                check_book=lambda name: str(self.data.books.resolve(name)),
                limits=self.limits,
                tools_for=self.tools_for,
                reliability=self.reliability,
            )
        )

    def ask(
        self,
        question: str,
        model: LanguageModel,
        *,
        agent: AgentName = AgentName.AUTO,
        book: str | None = None,
        as_of: date | None = None,
        principal: Principal = ANALYST,
        documents: Mapping[str, object] | None = None,
    ) -> Decision:
        """Put one question."""
        command = AskCommand(
            question=question,
            agent=agent,
            book=book,
            as_of=as_of,
            principal=principal,
            request_id="req_test",
            documents=documents or {},
        )
        return self.use_case(model)(command, self.progress.append)

    def record(self, decision_id: DecisionId) -> LoggedRecord:
        """What the log keeps of a decision."""
        found = self.audit.find(decision_id)
        assert found is not None
        return found
