"""The service in this process, for commands when none runs yet."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from finsvc import main
from finsvc.adapters.identities import LocalIdentities
from finsvc.agents.catalogue import AgentName
from finsvc.agents.loop import Progress
from finsvc.commands.backend import AskInput, Backend, Json, ReportInput, Say
from finsvc.commands.steps import step_line
from finsvc.domain.errors import InputError, UnknownNameError
from finsvc.domain.policy import Action, PolicyQuery, Principal
from finsvc.files import exclusive_lock
from finsvc.logging import configure_logging
from finsvc.services.approve import ApprovalVerdict
from finsvc.services.decision import AskCommand, decision_to_json
from finsvc.services.documents import approval_document, asker, pending_document, replay_document
from finsvc.services.replay import Level, model_what_if_document, what_if_document
from finsvc.services.replay_selection import Selection
from finsvc.services.report import ReportCommand, report_run_to_json
from finsvc.settings import Settings
from finsvc.wiring import Services, open_services

# Roles that the policies know, and an entitlement to a book.
_ROLES = frozenset({"analyst", "compliance", "auditor", "approver", "custodian", "model:raw"})
_BOOK_ROLE = "book:"


class LocalBackend:
    """Implements `Backend` over open services, as the local user."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def ask(self, question: AskInput, say: Say) -> Json:
        """Answer a question."""

        def on_progress(progress: Progress) -> None:
            say(step_line(progress.event, progress.tool, progress.detail))

        if question.agent not in list(AgentName):
            known = [name.value for name in AgentName]
            raise UnknownNameError(field="agent", kind="agent", actual=question.agent, known=known)
        command = AskCommand(
            question=question.question,
            agent=AgentName(question.agent),
            book=question.book,
            as_of=question.as_of,
            principal=replace(self._services.local_principal, capacity=question.capacity),
            request_id=f"cli_{secrets.token_hex(16)}",
            documents=question.documents,
        )
        return decision_to_json(self._services.ask(command, on_progress))

    def run_calculator(self, name: str, inputs: Json) -> Json:
        """Run a calculator."""
        return self._services.calculate(name, inputs, self._services.local_principal)

    def run_report(self, report: ReportInput) -> Json:
        """Run a report and write its files."""
        command = ReportCommand(
            name=report.name,
            book=report.book,
            as_of=report.as_of,
            out=report.out,
            principal=self._services.local_principal,
        )
        return report_run_to_json(self._services.report(command))

    def pending(self) -> list[Json]:
        """Held answers that the local user may decide about."""
        principal = self._services.local_principal
        return [
            pending_document(record)
            for record in self._services.approvals.pending()
            if self._services.policy.decide(
                PolicyQuery(
                    principal=principal,
                    action=Action.APPROVE,
                    resource=f"Decision::{record.record_id}",
                    context={"asked_by": asker(record), "approver": principal.id},
                )
            ).is_allowed
        ]

    def decide(self, decision_id: str, verdict: str, comment: str) -> Json:
        """Release or reject a held answer."""
        approval = self._services.approvals.decide(
            decision_id,
            ApprovalVerdict(verdict),
            approver=self._services.local_principal,
            comment=comment,
        )
        return approval_document(approval)

    def replay(self, decision_id: str, level: str) -> Json:
        """Derive a decision again."""
        principal = self._services.local_principal
        return replay_document(self._services.replay(decision_id, Level(level), principal))

    def replay_many(self, selection: Selection, level: str, say: Say) -> list[Json]:
        """Derive decisions again, with one record of all."""
        principal = self._services.local_principal
        replays: list[Json] = []
        for result in self._services.replay.many(selection, Level(level), principal):
            say(f"replayed {result.record_id} ({len(replays) + 1})")
            replays.append(replay_document(result))
        return replays

    def what_if(self, selection: Selection, bundle: Path) -> Json:
        """Take recorded policy decisions again under another bundle."""
        principal = self._services.local_principal
        return what_if_document(self._services.replay.what_if(selection, bundle, principal))

    def what_if_model(self, selection: Selection, model: Path) -> Json:
        """Put recorded turns to another model."""
        principal = self._services.local_principal
        found = self._services.replay.what_if_model(selection, model, principal)
        return model_what_if_document(found)


@contextmanager
def open_service(settings: Settings, say: Say) -> Iterator[Backend]:
    """Start the service in this process.

    Raises:
        StateError: The data directory is in use or unusable, or the model is.
    """
    configure_logging(settings.log_level)
    with open_services(settings, on_progress=say) as services:
        main.first_key(services, say)
        yield LocalBackend(services)


def serve(settings: Settings, say: Say) -> None:
    """Run the HTTP service until a signal ends it."""
    main.serve(settings, say)


def create_key(settings: Settings, principal_id: str, roles: frozenset[str]) -> str:
    """Make an API key for a person or program; no service may run meanwhile.

    Raises:
        InputError: A role is none that the policies know.
        StateError: The data directory is in use or cannot be written.
    """
    for role in sorted(roles):
        if role not in _ROLES and not role.startswith(_BOOK_ROLE):
            expected = f"{', '.join(sorted(_ROLES))} or book:NAME"
            raise InputError(field="role", expected=expected, actual=role)
    with exclusive_lock(settings.data_dir / "lock"):
        identities = LocalIdentities(settings.data_dir / "identities.json")
        return identities.create(Principal(id=principal_id, roles=roles))
