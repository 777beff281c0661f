"""What a decision's record says of who, for whom, with what and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from audit.retention import Authority, Keeper
from audit.search import Query
from finsvc.adapters.log_keys import LogKeys
from finsvc.calculators.registry import CALCULATORS
from finsvc.domain.policy import Capacity
from finsvc.services.approve import ApprovalVerdict, approval_id
from tests.finsvc.asking import ANALYST, APPROVER, Desk
from tests.finsvc.scripted import ScriptedModel, call, final

CAPACITY = Capacity(
    on_behalf_of="desk 7",
    session="s-1",
    purpose="suitability",
    client="client 42",
    idempotency_key="k-1",
)
CLIENTS = replace(ANALYST, tenant="bank-a", capacity=CAPACITY)


def priced(desk: Desk, client: bool = True) -> str:
    model = ScriptedModel(call("price", instrument="Apple"), final("{subject} closed at {close}."))
    principal = CLIENTS if client else ANALYST
    return desk.ask("Where did Apple close?", model, principal=principal).decision_id


def test_record_says_who_for_whom_and_what_for(desk: Desk) -> None:
    record = desk.audit.find(priced(desk))
    assert record is not None
    assert record.body["principal"] == {
        "id": "ana",
        "roles": ["analyst", "book:*", "compliance"],
        "tenant": "bank-a",
        "on_behalf_of": "desk 7",
        "session": "s-1",
        "purpose": "suitability",
        "client": "client 42",
        "idempotency_key": "k-1",
    }


def test_record_names_the_code_of_each_calculator(desk: Desk) -> None:
    record = desk.audit.find(priced(desk))
    assert record is not None
    (made,) = record.body["calls"]  # type: ignore[misc]
    assert made["calculator_digest"] == CALCULATORS[made["calculator"]].digest


def test_entry_has_the_time_its_clock_and_uncertainty(desk: Desk) -> None:
    before = datetime.now(UTC)
    entry = desk.audit.entry(priced(desk))
    assert entry is not None
    stamp = entry.statement.stamp
    written = datetime.fromtimestamp(stamp.utc_ns / 1e9, UTC)
    assert before - timedelta(seconds=1) <= written <= datetime.now(UTC) + timedelta(seconds=1)
    assert stamp.clock in ("ntp", "free")
    assert stamp.error_us >= 0


def test_records_are_found_by_everything_that_says_for_whom(desk: Desk) -> None:
    priced(desk, client=False)
    index = desk.record(priced(desk)).index  # type: ignore[arg-type]
    for name, value in {
        "tenant": "bank-a",
        "session": "s-1",
        "purpose": "suitability",
        "client": "client 42",
        "who": "desk 7",
    }.items():
        assert desk.audit.log.search(Query(terms={name: value})) == (index,), name


def test_everything_of_a_client_is_erased_together_and_nothing_else(desk: Desk) -> None:
    other, held = priced(desk, client=False), _held(desk)
    desk.approvals.decide(held, ApprovalVerdict.APPROVED, approver=APPROVER, comment="seen")
    log = desk.audit.log
    keys = LogKeys(log.directory.parent / "keys" / "log.pem")
    vault = log._vault
    assert vault is not None
    assert keys.vault.exists()
    keeper = Keeper(log, vault)
    authority = Authority(by="dpo", reason="GDPR Art 17 request 7")
    keeper.shred_subject("client 42", authority, now=datetime.now(UTC))
    for record_id in (held, approval_id(held)):
        record = desk.audit.find(record_id)
        assert record is not None
        assert record.body == {}
        receipt = desk.audit.receipt(record_id)
        assert receipt is not None
    kept = desk.audit.find(other)
    assert kept is not None
    assert kept.body["answer"]
    assert desk.audit.verify().is_ok


def _held(desk: Desk) -> str:
    model = ScriptedModel(
        call("value_at_risk", portfolio="sample book"),
        final("The value at risk of {subject} is {var}."),
    )
    decision = desk.ask("95% VaR of the sample book?", model, principal=CLIENTS)
    assert decision.is_held
    return decision.decision_id
