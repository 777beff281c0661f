"""A test a clause: each does on a real log what the clause asks for. Rows: `record_law.LAW`."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit import standalone
from audit.errors import LogFailedError, PayloadLockedError, PayloadShreddedError, RetentionError
from audit.events import SHREDDING_EVENT
from audit.log import Log
from audit.receipt import Receipt
from audit.retention import Authority, Keeper, RetentionRule
from audit.search import Query
from audit.verify import verify_directory
from finsvc.adapters.audit import AuditLog, verify_log
from finsvc.adapters.build import read_build
from finsvc.adapters.replay import DecisionReplayer
from finsvc.calculators.registry import CALCULATORS
from finsvc.compliance.record_law import LAW, law_page
from finsvc.domain.errors import RefusedError
from finsvc.domain.policy import Capacity, Principal
from finsvc.services.approve import ApprovalVerdict, approval_id
from finsvc.services.dossier.bundle import BundleParts, write_bundle
from finsvc.services.ports import RecordKind
from finsvc.services.replay import Level
from finsvc.services.search import Search, SearchLog
from finsvc.settings import Settings
from tests.data import ROOT
from tests.finsvc.asking import ANALYST, APPROVER, Desk
from tests.finsvc.conftest import MarketData
from tests.finsvc.scripted import ScriptedModel, call, final

CLIENT = replace(ANALYST, capacity=Capacity(client="client 42", on_behalf_of="desk 7"))
OFFICER = Authority(by="dpo", reason="request 7")
YEAR = timedelta(days=365)


@pytest.fixture
def desk(data: MarketData, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(data, tmp_path)
    yield made
    made.audit.close()


def answered(desk: Desk, principal: Principal = CLIENT) -> str:
    model = ScriptedModel(call("price", instrument="Apple"), final("{subject} closed at {close}."))
    return desk.ask("Where did Apple close?", model, principal=principal).decision_id


def held(desk: Desk) -> str:
    model = ScriptedModel(
        call("value_at_risk", portfolio="sample book"),
        final("The value at risk of {subject} is {var}."),
    )
    decision = desk.ask("95% VaR of the sample book?", model, principal=CLIENT)
    assert decision.is_held
    return decision.decision_id


def approved(desk: Desk) -> str:
    decision_id = held(desk)
    desk.approvals.decide(
        decision_id, ApprovalVerdict.APPROVED, approver=APPROVER, comment="checked by hand"
    )
    return decision_id


def keeper(desk: Desk, *rules: RetentionRule) -> Keeper:
    vault = desk.audit.log._vault
    assert vault is not None
    return Keeper(desk.audit.log, vault, rules)


def body(desk: Desk, record_id: str) -> dict[str, object]:
    record = desk.audit.find(record_id)
    assert record is not None
    return dict(record.body)


def alter(folder: Path, index: int) -> None:
    """Change a bit of a stored payload or entry, as somebody at the disk would."""
    (segment,) = (folder / "segments").iterdir()
    data = bytearray(segment.read_bytes())
    # The middle of the bytes that belong to the entry: payload and envelope lie one after another.
    places = [found.start() for found in re.finditer(rb'\{"payload":', bytes(data))]
    data[places[index] + 200] ^= 1
    segment.write_bytes(bytes(data))


def test_law_has_a_test_a_row_and_a_row_a_test() -> None:
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert tests - {row.name for row in LAW} == {
        "law_has_a_test_a_row_and_a_row_a_test",
        "law_page_is_made_from_the_table",
    }
    assert {row.name for row in LAW} <= tests
    assert len({row.name for row in LAW}) == len(LAW)


def test_law_page_is_made_from_the_table() -> None:
    assert (ROOT / "docs" / "law.md").read_text() == law_page()


def test_sec_17a_4_f_2_i_a_1_every_modification_and_deletion_is_in_the_trail(desk: Desk) -> None:
    decision_id = approved(desk)
    log = desk.audit.log
    before = log.size
    keeper(desk).shred_records(log.find(decision_id), OFFICER, now=datetime.now(UTC))
    (event,) = log.search(Query(type=SHREDDING_EVENT))
    content = log.statement(event).content
    assert content is not None
    assert (content["by"], content["reason"]) == ("dpo", "request 7")
    assert content["indices"] == list(log.find(decision_id))
    # Nothing went: what was modified (released) and what was deleted are entries as before.
    assert log.size == before + 1
    assert body(desk, approval_id(decision_id))["decision_id"] == decision_id


def test_sec_17a_4_f_2_i_a_2_and_3_each_action_has_time_and_person(desk: Desk) -> None:
    started = datetime.now(UTC) - timedelta(seconds=2)
    decision_id = approved(desk)
    keeper(desk).shred_records(desk.audit.log.find(decision_id), OFFICER, now=datetime.now(UTC))
    people = []
    for index in range(desk.audit.log.size):
        statement = desk.audit.log.statement(index)
        at = datetime.fromtimestamp(statement.stamp.utc_ns / 1e9, UTC)
        assert started <= at <= datetime.now(UTC) + timedelta(seconds=2)
        try:
            content = desk.audit.log.read(index).content
        except PayloadShreddedError:
            continue
        people.append(content.get("by") or content["approver"]["id"])  # type: ignore[index,call-overload]
    assert people == ["pia", "dpo"]


def test_sec_17a_4_f_2_i_a_4_original_is_recreated_after_a_modification(
    desk: Desk, tmp_path: Path
) -> None:
    ids = [answered(desk) for _ in range(3)]
    original = body(desk, ids[1])
    checkpoint = desk.audit.checkpoint()
    desk.audit.close()
    shutil.copytree(tmp_path / "log", tmp_path / "copy")
    alter(tmp_path / "log", 1)
    assert verify_log(tmp_path / "log").first_bad_index == 1
    report = verify_directory(tmp_path / "copy", trusted=[checkpoint])
    assert report.ok
    copy = AuditLog.read(tmp_path / "copy", tmp_path / "keys" / "log.pem")
    found = copy.find(ids[1])
    assert found is not None
    assert found.body == original
    copy.close()


def test_sec_17a_4_f_2_ii_completeness_is_verified_automatically(
    desk: Desk, tmp_path: Path
) -> None:
    receipts = [desk.audit.receipt(answered(desk)) for _ in range(3)]
    assert all(receipts)
    summary = desk.audit.verify()
    assert (summary.is_ok, summary.size) == (True, 3)
    desk.audit.close()
    (segment,) = (tmp_path / "log" / "segments").iterdir()
    segment.write_bytes(segment.read_bytes()[:-5_000])
    assert not verify_log(tmp_path / "log").is_ok


def test_sec_17a_4_f_2_iv_copies_for_people_and_machines(desk: Desk, tmp_path: Path) -> None:
    decision_id = approved(desk)
    folder = tmp_path / "out"
    folder.mkdir()
    desk.audit.export(folder / "records.jsonl")
    parts = BundleParts(prompts=lambda manifest, ids: None, verifier=b"", asked={})
    write_bundle(folder, parts)
    lines = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    assert lines[1]["content"] == body(desk, decision_id)
    page = (folder / "pages" / "000000000.html").read_text()
    for word in ("ana", "client 42", "checked by hand", "95% VaR of the sample book?"):
        assert word in page
    assert (folder / "records.pdf").read_bytes().startswith(b"%PDF")


def test_sec_17a_4_f_2_v_redundant_copy_serves_alone(desk: Desk, tmp_path: Path) -> None:
    decision_id = answered(desk)
    expected = body(desk, decision_id)
    shutil.copytree(tmp_path / "log", tmp_path / "elsewhere" / "log")
    shutil.copytree(tmp_path / "keys", tmp_path / "elsewhere" / "keys")
    desk.audit.close()
    shutil.rmtree(tmp_path / "log")
    shutil.rmtree(tmp_path / "keys")
    log = AuditLog.read(tmp_path / "elsewhere" / "log", tmp_path / "elsewhere" / "keys" / "log.pem")
    found = log.find(decision_id)
    assert found is not None
    assert found.body == expected
    assert log.search(Search(terms={"client": "client 42"})) == (0,)
    assert log.verify().is_ok
    log.close()


def test_sec_17a_4_f_3_records_are_located_by_an_index(desk: Desk, tmp_path: Path) -> None:
    first, second = answered(desk, ANALYST), approved(desk)
    value = body(desk, first)["claims"][0]["value"]  # type: ignore[index]
    wanted = {
        "who": ("desk 7", [1]),
        "client": ("client 42", [1, 2]),
        "verdict": ("needs_human", [1]),
        "tool": ("historical_var", [1]),
        "number": (str(value), [0]),
        "decision": (second, [1, 2]),
    }
    desk.audit.close()
    for path in (tmp_path / "log").glob("search.sqlite*"):
        path.unlink()
    log = AuditLog.read(tmp_path / "log", tmp_path / "keys" / "log.pem")
    for name, (term, indices) in wanted.items():
        assert list(log.search(Search(terms={name: term}))) == indices, name
    log.close()


def kept_until(desk: Desk, period: timedelta, basis: str) -> None:
    """Erasure is refused a day before the end of a period and done a day after."""
    decision_id = answered(desk)
    rule = RetentionRule(type="urn:finsvc:record:*", period=period, basis=basis)
    guard = keeper(desk, rule)
    indices = desk.audit.log.find(decision_id)
    now = datetime.now(UTC)
    with pytest.raises(RetentionError, match=re.escape(basis)):
        guard.shred_records(indices, OFFICER, now=now + period - timedelta(days=1))
    assert body(desk, decision_id)["answer"]
    guard.shred_records(indices, OFFICER, now=now + period + timedelta(days=1))
    assert body(desk, decision_id) == {}


def test_sec_17a_4_a_records_are_kept_six_years(desk: Desk) -> None:
    kept_until(desk, 6 * YEAR, "17 CFR 240.17a-4(a)")


def test_mifid_72_1_a_each_key_stage_can_be_reconstituted(desk: Desk) -> None:
    decision_id = approved(desk)
    stages = body(desk, decision_id)
    assert stages["request"]["question"] == "95% VaR of the sample book?"  # type: ignore[index]
    actions = [item["request"]["action"] for item in stages["policy"]]  # type: ignore[attr-defined]
    assert actions == ["ask", "call_tool", "release"]
    for name in ("turns", "calls", "claims", "reasons", "verdict", "answer"):
        assert stages[name], name
    approval = body(desk, approval_id(decision_id))
    assert approval["approves"]["index"] == desk.audit.log.find(decision_id)[0]  # type: ignore[index]
    replayer = DecisionReplayer(
        audit=desk.audit,
        policies=desk.policy,
        model=None,  # type: ignore[arg-type]
        market_for=lambda _: desk.data.market,
    )
    # Levels below R3 need no model.
    result = replayer.replay(decision_id, Level.R2)
    assert dict(result.levels) == {"R0": "match", "R1": "match", "R2": "match"}


def test_mifid_72_1_b_corrections_and_what_was_before_are_seen(desk: Desk) -> None:
    decision_id = answered(desk)
    correction = {"answer": "corrected", "corrects": decision_id, "by": {"id": "pia"}}
    desk.audit.append(RecordKind.DECISION, decision_id, correction)
    found = [desk.audit.log.read(index).content for index in desk.audit.log.find(decision_id)]
    assert [item["answer"] for item in found] == [body(desk, decision_id)["answer"], "corrected"]


def test_mifid_72_1_c_records_cannot_be_altered_otherwise(desk: Desk, tmp_path: Path) -> None:
    for _ in range(3):
        answered(desk)
    desk.audit.close()
    for index in range(3):
        folder = tmp_path / f"altered-{index}"
        shutil.copytree(tmp_path / "log", folder)
        alter(folder, index)
        assert verify_log(folder).first_bad_index == index


def test_mifid_72_1_d_records_are_exploited_by_machine(desk: Desk, tmp_path: Path) -> None:
    for _ in range(2):
        answered(desk)
    desk.audit.export(tmp_path / "records.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]
    values = {line["content"]["claims"][0]["value"] for line in lines[1:]}
    assert len(lines) == 3
    assert len(values) == 1


def test_mifid_72_1_e_any_technology_reads_and_checks_them(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(desk)
    vkey = desk.audit.vkey()
    desk.audit.close()
    assert standalone.main(["log", str(tmp_path / "log"), "--key", vkey]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    source = Path(standalone.__file__).read_text()
    imported = set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE))
    assert not imported & {"audit", "finsvc", "policies", "engine", "kernels"}


def test_mifid_annex_i_client_person_and_time_are_fields(desk: Desk) -> None:
    decision_id = answered(desk)
    content = body(desk, decision_id)
    principal = content["principal"]
    assert content["client"] == "client 42"
    assert (principal["id"], principal["on_behalf_of"]) == ("ana", "desk 7")  # type: ignore[index]
    at = datetime.fromisoformat(str(content["time"]))
    assert at.tzinfo is not None
    found = desk.audit.search(
        Search(terms={"client": "client 42", "who": "ana"}, since=at - timedelta(minutes=1))
    )
    assert found == desk.audit.log.find(decision_id)


def test_ai_act_12_1_events_are_recorded_automatically(desk: Desk) -> None:
    approved(desk)
    nobody = Principal(id="nobody", roles=frozenset())
    with pytest.raises(RefusedError):
        answered(desk, nobody)
    auditor = Principal(id="aud", roles=frozenset({"auditor"}))
    search = SearchLog(searchable=desk.audit, log=desk.audit, policy=desk.policy, clock=desk.clock)
    search(Search(terms={"who": "nobody"}), auditor, limit=10)
    kinds = [record.kind.value for record in desk.audit.records()]
    assert kinds == ["decision", "approval", "decision", "access"]


def test_ai_act_12_2_a_risks_and_substantial_modifications_are_identified(
    desk: Desk, tmp_path: Path
) -> None:
    content = body(desk, held(desk))
    assert (content["verdict"], content["held"]) == ("needs_human", True)
    assert content["reasons"]
    desk.audit.close()
    for threads in (1, 1, 2):
        AuditLog.open(
            tmp_path / "log",
            tmp_path / "keys" / "log.pem",
            build=read_build(Settings(threads=threads)),
        ).close()
    log = AuditLog.read(tmp_path / "log", tmp_path / "keys" / "log.pem")
    builds = [record.body for record in log.records() if record.kind is RecordKind.BUILD]
    assert len(builds) == 2
    differing = {name for name in builds[0] if builds[0][name] != builds[1][name]}
    assert differing == {"settings_digest", "build"}
    log.close()


def test_ai_act_12_2_b_and_26_5_operation_is_monitored_from_the_log(desk: Desk) -> None:
    answered(desk)
    held(desk)
    now = datetime.now(UTC)
    search = Search(terms={"verdict": "needs_human"}, since=now - timedelta(hours=1))
    assert desk.audit.search(search) == (1,)
    assert desk.audit.search(replace(search, since=now + timedelta(hours=1))) == ()
    assert desk.audit.search(Search(terms={"tool": "price"})) == (0,)


def test_ai_act_14_oversight_is_on_record(desk: Desk) -> None:
    decision_id = held(desk)
    outcome = desk.approvals.decide(
        decision_id, ApprovalVerdict.REJECTED, approver=APPROVER, comment="95 is not 99"
    )
    assert outcome.answer is None
    approval = body(desk, approval_id(decision_id))
    assert approval["approver"]["id"] == "pia"  # type: ignore[index]
    assert (approval["verdict"], approval["comment"]) == ("rejected", "95 is not 99")


def test_ai_act_19_1_and_26_6_logs_are_kept_six_months(desk: Desk) -> None:
    kept_until(desk, timedelta(days=184), "AI Act Art 26(6)")


def test_dora_12_2_c_listed_events_are_logged(desk: Desk) -> None:
    with pytest.raises(RefusedError):
        answered(desk, Principal(id="nobody", roles=frozenset()))
    (refused,) = desk.audit.records()
    decided = refused.body["policy"][0]  # type: ignore[index]
    assert decided["decision"] == "deny"
    assert decided["request"]["principal"]["id"] == "nobody"
    auditor = Principal(id="aud", roles=frozenset({"auditor"}))
    search = SearchLog(searchable=desk.audit, log=desk.audit, policy=desk.policy, clock=desk.clock)
    search(Search(), auditor, limit=1)
    accesses = [record for record in desk.audit.records() if record.kind is RecordKind.ACCESS]
    assert [record.body["principal"]["id"] for record in accesses] == ["aud"]  # type: ignore[index]


def test_dora_12_2_d_logs_are_protected_against_tampering_deletion_and_access(
    desk: Desk, tmp_path: Path
) -> None:
    answered(desk)
    answered(desk)
    analyst = Principal(id="ana", roles=frozenset({"analyst"}))
    search = SearchLog(searchable=desk.audit, log=desk.audit, policy=desk.policy, clock=desk.clock)
    with pytest.raises(RefusedError):
        search(Search(), analyst, limit=1)
    checkpoint = desk.audit.checkpoint()
    desk.audit.close()
    without_keys = AuditLog.read(tmp_path / "log")
    with pytest.raises(PayloadLockedError):
        without_keys.log.read(0)
    without_keys.close()
    shutil.copytree(tmp_path / "log", tmp_path / "cut")
    (segment,) = (tmp_path / "cut" / "segments").iterdir()
    segment.write_bytes(segment.read_bytes()[: segment.stat().st_size // 2])
    assert not verify_directory(tmp_path / "cut", trusted=[checkpoint]).ok


def test_dora_12_2_e_failure_of_logging_is_detected(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LogFailedError(Path("log"), "no space left on device")

    monkeypatch.setattr(Log, "append", fail)
    with pytest.raises(LogFailedError) as caught:
        answered(desk)
    assert caught.value.code == "audit_log_failed"


def test_dora_12_2_f_clock_and_its_uncertainty_are_recorded(desk: Desk) -> None:
    decision_id = answered(desk)
    stamp = desk.audit.log.statement(desk.audit.log.find(decision_id)[0]).stamp
    assert stamp.clock.value in ("ntp", "free")
    assert stamp.error_us >= 0
    assert abs(stamp.utc_ns / 1e9 - datetime.now(UTC).timestamp()) < 60


def test_gdpr_17_1_erasure_leaves_proofs_valid(desk: Desk, tmp_path: Path) -> None:
    decision_id = approved(desk)
    index = desk.audit.log.find(decision_id)[0]
    before = desk.audit.log.receipt(index)
    words = str(body(desk, decision_id)["answer"])
    keeper(desk).shred_subject("client 42", OFFICER, now=datetime.now(UTC))
    assert body(desk, decision_id) == body(desk, approval_id(decision_id)) == {}
    assert desk.audit.search(Search(terms={"client": "client 42"})) == ()
    keyring = desk.audit.log.keyring
    for receipt in (before, desk.audit.log.receipt(index)):
        assert isinstance(receipt, Receipt)
        receipt.verify(keyring.verifiers, entry=desk.audit.log.envelope(index))
    assert desk.audit.verify().is_ok
    desk.audit.close()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert words.encode() not in data, path
            assert b"client 42" not in data, path


def test_gdpr_17_3_b_legal_obligation_outweighs_erasure(desk: Desk) -> None:
    decision_id = answered(desk)
    now = datetime.now(UTC)
    rule = RetentionRule(type="urn:finsvc:record:*", period=5 * YEAR, basis="MiFID II Art 16(7)")
    with pytest.raises(RetentionError, match="MiFID II"):
        keeper(desk, rule).shred_subject("client 42", OFFICER, now=now)
    guard = keeper(desk)
    guard.hold("case 9", Authority(by="legal", reason="claim"), data_subject="client 42")
    with pytest.raises(RetentionError, match="case 9"):
        guard.shred_subject("client 42", OFFICER, now=now)
    assert body(desk, decision_id)["answer"]
    guard.release("case 9", Authority(by="legal", reason="settled"))
    guard.shred_subject("client 42", OFFICER, now=now)
    assert body(desk, decision_id) == {}


def test_gdpr_5_1_e_what_no_rule_keeps_any_more_is_named(desk: Desk) -> None:
    answered(desk)
    held(desk)
    rule = RetentionRule(type="urn:finsvc:record:*", period=5 * YEAR, basis="policy")
    guard = keeper(desk, rule)
    now = datetime.now(UTC)
    guard.hold("case 9", Authority(by="legal", reason="claim"), indices=[1])
    assert guard.expired(now=now + 4 * YEAR) == []
    assert guard.expired(now=now + 6 * YEAR) == [0]


def test_gdpr_32_contents_are_unreadable_without_the_keys(desk: Desk, tmp_path: Path) -> None:
    words = str(body(desk, answered(desk))["answer"])
    desk.audit.close()
    for path in (tmp_path / "log").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for secret in (words, "client 42", "desk 7", "Where did Apple close"):
                assert secret.encode() not in data, (path, secret)


def test_bcbs_239_p2_figure_is_traced_to_data_and_method(desk: Desk) -> None:
    content = body(desk, answered(desk))
    (claim,) = content["claims"]  # type: ignore[misc]
    calls = {made["id"]: made for made in content["calls"]}  # type: ignore[attr-defined]
    made = calls[claim["source"]["call"]]
    result = made["result"]
    assert result["data_snapshot"] == desk.data.market.snapshot
    calculator = CALCULATORS[made["calculator"]]
    assert made["calculator_digest"] == calculator.digest
    # From the record alone, on the snapshot that it names, the figure comes out again.
    again = calculator.run(calculator.parse(made["inputs"]), desk.data.market)
    assert again.inputs_digest == result["inputs_digest"]
    field = claim["source"]["field"]
    assert str(again.fields[field].value) == result["fields"][field]["value"] == claim["value"]


def test_bcbs_239_p3_figure_is_reconciled_by_a_second_method(desk: Desk) -> None:
    content = body(desk, answered(desk))
    (claim,) = content["claims"]  # type: ignore[misc]
    second = claim["second"]
    assert second["method"]
    assert abs(float(second["value"]) - float(claim["value"])) <= float(second["tolerance"])
    assert claim["verdict"].startswith("verified")


def test_bcbs_239_p4_and_p5_every_decision_is_there_and_timely(desk: Desk, tmp_path: Path) -> None:
    ids = [answered(desk) for _ in range(4)]
    # Another reader sees each before anything else happens: the answer left after the record.
    reader = AuditLog.read(tmp_path / "log", tmp_path / "keys" / "log.pem")
    assert [record.record_id for record in reader.records()] == ids
    assert [record.index for record in reader.records()] == [0, 1, 2, 3]
    reader.close()


def test_bcbs_239_p6_ad_hoc_requests_are_answered(desk: Desk, tmp_path: Path) -> None:
    answered(desk, ANALYST)
    approved(desk)
    found = desk.audit.search(Search(terms={"client": "client 42", "tool": "historical_var"}))
    assert found == (1,)
    assert desk.audit.export(tmp_path / "records.jsonl", found) == 1
    lines = (tmp_path / "records.jsonl").read_text().splitlines()
    assert json.loads(lines[1])["index"] == 1
