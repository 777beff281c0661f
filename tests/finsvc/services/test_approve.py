import pytest

from finsvc.domain.errors import InputError, RefusedError, UnknownNameError
from finsvc.domain.identifiers import DecisionId
from finsvc.domain.policy import Principal
from finsvc.services.approve import ApprovalVerdict, approval_id
from finsvc.services.ports import RecordKind
from tests.finsvc.asking import ANALYST, APPROVER, Desk
from tests.finsvc.scripted import ScriptedModel, call, final


@pytest.fixture
def held(desk: Desk) -> DecisionId:
    """An answer that waits: the confidence of the question was left out."""
    model = ScriptedModel(
        call("value_at_risk", portfolio="sample book"),
        final("The value at risk of {subject} is {var}."),
    )
    decision = desk.ask("95% VaR of the sample book?", model)
    assert decision.is_held
    return decision.decision_id


def test_held_answer_is_released_by_another_person(desk: Desk, held: DecisionId) -> None:
    assert [record.record_id for record in desk.approvals.pending()] == [held]
    approval = desk.approvals.decide(
        held, ApprovalVerdict.APPROVED, approver=APPROVER, comment="looked at it"
    )
    assert approval.answer == desk.record(held).body["answer"]
    assert desk.approvals.pending() == []
    logged = desk.audit.find(approval_id(held))
    assert logged is not None
    assert logged.kind is RecordKind.APPROVAL
    assert logged.body["approver"] == {"id": "pia", "roles": ["approver"], "tenant": "local"}
    assert logged.body["comment"] == "looked at it"
    assert approval.receipt["index"] == logged.index


def test_rejected_answer_never_leaves(desk: Desk, held: DecisionId) -> None:
    approval = desk.approvals.decide(
        held, ApprovalVerdict.REJECTED, approver=APPROVER, comment="wrong level"
    )
    assert approval.answer is None
    assert desk.approvals.pending() == []
    with pytest.raises(InputError, match="already decided"):
        desk.approvals.decide(held, ApprovalVerdict.APPROVED, approver=APPROVER, comment="")


@pytest.mark.parametrize(
    "approver",
    [
        ANALYST,
        Principal(id=ANALYST.id, roles=frozenset({"approver"})),
        Principal(id="eve", roles=frozenset({"analyst", "auditor"})),
    ],
)
def test_own_question_and_missing_role_are_refused(
    approver: Principal, desk: Desk, held: DecisionId
) -> None:
    with pytest.raises(RefusedError, match="approve was refused"):
        desk.approvals.decide(held, ApprovalVerdict.APPROVED, approver=approver, comment="")
    assert [record.record_id for record in desk.approvals.pending()] == [held]


def test_only_held_decisions_can_be_decided(desk: Desk) -> None:
    decision = desk.ask("Hello?", ScriptedModel(final("None of my tools can answer this.")))
    for decision_id in (decision.decision_id, "dec_0"):
        with pytest.raises(UnknownNameError, match="held decision"):
            desk.approvals.decide(
                decision_id, ApprovalVerdict.APPROVED, approver=APPROVER, comment=""
            )
