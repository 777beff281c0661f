"""Answer a question: policy, agent, validator, policy again, log; only then the answer leaves."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from finsvc.agents.catalogue import TOOLS, AgentTool, tools_of
from finsvc.agents.direct.attachments import check_documents
from finsvc.agents.direct.tools import direct_tools
from finsvc.agents.loop import (
    AgentRun,
    Executor,
    Limits,
    Outcome,
    Progress,
    Question,
    run_agent,
)
from finsvc.agents.model import LanguageModel
from finsvc.domain.errors import InputError, RefusedError
from finsvc.domain.identifiers import DecisionId
from finsvc.domain.policy import Action, PolicyOutcome, PolicyQuery, Principal
from finsvc.domain.verdicts import Reason, Verdict
from finsvc.services.basis import basis
from finsvc.services.decision import AskCommand, Decision, Usage
from finsvc.services.ensemble import Ensemble, RememberedCalls, with_findings
from finsvc.services.materiality import largest_usd
from finsvc.services.ports import Clock, PolicyGate, RecordKind, RecordLog
from finsvc.services.record import Answered, decision_record, refusal_record
from finsvc.services.reliability import Reliability
from finsvc.validator.direct import is_proposal
from finsvc.validator.tracing import EntityIndex
from finsvc.validator.validate import (
    Confirm,
    Finding,
    Grounds,
    Validation,
    validate,
    validate_abstention,
)

# A question is a few sentences; what is longer is a document, which the agents do not read.
MAX_QUESTION_CHARACTERS = 2_000

OnProgress = Callable[[Progress], None]

_MALFORMED = "The model gave no usable output, so there is no answer."
_LIMIT = "The question needed more steps or time than a question may take."
HELD = "This answer waits for a person's approval under decision {decision_id}."

_OPTIONAL_ARGUMENTS: Mapping[str, frozenset[str]] = {
    tool.name: frozenset(name for name, required in tool.arguments.items() if not required)
    for tool in (*TOOLS.values(), *direct_tools().values())
}


def trained_tools(question: Question) -> Sequence[AgentTool]:
    """The tools that the embedded model was trained on."""
    return tools_of(question.agent)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskParts:
    """What answering needs: implementations come from the wiring.

    ``tools_for`` chooses what a question is offered.
    """

    model: LanguageModel
    policy: PolicyGate
    log: RecordLog
    clock: Clock
    entities: EntityIndex
    confirm: Confirm
    executor_for: Callable[[Principal], Executor]
    check_book: Callable[[str], str]
    limits: Limits
    tools_for: Callable[[Question], Sequence[AgentTool]] = trained_tools
    reliability: Reliability = field(default_factory=Reliability)


def _without_answer(run: AgentRun, message: str) -> Validation:
    """The validation of a run that produced no claims: asked back, declined or failed."""
    reasons = {
        Outcome.ASKED_BACK: (Reason.CLARIFICATION_NEEDED, run.template),
        Outcome.DECLINED: (Reason.NO_TOOL, run.template),
        Outcome.MALFORMED: (Reason.MALFORMED_OUTPUT, _MALFORMED),
        Outcome.LIMIT_REACHED: (Reason.LIMIT_REACHED, _LIMIT),
    }
    reason, answer = reasons[run.outcome]
    return validate_abstention(answer, Finding(reason=reason, detail=answer), message)


class Ask:
    """The use case; one instance serves all callers."""

    def __init__(self, parts: AskParts) -> None:
        self._parts = parts

    def __call__(self, command: AskCommand, on_progress: OnProgress) -> Decision:
        """Answer one question.

        Raises:
            InputError: The question is empty or too long, or names an unknown book.
            RefusedError: Policy does not let the principal ask this; the refusal is logged.
            AuditError: The decision could not be made durable, so no answer leaves.
        """
        started = time.perf_counter()
        question = self._question(command)
        decision_id = DecisionId(self._parts.clock.new_id("dec"))
        allowed = self._permission(command, question)
        if not allowed.is_allowed:
            self._refuse(command, decision_id, allowed)
        executor = RememberedCalls(self._parts.executor_for(command.principal))
        run = self._run(command, question, executor, on_progress=on_progress)
        on_progress(Progress(event="validate", tool="", detail=""))
        validation = self._validate(run, question)

        def draw(seed: int) -> tuple[AgentRun, Validation]:
            on_progress(Progress(event="sample", tool="", detail=""))
            again = self._run(command, question, executor, seed=seed)
            return again, self._validate(again, question)

        ensemble = self._parts.reliability.check(run, validation, basis=decision_id, draw=draw)
        if ensemble is not None:
            validation = with_findings(validation, ensemble.findings)
        release = self._release(command, decision_id, run, validation)
        return self._conclude(
            command,
            decision_id=decision_id,
            run=run,
            ensemble=ensemble,
            validation=validation,
            outcomes=(allowed, release),
            started=started,
        )

    def offered(self, question: Question) -> Sequence[AgentTool]:
        """Tools that the model is shown for a question."""
        return self._parts.tools_for(question)

    def _run(
        self,
        command: AskCommand,
        question: Question,
        executor: Executor,
        *,
        on_progress: OnProgress = lambda _: None,
        seed: int | None = None,
    ) -> AgentRun:
        return run_agent(
            question,
            model=self._parts.model,
            tools=self.offered(question),
            executor=executor,
            limits=self._parts.limits,
            on_progress=on_progress,
            tenant=command.principal.id,
            seed=seed,
        )

    def _question(self, command: AskCommand) -> Question:
        text = command.question.strip()
        if not text:
            raise InputError(field="question", expected="a question", actual="empty text")
        if len(text) > MAX_QUESTION_CHARACTERS:
            raise InputError(
                field="question",
                expected=f"at most {MAX_QUESTION_CHARACTERS} characters",
                actual=f"{len(text)}",
            )
        book = None if command.book is None else self._parts.check_book(command.book)
        as_of = None if command.as_of is None else command.as_of.isoformat()
        documents = check_documents(command.documents)
        return Question(text=text, agent=command.agent, book=book, as_of=as_of, documents=documents)

    def _permission(self, command: AskCommand, question: Question) -> PolicyOutcome:
        query = PolicyQuery(
            principal=command.principal,
            action=Action.ASK,
            resource=f"Agent::{command.agent.value}",
            context={"book": question.book or "", "as_of": question.as_of or ""},
        )
        return self._parts.policy.decide(query)

    def _refuse(self, command: AskCommand, decision_id: DecisionId, outcome: PolicyOutcome) -> None:
        body = refusal_record(command, decision_id, outcome, self._parts.clock.now())
        self._parts.log.append(RecordKind.DECISION, decision_id, body)
        raise RefusedError(action="ask", reasons=(*outcome.determining, *outcome.errors))

    def _validate(self, run: AgentRun, question: Question) -> Validation:
        if run.outcome is not Outcome.ANSWERED:
            return _without_answer(run, question.message)
        grounds = Grounds(
            message=question.message,
            calls=run.calls,
            entities=self._parts.entities,
            optional_arguments=_OPTIONAL_ARGUMENTS,
            confirm=self._parts.confirm,
        )
        named = {value for call in run.calls for value in call.arguments.values()}
        unused = [
            Finding(reason=Reason.UNUSED_INPUT, detail=f"document {name}")
            for name in question.documents
            if name not in named
        ]
        return with_findings(validate(run.template, grounds), unused)

    def _release(
        self,
        command: AskCommand,
        decision_id: DecisionId,
        run: AgentRun,
        validation: Validation,
    ) -> PolicyOutcome:
        query = PolicyQuery(
            principal=command.principal,
            action=Action.RELEASE,
            resource=f"Decision::{decision_id}",
            context={
                "agent": command.agent.value,
                "verdict": validation.verdict.value,
                "largest_usd": largest_usd(validation.claims),
                "proposal": is_proposal(run.calls),
            },
        )
        return self._parts.policy.decide(query)

    def _conclude(
        self,
        command: AskCommand,
        *,
        decision_id: DecisionId,
        run: AgentRun,
        ensemble: Ensemble | None,
        validation: Validation,
        outcomes: tuple[PolicyOutcome, PolicyOutcome],
        started: float,
    ) -> Decision:
        """Log the decision durably, then build what leaves."""
        # Whatever a policy says: a proposal is a person's decision.
        is_held = not outcomes[1].is_allowed or is_proposal(run.calls)
        grounds = basis(run.calls)
        full_answer = f"{validation.answer}\n\n{grounds}" if grounds else validation.answer
        answered = Answered(
            run=run,
            ensemble=ensemble,
            validation=validation,
            answer=full_answer,
            outcomes=outcomes,
            is_held=is_held,
        )
        body = decision_record(
            command,
            answered,
            decision_id=decision_id,
            identity=self._parts.model.identity,
            at=self._parts.clock.now(),
        )
        appending = time.perf_counter()
        receipt = self._parts.log.append(RecordKind.DECISION, decision_id, body)
        finished = time.perf_counter()
        runs = [run, *(sample.run for sample in ensemble.samples)] if ensemble else [run]
        turns = [turn for each in runs for turn in each.turns]
        model_ms = sum(each.model_ms for each in runs)
        total_ms = round((finished - started) * 1e3)
        return Decision(
            decision_id=decision_id,
            answer=HELD.format(decision_id=decision_id) if is_held else full_answer,
            verdict=Verdict.NEEDS_HUMAN if is_held else validation.verdict,
            is_held=is_held,
            findings=validation.findings,
            claims=() if is_held else validation.claims,
            tool_calls=() if is_held else run.calls,
            receipt=receipt,
            model=self._parts.model.identity.name,
            usage=Usage(
                prompt_tokens=sum(len(turn.prompt_ids) for turn in turns),
                completion_tokens=sum(len(turn.token_ids) for turn in turns),
                cached_tokens=sum(turn.cached_tokens for turn in turns),
            ),
            timing_ms={
                "total": total_ms,
                "model": model_ms,
                "audit": round((finished - appending) * 1e3),
                "other": total_ms - model_ms,
            },
        )
