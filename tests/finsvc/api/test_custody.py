import pytest

from finsvc.domain.custody import View
from finsvc.domain.errors import LogOperationError
from tests.finsvc.api.fakes import World

PATH = "/v1/audit/operations"


def test_custodian_operates_and_gets_a_receipt(world: World) -> None:
    body = {"operation": "shred", "reason": "GDPR Art 17", "records": ["dec_1"]}
    answer = world.client("custodian").post(PATH, json=body)
    assert answer.status_code == 200
    assert answer.json()["result"] == {"did": "shred"}
    assert "receipt" in answer.json()


@pytest.mark.parametrize("who", ["local", "analyst", "approver", "nobody"])
def test_others_are_refused(world: World, who: str) -> None:
    answer = world.client(who).post(PATH, json={"operation": "rotate_key", "reason": "r"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "policy_denied")
    assert world.client(None).post(PATH, json={}).status_code == 401


@pytest.mark.parametrize(
    ("code", "status", "shown"),
    [
        ("audit_retention", 409, "audit_retention"),
        ("audit_unknown_entry", 404, "audit_unknown_entry"),
        ("audit_time_stamp", 503, "audit_time_stamp"),
        ("audit_error", 503, "unavailable"),
    ],
)
def test_what_the_log_does_not_allow_keeps_its_code(
    world: World, code: str, status: int, shown: str
) -> None:
    world.services.custody.custodian.refusal = LogOperationError(code, "told")
    answer = world.client("custodian").post(PATH, json={"operation": "stamp", "reason": "r"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, shown)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operation": "format_disk", "reason": "r"},
        {"operation": "stamp", "reason": ""},
        {"operation": "stamp", "reason": "r", "extra": 1},
        {"operation": "stamp", "reason": "r", "records": ["a"]},
    ],
)
def test_body_that_is_no_order_is_refused(world: World, body: dict[str, object]) -> None:
    assert world.client("custodian").post(PATH, json=body).status_code == 400


def test_views_are_shown_to_auditors_alone(world: World) -> None:
    for view in View:
        answer = world.client("custodian").get(f"/v1/audit/custody/{view.value}")
        assert answer.json()["data"] == [view.value]
        assert world.client("nobody").get(f"/v1/audit/custody/{view.value}").status_code == 403
    assert world.client("custodian").get("/v1/audit/custody/cellar").status_code == 400
