"""What commands need of the service, whether it runs already or in this process."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from finsvc.domain.custody import Order, View
from finsvc.domain.policy import Capacity
from finsvc.services.replay_selection import Selection
from finsvc.services.search import Search
from finsvc.settings import Settings

Json = Mapping[str, object]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInput:
    """A report as asked for; the files go to ``out``."""

    name: str
    book: str
    as_of: date | None
    out: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AskInput:
    """A question as typed."""

    question: str
    agent: str
    book: str | None
    as_of: date | None
    capacity: Capacity = field(default_factory=Capacity)
    documents: Mapping[str, object] = field(default_factory=dict)


class Backend(Protocol):
    """The service: over HTTP or in this process."""

    def ask(self, question: AskInput, say: Say) -> Json:
        """Answer a question; the decision as JSON."""

    def run_calculator(self, name: str, inputs: Json) -> Json:
        """Run a calculator and its second method."""

    def run_report(self, report: ReportInput) -> Json:
        """Run a report and write its files."""

    def pending(self) -> list[Json]:
        """Held answers that the caller may decide about."""

    def decide(self, decision_id: str, verdict: str, comment: str) -> Json:
        """Release or reject a held answer."""

    def replay(self, decision_id: str, level: str) -> Json:
        """Derive a decision again."""

    def replay_many(self, selection: Selection, level: str, say: Say) -> list[Json]:
        """Derive a selection of decisions again."""

    def what_if(self, selection: Selection, bundle: Path) -> Json:
        """Tell which policy decisions of a selection another bundle takes otherwise."""

    def what_if_model(self, selection: Selection, model: Path) -> Json:
        """Tell which decisions of a selection another model makes otherwise."""


class CustodyBackend(Protocol):
    """Custody of the log: over HTTP or in this process."""

    def operate(self, order: Order) -> Json:
        """Do what is ordered."""

    def look(self, view: View) -> Json:
        """Show something of it."""


class LocalCustody(Protocol):
    """The module `finsvc.commands.local_custody`: the log alone, no model."""

    def open_custody(
        self, settings: Settings, key: str | None
    ) -> AbstractContextManager[CustodyBackend]:
        """Open the log as the holder of a key, or as the local user."""


class LocalService(Protocol):
    """The module `finsvc.commands.local_service`: loads the engine, takes the lock."""

    def open_service(self, settings: Settings, say: Say) -> AbstractContextManager[Backend]:
        """Start the service in this process."""

    def serve(self, settings: Settings, say: Say) -> None:
        """Run the HTTP service."""

    def create_key(self, settings: Settings, principal_id: str, roles: frozenset[str]) -> str:
        """Make an API key."""


class LocalCalculators(Protocol):
    """The module `finsvc.commands.local_calculators`: calculators and reports by name."""

    def reports(self) -> list[Json]:
        """All reports."""

    def calculators(self) -> list[Json]:
        """Summaries of all calculators."""

    def calculator(self, name: str) -> Json:
        """One calculator with its schemas."""

    def write_pages(self, folder: Path) -> None:
        """Write a page for each calculator."""

    def check_picture(self, file_name: str) -> None:
        """Refuse a file name whose ending is no picture format."""

    def picture(self, result: Json, file_name: str) -> bytes:
        """Draw a result in the format of the file's ending."""


class LocalData(Protocol):
    """The module `finsvc.commands.local_data`: snapshot and books, no lock, no model loaded."""

    def run_calculator(self, settings: Settings, say: Say, *, name: str, inputs: Json) -> Json:
        """Run a calculator and its second method as the local user."""

    def explain_calculator(
        self,
        settings: Settings,
        say: Say,
        *,
        name: str,
        documents: tuple[Json, Json],
        field: str | None,
    ) -> Json:
        """Tell which inputs moved a calculator's result, as the local user."""

    def validate_text(
        self, settings: Settings, say: Say, *, text: str, results: Sequence[Json]
    ) -> Json:
        """Judge a text against results, or calculators run as the local user."""

    def books(self, settings: Settings, say: Say) -> list[Json]:
        """All books with their sizes."""

    def import_book(
        self,
        settings: Settings,
        say: Say,
        *,
        file: Path,
        name: str,
        limits: Path | None,
        replace: bool,
    ) -> Json:
        """Check a book and put it on the shelf."""


class LocalLog(Protocol):
    """The module `finsvc.commands.local_log`: the log's files, readable beside a service."""

    def verify(self, settings: Settings) -> Json:
        """Check every byte."""

    def receipt(self, settings: Settings, record_id: str) -> Json:
        """A receipt against the latest checkpoint."""

    def search(self, settings: Settings, wanted: Search) -> list[Json]:
        """Records that meet everything."""

    def export(
        self, settings: Settings, destination: Path, wanted: Search, *, with_pdf: bool | None
    ) -> Json:
        """Write records with their proofs and pages to read."""


class LocalModel(Protocol):
    """The module `finsvc.commands.local_model`: checkpoints."""

    def info(self, settings: Settings, path: str) -> Json:
        """What a checkpoint is."""

    def check(self, settings: Settings, path: str) -> Json:
        """Run its self-test."""

    def calibrate(self, settings: Settings, path: str, out: Path | None, say: Say) -> Json:
        """Choose the confidence that a material answer must have, and keep it."""

    def invariance(self, settings: Settings, path: str) -> Json:
        """Run every comparison of the invariance harness on the GPU."""
