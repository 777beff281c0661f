"""Calculators, approvals, audit and operations over HTTP."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.errors import LogFailedError
from finsvc.api.admission import Admission
from finsvc.services.ports import RecordKind
from tests.finsvc.api.fakes import ANSWER, World

DECISION = "dec_" + "0" * 32


def test_calculators_are_listed_with_their_second_method(world: World) -> None:
    data = world.client().get("/v1/calculators").json()["data"]
    names = {"name", "version", "summary", "second_method", "rule_set", "needs_human"}
    assert set(data[0]) == names
    assert "historical_var" in {item["name"] for item in data}


def test_calculator_has_schemas(world: World) -> None:
    document = world.client().get("/v1/calculators/historical_var").json()
    assert document["input_schema"]["type"] == "object"
    assert "fields" in document["output_schema"]["properties"]


def test_calculator_unknown_is_404(world: World) -> None:
    answer = world.client().get("/v1/calculators/astrology")
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "calculator")


def test_calculator_run_passes_inputs_and_principal(world: World) -> None:
    answer = world.client().post(
        "/v1/calculators/historical_var", json={"portfolio": {"book": "s"}}
    )
    assert answer.json() == {
        "calculator": "historical_var",
        "inputs": {"portfolio": {"book": "s"}},
        "by": "local",
    }


def test_calculator_run_with_a_list_is_a_bad_request(world: World) -> None:
    assert world.client().post("/v1/calculators/beta", json=[1]).status_code == 400


def test_approvals_show_approvers_what_they_may_decide(world: World) -> None:
    world.hold(DECISION)
    world.hold("dec_" + "1" * 32, asked_by="approver")
    (row,) = world.client("approver").get("/v1/approvals").json()["data"]
    assert (row["decision_id"], row["asked_by"], row["answer"]) == (DECISION, "local", ANSWER)
    assert world.client("analyst").get("/v1/approvals").json()["data"] == []


def test_approval_releases_the_answer_to_who_asked(world: World) -> None:
    world.hold(DECISION, asked_by="analyst")
    path = f"/v1/approvals/{DECISION}"
    before = world.client("analyst").get(path).json()
    assert (before["state"], before["answer"]) == ("pending", None)
    decided = world.client("approver").post(path, json={"verdict": "approved", "comment": "ok"})
    assert (decided.status_code, decided.json()["answer"]) == (200, ANSWER)
    after = world.client("analyst").get(path).json()
    assert (after["state"], after["answer"], after["comment"]) == ("approved", ANSWER, "ok")
    again = world.client("approver").post(path, json={"verdict": "rejected", "comment": "no"})
    assert again.status_code == 400


def test_approval_rejected_gives_no_answer(world: World) -> None:
    world.hold(DECISION, asked_by="analyst")
    path = f"/v1/approvals/{DECISION}"
    world.client("approver").post(path, json={"verdict": "rejected", "comment": "no"})
    after = world.client("analyst").get(path).json()
    assert (after["state"], after["answer"]) == ("rejected", None)


def test_approval_of_the_own_question_is_refused(world: World) -> None:
    world.hold(DECISION, asked_by="approver")
    body = {"verdict": "approved", "comment": "mine"}
    answer = world.client("approver").post(f"/v1/approvals/{DECISION}", json=body)
    assert answer.status_code == 403


def test_approval_state_is_hidden_from_others(world: World) -> None:
    world.hold(DECISION)
    assert world.client("nobody").get(f"/v1/approvals/{DECISION}").status_code == 404
    assert world.client().get("/v1/approvals/dec_none").status_code == 404


def test_approval_needs_a_comment_and_a_verdict(world: World) -> None:
    answer = world.client("approver").post(f"/v1/approvals/{DECISION}", json={"verdict": "maybe"})
    assert answer.status_code == 400


def test_audit_is_for_auditors(world: World) -> None:
    client = world.client("analyst")
    for path in ("decisions", "decisions/x", "receipts/x", "checkpoint", "verification"):
        assert client.get(f"/v1/audit/{path}").status_code == 403, path


def test_audit_decisions_come_in_pages(world: World) -> None:
    for number in range(3):
        world.hold(f"dec_{number}")
        world.services.log.append(RecordKind.REPLAY, f"rep_{number}", {})
    client = world.client()
    first = client.get("/v1/audit/decisions?limit=2").json()
    assert ([row["id"] for row in first["data"]], first["has_more"]) == (["dec_0", "dec_1"], True)
    after = first["data"][-1]["index"]
    second = client.get(f"/v1/audit/decisions?limit=2&after={after}").json()
    assert ([row["id"] for row in second["data"]], second["has_more"]) == (["dec_2"], False)
    assert "answer" not in second["data"][0]
    assert client.get("/v1/audit/decisions?limit=0").status_code == 400


def test_audit_decision_has_record_and_receipt(world: World) -> None:
    world.hold(DECISION, asked_by="analyst")
    document = world.client().get(f"/v1/audit/decisions/{DECISION}").json()
    assert document["record"]["answer"] == ANSWER
    assert document["receipt"]["index"] == 0


def test_audit_withholds_a_held_answer_from_who_asked_until_released(world: World) -> None:
    world.hold(DECISION, asked_by="local")
    client = world.client("local")
    assert client.get(f"/v1/audit/decisions/{DECISION}").json()["record"]["answer"] is None
    path = f"/v1/approvals/{DECISION}"
    world.client("approver").post(path, json={"verdict": "approved", "comment": "ok"})
    assert client.get(f"/v1/audit/decisions/{DECISION}").json()["record"]["answer"] == ANSWER


def test_audit_unknown_record_is_404(world: World) -> None:
    for path in ("decisions", "receipts"):
        assert world.client().get(f"/v1/audit/{path}/dec_none").status_code == 404


def test_audit_receipt_checkpoint_and_verification(world: World) -> None:
    world.hold(DECISION)
    client = world.client()
    assert client.get(f"/v1/audit/receipts/{DECISION}").json()["tree_size"] == 1
    assert client.get("/v1/audit/checkpoint").text.startswith("finsvc.test\n")
    verification = client.get("/v1/audit/verification").json()
    assert (verification["ok"], verification["first_bad_index"]) == (True, None)


def test_audit_replay_reports_levels(world: World) -> None:
    body = {"decision_id": DECISION, "level": "R2"}
    document = world.client().post("/v1/audit/replays", json=body).json()
    assert document["levels"] == {"R0": "match", "R1": "match", "R2": "match"}
    bad = world.client().post("/v1/audit/replays", json={"decision_id": "x", "level": "R9"})
    assert (bad.status_code, bad.json()["error"]["param"]) == (400, "level")


def test_readiness_says_that_the_model_is_not_there(world: World) -> None:
    world.services.is_model_ready = False
    answer = world.client(None).get("/readyz")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


def test_health_and_readiness_follow_the_shutdown(world: World) -> None:
    client = world.client(None)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ready"
    admission: Admission = client.app.state.context.admission  # type: ignore[attr-defined]
    admission.close()
    assert client.get("/readyz").status_code == 503
    answer = client.post(
        "/v1/agents/risk/runs",
        json={"question": "q"},
        headers={"authorization": f"Bearer {world.keys['local']}"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


def test_metrics_count_requests_and_verdicts(world: World) -> None:
    client = world.client()
    client.post("/v1/agents/risk/runs", json={"question": "q"})
    text = client.get("/metrics").text
    assert 'route="/v1/agents/{agent}/runs",status="200"' in text
    assert 'finsvc_verdicts_total{agent="risk",verdict="verified_rounded"} 1.0' in text
    assert "finsvc_engine_queue_depth 0.0" in text


def test_metrics_do_not_name_unknown_paths(world: World) -> None:
    client = world.client()
    client.get("/v1/secret-path")
    text = client.get("/metrics").text
    assert "secret-path" not in text
    assert 'route="unmatched",status="404"' in text


def test_reports_are_listed_and_run_with_their_files(world: World) -> None:
    client = world.client()
    (row, *_) = client.get("/v1/reports").json()["data"]
    body = {"name": row["name"], "book": "sample", "as_of": "2022-06-30"}
    document = client.post("/v1/reports", json=body).json()
    assert document["files"] == {"report.json": "{}"}
    assert (document["as_of"], document["confirmed"]) == ("2022-06-30", True)


def test_report_unknown_is_404(world: World) -> None:
    answer = world.client().post("/v1/reports", json={"name": "none", "book": "sample"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "report")


def test_picture_of_a_result_comes_in_the_asked_format(world: World) -> None:
    answer = world.client().post("/v1/calculators/exposure/plot?format=png", json={})
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    answer = world.client().post("/v1/calculators/exposure/plot", json={})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "not confirmed" not in answer.text
    assert world.client().post("/v1/calculators/exposure/plot?format=gif", json={}).is_client_error


def test_explanation_passes_both_inputs_and_the_field(world: World) -> None:
    body = {"before": {"a": 1}, "after": {"a": 2}, "field": "var"}
    answer = world.client().post("/v1/calculators/historical_var/explain", json=body).json()
    assert (answer["before"], answer["after"], answer["field"]) == ({"a": 1}, {"a": 2}, "var")


def test_audit_replay_of_a_selection_is_one_record(world: World) -> None:
    body = {"selection": {"first": 2, "until": "2026-03-02T00:00:00Z", "sample": 3}, "level": "R2"}
    document = world.client().post("/v1/audit/replays", json=body).json()
    assert (document["ok"], document["record_id"]) == (True, "rep_1")
    assert [item["decision_id"] for item in document["replays"]] == ["dec_1"]
    assert document["receipt"]["index"] == 0
    (selection,) = world.services.replay.selections
    assert (selection.first, selection.sample, selection.last) == (2, 3, None)
    assert selection.until == datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        {"level": "R1"},
        {"decision_id": "dec_1", "selection": {}},
        {"selection": {"since": "2026-03-02T00:00:00"}},
        {"selection": {"first": 4, "last": 2}},
        {"selection": {"sample": 0}},
        {"selection": {"seen": 1}},
    ],
)
def test_audit_replay_of_an_impossible_selection_is_a_bad_request(
    world: World, body: dict[str, object]
) -> None:
    answer = world.client().post("/v1/audit/replays", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("invalid_input", "unsupported_parameter")


def test_audit_search_comes_in_pages_and_is_itself_on_record(world: World) -> None:
    for number in range(3):
        world.hold(f"dec_{number}", asked_by="analyst")
    client = world.client()
    first = client.get("/v1/audit/search?who=analyst&limit=2").json()
    assert [item["id"] for item in first["data"]] == ["dec_0", "dec_1"]
    assert (first["found"], first["has_more"]) == (3, True)
    after = first["data"][-1]["index"]
    second = client.get(f"/v1/audit/search?who=analyst&limit=2&after={after}").json()
    assert [item["id"] for item in second["data"]][:1] == ["dec_2"]
    accesses = [item for item in world.services.log.items if item.kind is RecordKind.ACCESS]
    assert len(accesses) == 2
    body = accesses[0].body
    assert (body["what"], body["found"]) == ("search", 3)
    assert body["search"] == {"who": "analyst", "since": None, "until": None}
    assert body["principal"]["id"] == "local"  # type: ignore[index]


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "since=soon",
        "limit=0",
        "after=-2",
        "who=",
        "since=2026-03-02&until=2026-03-01",
    ],
)
def test_audit_search_for_what_cannot_be_is_a_bad_request(world: World, query: str) -> None:
    answer = world.client().get(f"/v1/audit/search?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("invalid_input", "unsupported_parameter")


def test_audit_search_is_for_auditors_and_leaves_no_record_of_a_refusal(world: World) -> None:
    answer = world.client("analyst").get("/v1/audit/search?who=local")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "policy_denied")
    assert world.services.log.items == []


def test_audit_reading_a_decision_is_on_record(world: World) -> None:
    world.hold(DECISION)
    world.client().get(f"/v1/audit/decisions/{DECISION}")
    access = world.services.log.items[-1]
    assert access.kind is RecordKind.ACCESS
    assert (access.body["what"], access.body["read"]) == ("read", DECISION)


def test_audit_nothing_is_shown_when_the_access_cannot_be_recorded(world: World) -> None:
    world.hold(DECISION)
    world.services.log.failure = LogFailedError(Path("log"), "no space")
    for path in (f"decisions/{DECISION}", "search?who=local"):
        answer = world.client().get(f"/v1/audit/{path}")
        assert answer.status_code == 503, path
        assert ANSWER not in answer.text
