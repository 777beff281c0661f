import csv
import hashlib
import json
from datetime import date
from pathlib import Path

import pytest

from audit.errors import LogFailedError
from finsvc.agents.resolution.context import instruments_of
from finsvc.domain.errors import RefusedError, StateError, UnknownNameError
from finsvc.domain.policy import Principal
from finsvc.files import write_atomically
from finsvc.services.ports import RecordKind
from finsvc.services.report import ReportCommand, ReportRun, RunReport, report_run_to_json
from tests.finsvc.asking import ANALYST, Desk


def use_case(desk: Desk) -> RunReport:
    return RunReport(
        market=desk.data.market,
        second_market=desk.data.second_market,
        load_book=desk.data.books.load,
        last_date=lambda book: desk.data.market.last_date(
            instruments_of(book.portfolio), uses_fx=True
        ),
        policy=desk.policy,
        log=desk.audit,
        clock=desk.clock,
        write_file=write_atomically,
    )


def run(
    desk: Desk,
    out: Path,
    *,
    name: str = "risk_limits",
    book: str = "sample",
    principal: Principal = ANALYST,
    as_of: date | None = None,
) -> ReportRun:
    command = ReportCommand(name=name, book=book, as_of=as_of, out=out, principal=principal)
    return use_case(desk)(command)


def test_report_is_logged_and_written_whole(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "reports" / "today"
    written = run(desk, out)
    assert written.is_confirmed
    assert written.as_of == date(2022, 12, 28)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["report_id"] == written.report_id
    for name, stated in manifest["files"].items():
        content = (out / name).read_bytes()
        assert stated == {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    (record,) = desk.audit.records()
    assert record.kind is RecordKind.REPORT
    assert record.record_id == written.report_id
    files = record.body["files"]
    assert isinstance(files, dict)
    assert set(files) == {"report.json", "report.csv", "manifest.json"}
    assert {name: files[name] for name in manifest["files"]} == manifest["files"]
    document = report_run_to_json(written)
    assert document["receipt"] == dict(written.receipt)
    assert {path.name for path in out.iterdir()} == set(files)


def test_figures_of_both_files_equal_the_calculators(desk: Desk, tmp_path: Path) -> None:
    run(desk, tmp_path / "out", as_of=date(2022, 6, 30))
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    direct = desk.calculate(
        "historical_var",
        {
            "portfolio": {"book": "sample"},
            "as_of": "2022-06-30",
            "confidence": "0.99",
            "horizon_days": 10,
        },
        ANALYST,
    )
    first = document["sections"][0]
    assert first["result"] == {key: direct[key] for key in first["result"]}
    with (tmp_path / "out" / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["confirmed"] for row in rows} == {"yes"}
    var = next(row for row in rows if row["section"] == "value_at_risk_historical")
    assert (var["figure"], var["value"], var["unit"]) == ("var", direct["value"], "USD")


def test_report_without_entitlement_is_refused(desk: Desk, tmp_path: Path) -> None:
    other = Principal(id="ann", roles=frozenset({"analyst", "book:pelican"}))
    with pytest.raises(RefusedError, match="run_report"):
        run(desk, tmp_path / "out", principal=other)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "book"), [("emir", "sample"), ("risk_limits", "unicorn")])
def test_unknown_names_are_errors(name: str, book: str, desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        run(desk, tmp_path / "out", name=name, book=book)


def test_nothing_is_written_when_the_log_fails(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(kind: object, record_id: object, body: object) -> None:
        raise LogFailedError(tmp_path, "fsync failed")

    monkeypatch.setattr(desk.audit, "append", fail)
    with pytest.raises(LogFailedError):
        run(desk, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_written_is_named(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StateError, match="expected a writable file"):
        run(desk, tmp_path / "out")
