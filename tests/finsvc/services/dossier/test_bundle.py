"""The folder that a regulator is handed, made from a real log of a held, approved decision."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit import standalone
from audit.retention import Authority, Keeper
from finsvc.adapters.engine import EMBEDDED_FOLDER
from finsvc.adapters.prompt_text import PromptText
from finsvc.domain.policy import Capacity
from finsvc.services.approve import ApprovalVerdict
from finsvc.services.dossier.bundle import Bundle, BundleParts, write_bundle
from finsvc.services.dossier.pages import Page, Section, Table, Text
from finsvc.services.dossier.pdf import write_pdf
from finsvc.services.dossier.reading import signed_time, words
from finsvc.services.ports import RecordKind
from tests.finsvc.asking import ANALYST, APPROVER, Desk
from tests.finsvc.conftest import MarketData
from tests.finsvc.scripted import ScriptedModel, call, final

CLIENT = replace(
    ANALYST, capacity=Capacity(client="client 42", purpose="<script>alert(1)</script>")
)


def parts(*, with_pdf: bool = True) -> BundleParts:
    return BundleParts(
        prompts=lambda manifest, ids: None,
        verifier=Path(standalone.__file__).read_bytes(),
        asked={"who": "ana"},
        with_pdf=with_pdf,
    )


@pytest.fixture(scope="module")
def desk(data: MarketData, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = Desk(data, tmp_path_factory.mktemp("desk"))
    model = ScriptedModel(
        call("value_at_risk", portfolio="sample book"),
        final("The value at risk of {subject} is {var}."),
    )
    held = made.ask("95% VaR of the sample book?", model, principal=CLIENT).decision_id
    made.approvals.decide(held, ApprovalVerdict.APPROVED, approver=APPROVER, comment="looks right")
    broken = ScriptedModel(call("price", instrument="Atlantis Inc"), final("{error}."))
    made.ask("Where did Atlantis Inc close?", broken)
    bodies: dict[RecordKind, dict[str, object]] = {
        RecordKind.COMPLETION: {
            "choices": [{"content": "Hello."}],
            "turns": [{"prompt_ids": [1, 2], "token_ids": [3], "sampling": {"seed": "1"}}],
            "verdict": "unverified",
        },
        RecordKind.REPLAY: {"replayed": ["dec_1"], "ok": True, "principal": {"id": "aud"}},
        RecordKind.ACCESS: {"what": "search", "principal": {"id": "aud"}},
        RecordKind.REPORT: {"report": "risk", "book": "sample", "ok": False},
        RecordKind.BUILD: {"packages": [{"name": "numpy", "version": "2"}]},
    }
    for kind, body in bodies.items():
        made.audit.append(kind, f"{kind.value}_1", body)
    made.audit.append(RecordKind.DECISION, "dec_held", {"held": True, "answer": "42"})
    made.audit.append(RecordKind.DECISION, "dec_gone", {"answer": "secret", "client": "gone"})
    vault = made.audit.log._vault
    assert vault is not None
    Keeper(made.audit.log, vault).shred_subject(
        "gone", Authority(by="dpo", reason="asked"), now=datetime.now(UTC)
    )
    return made


def exported(desk: Desk, folder: Path, *, with_pdf: bool = True) -> Bundle:
    folder.mkdir()
    desk.audit.export(folder / "records.jsonl")
    return write_bundle(folder, parts(with_pdf=with_pdf))


def page(folder: Path, index: int) -> str:
    return (folder / "pages" / f"{index:09d}.html").read_text()


def test_bundle_is_checked_by_the_verifier_that_comes_with_it(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    exported(desk, folder)
    assert (folder / "verify.py").read_bytes() == Path(standalone.__file__).read_bytes()
    argv = ["receipt", str(folder / "records.jsonl"), "--key", desk.audit.vkey()]
    assert standalone.main(argv) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_manifest_names_every_file_by_its_digest(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    bundle = exported(desk, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert manifest["files"] == files
    assert {"index.html", "records.jsonl", "records.pdf", "verify.py", "README.txt"} <= set(files)
    assert manifest["records"] == bundle.num_records == desk.audit.log.size
    assert (manifest["first_index"], manifest["last_index"]) == (0, desk.audit.log.size - 1)
    assert (manifest["asked"], manifest["vkey"]) == ({"who": "ana"}, desk.audit.vkey())
    assert manifest["checkpoint"] == desk.audit.checkpoint()


def test_page_of_a_decision_says_who_why_what_and_by_whose_leave(
    desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    exported(desk, folder)
    shown = page(folder, 0)
    body = desk.audit.find(desk.audit.log.statement(0).id)
    assert body is not None
    claim = body.body["claims"][0]  # type: ignore[index]
    for expected in (
        "ana",
        "client 42",
        "95% VaR of the sample book?",
        "needs_human",
        claim["value"],
        claim["second"]["method"],
        "historical_var",
        "Approval",
        "pia",
        "looks right",
        str(body.body["policy"][0]["bundle"]),  # type: ignore[index]
        "python verify.py receipt records.jsonl",
        desk.audit.checkpoint().splitlines()[2],
        "clock ",
    ):
        assert expected in shown, expected


def test_page_shows_nothing_as_markup_that_a_record_says(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    exported(desk, folder)
    for path in (folder / "index.html", folder / "pages" / "000000000.html"):
        assert "<script" not in path.read_text().lower()
    assert "&lt;script&gt;" in page(folder, 0)


def test_destroyed_content_says_so_and_keeps_its_proof(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    exported(desk, folder)
    (index,) = desk.audit.log.find("dec_gone")
    shown = page(folder, index)
    assert "destroyed in due form" in shown
    assert desk.audit.log.receipt(index).leaf_hash.hex() in shown
    assert "secret" not in shown


def test_every_kind_of_record_has_a_page_that_names_it(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    exported(desk, folder)
    index = (folder / "index.html").read_text()
    for kind in ("Decision", "Approval", "Completion", "Replay", "Access to the log", "Report"):
        assert f"<td>{kind}</td>" in index, kind
    links = re.findall(r'href="([^"]+)"', index)
    assert len(links) == desk.audit.log.size
    assert all((folder / link).is_file() for link in links)
    assert "Nobody had decided" in page(folder, desk.audit.log.find("dec_held")[0])
    # Without the vocabulary the ids are shown.
    assert "<pre>1 2</pre>" in page(folder, desk.audit.log.find("completion_1")[0])


def test_export_without_paper_has_no_pdf(desk: Desk, tmp_path: Path) -> None:
    bundle = exported(desk, tmp_path / "out", with_pdf=False)
    assert not (tmp_path / "out" / "records.pdf").exists()
    assert bundle.num_sheets == 0


def test_pdf_is_the_same_for_the_same_records(desk: Desk, tmp_path: Path) -> None:
    first, second = (exported(desk, tmp_path / name) for name in ("a", "b"))
    made = [(tmp_path / name / "records.pdf").read_bytes() for name in ("a", "b")]
    assert made[0] == made[1]
    assert made[0].startswith(b"%PDF-")
    assert first.num_sheets == second.num_sheets >= first.num_records


def test_export_of_no_records_is_a_bundle_too(desk: Desk, tmp_path: Path) -> None:
    desk.audit.export(tmp_path / "records.jsonl", ())
    bundle = write_bundle(tmp_path, parts())
    assert (bundle.num_records, bundle.num_sheets) == (0, 0)
    assert bundle.manifest["first_index"] is None


def sheets(tmp_path: Path, *blocks: Table | Text, is_full: bool = False) -> int:
    shown = Page(
        index=1,
        record_id="dec_1",
        kind="Decision",
        time="now",
        who="",
        verdict="",
        subject="",
        sections=(Section(title="Part", blocks=blocks),),
    )
    return write_pdf(tmp_path / "a.pdf", "title", [shown], is_full=is_full)


def test_long_text_is_printed_only_where_asked(tmp_path: Path) -> None:
    text = Text(text="word " * 3_000, label="Prompt", is_exact=True, is_long=True)
    assert sheets(tmp_path, text) == 1
    assert sheets(tmp_path, text, is_full=True) > 1


@pytest.mark.parametrize("text", ["x" * 20_000, "line\n" * 200, "\u00fc\u20ac\u2265 " * 4_000])
def test_text_of_any_length_goes_over_as_many_sheets_as_it_needs(tmp_path: Path, text: str) -> None:
    assert sheets(tmp_path, Text(text=text), Text(text="")) > 1


def test_table_row_that_no_sheet_can_hold_is_continued(tmp_path: Path) -> None:
    table = Table(head=("A", "B"), weights=(1, 1), rows=(("word " * 3_000, "b"),) * 2)
    assert sheets(tmp_path, table) > 2


def test_prompt_text_gives_words_of_its_own_vocabulary_alone() -> None:
    prompts = PromptText(EMBEDDED_FOLDER)
    tokenizer = prompts._tokenizer
    ids = [*tokenizer.encode("Hello"), prompts._start, *tokenizer.encode("there")]
    manifest = {"tokenizer_digest": tokenizer.digest}
    assert prompts(manifest, ids) == prompts(manifest, ids) == "Hello\n<|start|>there"
    assert prompts(manifest, []) == ""
    assert prompts({"tokenizer_digest": "another"}, ids) is None


def test_prompt_text_keeps_a_bounded_number_of_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finsvc.adapters.prompt_text._MESSAGES_MAX", 2)
    prompts = PromptText(EMBEDDED_FOLDER)
    manifest = {"tokenizer_digest": prompts._tokenizer.digest}
    for token in range(5):
        prompts(manifest, [token])
    assert len(prompts._known) <= 2


@pytest.mark.parametrize("envelope", ["", "!", "e30="])
def test_envelope_that_cannot_be_read_has_no_time(envelope: str) -> None:
    assert signed_time({"envelope": envelope}) == "unknown"


def test_words_of_something_else_are_its_text() -> None:
    assert words({"roles": "one"}, "roles") == "one"
    assert words({"roles": ["a", 1, None]}, "roles") == "a, 1, "
