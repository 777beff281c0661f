from pathlib import Path

import pytest

from finsvc.adapters.policies import CedarPolicies
from finsvc.domain.policy import Action, PolicyQuery, Principal
from policies.bundle import BUILTIN_BUNDLE
from policies.errors import BundleError

ANALYST = Principal(id="ana", roles=frozenset({"analyst", "book:sample"}))


def asking(book: str) -> PolicyQuery:
    return PolicyQuery(
        principal=ANALYST,
        action=Action.ASK,
        resource="Agent::risk",
        context={"book": book, "as_of": ""},
    )


def stricter(folder: Path) -> Path:
    """The bundle that ships, and a policy that forbids everything."""
    for path in BUILTIN_BUNDLE.iterdir():
        (folder / path.name).write_text(path.read_text())
    (folder / "closed.cedar").write_text('@id("closed") forbid (principal, action, resource);\n')
    return folder


def test_outcome_names_policy_bundle_and_facts(tmp_path: Path) -> None:
    policies = CedarPolicies(tmp_path)
    outcome = policies.decide(asking("sample"))
    assert outcome.is_allowed
    assert outcome.determining == ("analysts-ask-agents-about-entitled-books",)
    assert outcome.bundle_digest == policies.digest
    assert outcome.facts["resource"] == {"type": "Agent", "id": "risk"}
    assert not policies.decide(asking("pelican")).is_allowed


def test_old_decision_is_evaluated_against_the_bundle_it_was_taken_by(tmp_path: Path) -> None:
    old = CedarPolicies(tmp_path / "archive")
    outcome = old.decide(asking("sample"))
    (tmp_path / "new").mkdir()
    new = CedarPolicies(tmp_path / "archive", folder=stricter(tmp_path / "new"))
    denied = new.decide(asking("sample"))
    assert denied.determining == ("closed",)
    assert new.digest != old.digest
    again = new.reevaluate(outcome.bundle_digest, outcome.facts)
    assert again.is_allowed
    assert again.determining == outcome.determining
    assert not new.reevaluate(denied.bundle_digest, denied.facts).is_allowed


def test_altered_archive_is_refused(tmp_path: Path) -> None:
    outcome = CedarPolicies(tmp_path / "archive").decide(asking("sample"))
    folder = tmp_path / "archive" / outcome.bundle_digest.removeprefix("sha256:")
    with (folder / "access.cedar").open("a") as file:
        file.write("\n")
    (tmp_path / "new").mkdir()
    new = CedarPolicies(tmp_path / "archive", folder=stricter(tmp_path / "new"))
    with pytest.raises(BundleError, match="expected digest"):
        new.reevaluate(outcome.bundle_digest, outcome.facts)
    with pytest.raises(BundleError):
        new.reevaluate("sha256:" + "0" * 64, outcome.facts)
