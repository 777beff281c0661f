"""Run a regulatory report: policy, figures, log, files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path

from finsvc.books.shelf import Book
from finsvc.compliance.report_files import file_digests, report_files
from finsvc.compliance.reports import build_report, report_definition
from finsvc.domain.errors import RefusedError
from finsvc.domain.market import MarketView
from finsvc.domain.policy import Action, PolicyOutcome, PolicyQuery, Principal
from finsvc.services.decision import outcome_to_json
from finsvc.services.ports import Clock, PolicyGate, RecordKind, RecordLog
from finsvc.services.who import who

WriteFile = Callable[[Path, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCommand:
    """A report as asked for. ``as_of`` None means the last date of the book's data."""

    name: str
    book: str
    as_of: date | None
    out: Path
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun:
    """A report that was written; ``is_confirmed`` says whether every figure was confirmed."""

    report_id: str
    as_of: date
    is_confirmed: bool
    files: Mapping[str, Path]
    receipt: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The use case."""

    market: MarketView
    second_market: MarketView
    load_book: Callable[[str], Book]
    last_date: Callable[[Book], date]
    policy: PolicyGate
    log: RecordLog
    clock: Clock
    write_file: WriteFile

    def __call__(self, command: ReportCommand) -> ReportRun:
        """Compute a report, log its digests durably, then write its files.

        Raises:
            UnknownNameError: There is no such report or book.
            InputError: The book cannot be computed at that date.
            RefusedError: Policy does not let the principal run it on this book.
            AuditError: The report could not be logged; no file is written then.
            StateError: The folder cannot be written.
        """
        definition = report_definition(command.name)
        book = self.load_book(command.book)
        outcome = self._permission(command, book)
        as_of = self.last_date(book) if command.as_of is None else command.as_of
        report = build_report(
            definition, book, as_of, market=self.market, second_market=self.second_market
        )
        report_id = self.clock.new_id("rpt")
        created = self.clock.now().astimezone(UTC).isoformat(timespec="microseconds")
        files = report_files(report, report_id=report_id, created=created)
        body = {
            "report_id": report_id,
            "time": created,
            "principal": who(command.principal),
            "client": command.principal.capacity.client,
            "report": definition.name,
            "book": str(book.name),
            "as_of": as_of.isoformat(),
            "data_snapshot": report.snapshot,
            "confirmed": report.is_confirmed,
            "files": file_digests(files),
            "policy": [outcome_to_json(outcome)],
        }
        receipt = self.log.append(RecordKind.REPORT, report_id, body)
        paths = {name: command.out / name for name in files}
        for name, content in files.items():
            self.write_file(paths[name], content)
        return ReportRun(
            report_id=report_id,
            as_of=as_of,
            is_confirmed=report.is_confirmed,
            files=paths,
            receipt=receipt,
        )

    def _permission(self, command: ReportCommand, book: Book) -> PolicyOutcome:
        outcome = self.policy.decide(
            PolicyQuery(
                principal=command.principal,
                action=Action.RUN_REPORT,
                resource=f"Report::{command.name}",
                context={"book": str(book.name)},
            )
        )
        if not outcome.is_allowed:
            raise RefusedError(action="run_report", reasons=(*outcome.determining, *outcome.errors))
        return outcome


def report_run_to_json(run: ReportRun) -> dict[str, object]:
    """JSON form of a report that was written."""
    return {
        "report_id": run.report_id,
        "as_of": run.as_of.isoformat(),
        "confirmed": run.is_confirmed,
        "files": {name: str(path) for name, path in run.files.items()},
        "receipt": dict(run.receipt),
    }
