import json
from pathlib import Path

import pytest

from finsvc.adapters.policies import CedarPolicies
from finsvc.domain.custody import Operation, Order, View
from finsvc.domain.errors import InputError, LogOperationError, RefusedError
from finsvc.domain.policy import Principal
from finsvc.services.custody import Custody
from finsvc.services.ports import RecordKind
from tests.finsvc.api.fakes import FakeClock, FakeLog
from tests.finsvc.custodians import FakeCustodian

CUSTODIAN = Principal(id="cleo", roles=frozenset({"custodian"}))
AUDITOR = Principal(id="olga", roles=frozenset({"auditor"}))
TARGETS = {
    Operation.SET_HOLD: {"hold": "h", "record_ids": ("dec_1",)},
    Operation.LIFT_HOLD: {"hold": "h"},
    Operation.SHRED: {"data_subject": "client-7"},
}


class Room:
    def __init__(self, folder: Path) -> None:
        self.log, self.custodian = FakeLog([]), FakeCustodian()
        self.custody = Custody(
            custodian=self.custodian,
            policy=CedarPolicies(folder / "bundles"),
            log=self.log,
            clock=FakeClock(),
        )

    @property
    def bodies(self) -> list[dict[str, object]]:
        records = list(self.log.records())
        assert all(record.kind is RecordKind.ADMINISTRATION for record in records)
        return [dict(record.body) for record in records]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def order(operation: Operation, **changes: object) -> Order:
    return Order(**{"operation": operation, "reason": "r", **TARGETS.get(operation, {}), **changes})


@pytest.mark.parametrize("operation", list(Operation))
def test_act_is_on_record_before_and_after_with_who_why_and_policy(
    room: Room, operation: Operation
) -> None:
    document = room.custody(order(operation, reason="because"), CUSTODIAN)
    assert document["result"] == {"did": operation.value}
    (done,) = room.custodian.done
    ordered, outcome = room.bodies
    assert (ordered["state"], outcome["state"]) == ("ordered", "done")
    assert ordered["act"] == outcome["act"] == document["id"]
    assert ordered["principal"]["id"] == "cleo"
    assert ordered["reason"] == "because"
    (policy,) = ordered["policy"]
    assert policy["decision"] == "allow"
    assert policy["determining"] == ["custodians-administer-the-log"]
    assert policy["request"]["context"] == {"operation": operation.value}
    for mandate in (item for item in done if hasattr(item, "by")):
        assert (mandate.by, mandate.reason) == ("cleo", "because")


@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize(
    "roles", [(), ("analyst", "book:*"), ("auditor",), ("approver",), ("compliance", "model:raw")]
)
def test_act_without_the_role_is_refused_on_record_and_not_done(
    room: Room, operation: Operation, roles: tuple[str, ...]
) -> None:
    with pytest.raises(RefusedError):
        room.custody(order(operation), Principal(id="eve", roles=frozenset(roles)))
    assert room.custodian.done == []
    (refused,) = room.bodies
    assert (refused["state"], refused["subject"]) == ("refused", None)


@pytest.mark.parametrize(
    ("operation", "allowed"),
    [
        (Operation.SHRED, False),
        (Operation.SHRED_EXPIRED, False),
        (Operation.RETIRE_KEYS, False),
        (Operation.SET_HOLD, True),
        (Operation.ROTATE_KEY, True),
    ],
)
@pytest.mark.parametrize("asks", ["analyst", "compliance"])
def test_who_asks_questions_destroys_nothing_even_as_custodian(
    room: Room, operation: Operation, asks: str, *, allowed: bool
) -> None:
    both = Principal(id="ana", roles=frozenset({asks, "custodian"}))
    if allowed:
        room.custody(order(operation), both)
        return
    with pytest.raises(RefusedError, match="who-asks-destroys-no-records"):
        room.custody(order(operation), both)
    assert room.custodian.done == []


def test_act_that_the_log_does_not_allow_is_on_record_as_failed(room: Room) -> None:
    room.custodian.refusal = LogOperationError("audit_retention", "on hold")
    with pytest.raises(LogOperationError):
        room.custody(order(Operation.SHRED), CUSTODIAN)
    assert [body["state"] for body in room.bodies] == ["ordered", "failed"]
    assert room.bodies[1]["code"] == "audit_retention"


def test_data_subject_is_recorded_by_its_random_identifier_alone(room: Room) -> None:
    room.custody(order(Operation.SHRED), CUSTODIAN)
    assert room.bodies[0]["subject"] == "5" * 32
    assert "client-7" not in json.dumps(room.bodies)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"operation": Operation.STAMP, "reason": " "}, "reason"),
        ({"operation": Operation.STAMP, "reason": "x" * 2001}, "reason"),
        ({"operation": Operation.STAMP, "hold": "h"}, "hold"),
        ({"operation": Operation.LIFT_HOLD, "hold": ""}, "hold"),
        ({"operation": Operation.STAMP, "record_ids": ("a",)}, "records"),
        ({"operation": Operation.SHRED, "record_ids": ("a",)}, "records"),
        ({"operation": Operation.SHRED, "data_subject": ""}, "records"),
    ],
)
def test_order_that_lacks_or_says_too_much_is_refused_before_anything(
    room: Room, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InputError) as raised:
        room.custody(order(**changes), CUSTODIAN)
    assert raised.value.field == field
    assert room.bodies == []


def test_views_are_for_auditors(room: Room) -> None:
    for view in View:
        assert room.custody.view(view, AUDITOR)["data"] == [view.value]
        with pytest.raises(RefusedError):
            room.custody.view(view, CUSTODIAN)
