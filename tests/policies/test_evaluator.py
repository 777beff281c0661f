from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.bundle import BUILTIN_BUNDLE, load_bundle
from policies.errors import FactsError
from policies.evaluator import evaluate

BUNDLE = load_bundle()


def facts(action: str = "ask", **changes: object) -> dict[str, object]:
    contexts: dict[str, dict[str, object]] = {
        "ask": {"book": "sample", "as_of": ""},
        "call_tool": {"agent": "risk", "book": "sample", "calculator": "x", "steps": 1},
        "release": {"agent": "risk", "verdict": "verified", "largest_usd": 10},
        "approve": {"asked_by": "ana", "approver": "bob"},
    }
    base: dict[str, object] = {
        "principal": {"id": "ana", "roles": ["analyst", "book:*"]},
        "action": action,
        "resource": {"type": "Agent", "id": "risk"},
        "context": contexts.get(action, {}),
    }
    return {**base, **changes}


def test_ask_by_entitled_analyst_is_allowed_with_its_policy_named() -> None:
    decision = evaluate(BUNDLE, facts())
    assert decision.is_allowed
    assert decision.determining == ("analysts-ask-agents-about-entitled-books",)
    assert decision.bundle_digest == BUNDLE.digest


@pytest.mark.parametrize(
    "principal",
    [
        {"id": "ana", "roles": []},
        {"id": "ana", "roles": ["analyst"]},
        {"id": "ana", "roles": ["analyst", "book:other"]},
        {"id": "ana", "roles": ["auditor", "book:*"]},
    ],
)
def test_ask_without_role_or_entitlement_is_denied(principal: dict[str, object]) -> None:
    assert not evaluate(BUNDLE, facts(principal=principal)).is_allowed


def test_ask_of_compliance_agent_by_analyst_is_denied() -> None:
    assert not evaluate(BUNDLE, facts(resource={"type": "Agent", "id": "compliance"})).is_allowed


def test_tool_call_of_ninth_step_is_denied_by_its_policy() -> None:
    context = {"agent": "risk", "book": "", "calculator": "x", "steps": 9}
    decision = evaluate(
        BUNDLE, facts("call_tool", resource={"type": "Tool", "id": "price"}, context=context)
    )
    assert not decision.is_allowed
    assert decision.determining == ("at-most-eight-tool-calls",)


def test_compliance_tool_without_compliance_role_is_denied() -> None:
    query = facts("call_tool", resource={"type": "Tool", "id": "limit_check"})
    assert not evaluate(BUNDLE, query).is_allowed
    officer = {"id": "ana", "roles": ["compliance", "book:sample"]}
    assert evaluate(BUNDLE, {**query, "principal": officer}).is_allowed


@pytest.mark.parametrize(
    ("verdict", "largest", "allowed"),
    [
        ("verified", 10, True),
        ("verified_rounded", 10, True),
        ("abstained", 0, True),
        ("needs_human", 0, False),
        ("verified", 1_000_000_001, False),
    ],
)
def test_release_follows_verdict_and_materiality(
    verdict: str, largest: int, *, allowed: bool
) -> None:
    context = {"agent": "risk", "verdict": verdict, "largest_usd": largest}
    query = facts("release", resource={"type": "Decision", "id": "d"}, context=context)
    assert evaluate(BUNDLE, query).is_allowed is allowed


def test_approval_of_own_question_is_denied() -> None:
    approver = {"id": "bob", "roles": ["approver"]}
    query = facts("approve", resource={"type": "Decision", "id": "d"}, principal=approver)
    assert evaluate(BUNDLE, query).is_allowed
    own = {**query, "context": {"asked_by": "bob", "approver": "bob"}}
    assert not evaluate(BUNDLE, own).is_allowed


def test_context_that_misses_an_attribute_is_denied_with_the_error_stated() -> None:
    decision = evaluate(BUNDLE, facts(context={"as_of": ""}))
    assert not decision.is_allowed
    assert decision.errors


def test_erring_forbid_denies_instead_of_being_skipped(tmp_path: Path) -> None:
    for file in BUILTIN_BUNDLE.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "overflow.cedar").write_text(
        '@id("overflow") forbid (principal, action == Finsvc::Action::"call_tool", resource)'
        " when { context.steps + 9223372036854775807 > 0 };"
    )
    bundle = load_bundle(tmp_path)
    query = facts("call_tool", resource={"type": "Tool", "id": "price"})
    assert evaluate(BUNDLE, query).is_allowed
    decision = evaluate(bundle, query)
    assert not decision.is_allowed
    assert decision.errors


@pytest.mark.parametrize(
    "broken",
    [
        {"principal": "ana"},
        {"principal": {"id": "", "roles": []}},
        {"principal": {"id": "ana", "roles": "analyst"}},
        {"action": 3},
        {"resource": None},
        {"context": []},
    ],
)
def test_malformed_facts_raise(broken: dict[str, object]) -> None:
    with pytest.raises(FactsError, match="expected"):
        evaluate(BUNDLE, facts(**broken))


@given(
    roles=st.lists(st.text(max_size=12), max_size=4),
    action=st.text(min_size=1, max_size=12),
    kind=st.text(min_size=1, max_size=8),
    context=st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=8), st.integers())),
)
def test_arbitrary_queries_are_never_allowed(
    roles: list[str], action: str, kind: str, context: dict[str, object]
) -> None:
    query = {
        "principal": {"id": "x", "roles": roles},
        "action": action,
        "resource": {"type": kind, "id": "y"},
        "context": context,
    }
    assert not evaluate(BUNDLE, query).is_allowed


def test_identifier_that_is_no_unicode_text_is_denied() -> None:
    decision = evaluate(BUNDLE, facts(principal={"id": "ana\ud800", "roles": ["analyst"]}))
    assert not decision.is_allowed
    assert decision.errors
