from pathlib import Path

import pytest

from policies.bundle import BUILTIN_BUNDLE, SCHEMA_FILE, bundle_digest, load_bundle
from policies.errors import BundleError

PERMIT = 'permit (principal, action == Finsvc::Action::"ask", resource);'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in BUILTIN_BUNDLE.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    return tmp_path


def test_builtin_bundle_loads_and_names_every_policy() -> None:
    bundle = load_bundle()
    assert "nobody-approves-their-own-question" in bundle.policy_ids.values()
    assert bundle.digest.startswith("sha256:")


def test_digest_changes_with_any_byte_or_name() -> None:
    base = {"a.cedar": "x", "b.cedar": "y"}
    assert bundle_digest(base) != bundle_digest({"a.cedar": "x", "b.cedar": "z"})
    assert bundle_digest(base) != bundle_digest({"a.cedar": "xb.cedar", "": "y"})


def test_altered_bundle_is_refused_against_recorded_digest(folder: Path) -> None:
    digest = load_bundle(folder).digest
    assert load_bundle(folder, expected_digest=digest).digest == digest
    (folder / "access.cedar").write_text((folder / "access.cedar").read_text() + "\n")
    with pytest.raises(BundleError, match="expected digest"):
        load_bundle(folder, expected_digest=digest)


@pytest.mark.parametrize(
    ("policy", "match"),
    [
        (PERMIT, "@id"),
        ('@id("approvers-approve")' + PERMIT, "unique"),
        ('@id("new") permit (principal', "valid Cedar"),
        ('@id("new") permit (principal, action, resource) when { context.nothing };', "schema"),
    ],
)
def test_bad_policy_is_refused(folder: Path, policy: str, match: str) -> None:
    (folder / "extra.cedar").write_text(policy)
    with pytest.raises(BundleError, match=match):
        load_bundle(folder)


def test_missing_schema_is_refused(folder: Path) -> None:
    (folder / SCHEMA_FILE).unlink()
    with pytest.raises(BundleError, match="schema"):
        load_bundle(folder)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="readable"):
        load_bundle(tmp_path / "none")
