"""Policy bundles: a folder with one Cedar schema and Cedar policies, named by its digest.

The digest is the SHA-256 over the sorted file names and contents, each preceded by its length, so
that no two different folders share one. Every policy must carry a unique ``@id`` and the whole
must pass Cedar's strict validation; anything else is refused at load.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cedarpy

from policies.errors import BundleError

SCHEMA_FILE = "schema.cedarschema"
BUILTIN_BUNDLE = Path(__file__).parent / "bundle"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """A loaded bundle; ``files`` maps file names to text."""

    digest: str
    files: dict[str, str]
    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    policy_ids: dict[str, str]


def bundle_digest(files: dict[str, str]) -> str:
    """Return ``sha256:…`` over the names and contents of a bundle's files."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name].encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def _read_files(folder: Path) -> dict[str, str]:
    """Read the schema and the policy files of a folder."""
    try:
        names = sorted(p.name for p in folder.iterdir() if p.suffix in {".cedar", ".cedarschema"})
        files = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    except (OSError, UnicodeDecodeError) as error:
        message = f"policy bundle {folder}: expected readable policy files, got {error}"
        raise BundleError(message) from error
    if SCHEMA_FILE not in files or len(files) < 2:
        raise BundleError(
            f"policy bundle {folder}: expected {SCHEMA_FILE} and at least one .cedar file, "
            f"got {', '.join(files) or 'nothing'}"
        )
    return files


def _policy_ids(text: str) -> dict[str, str]:
    """Map Cedar's internal policy names to the ``@id`` annotations; each must be unique."""
    static = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    names = {key: policy.get("annotations", {}).get("id") for key, policy in static.items()}
    missing = sorted(key for key, name in names.items() if not name)
    if missing:
        raise BundleError(f"policies: expected an @id on each, got none on {', '.join(missing)}")
    if len(set(names.values())) != len(names):
        raise BundleError("policies: expected unique @id values, got duplicates")
    return names


def load_bundle(folder: Path = BUILTIN_BUNDLE, *, expected_digest: str | None = None) -> Bundle:
    """Load and strictly validate a bundle.

    Args:
        folder: Folder with the schema and the policies.
        expected_digest: When given, any other content is refused.

    Raises:
        BundleError: The folder cannot be read, is not valid Cedar or has another digest.
    """
    files = _read_files(folder)
    digest = bundle_digest(files)
    if expected_digest is not None and digest != expected_digest:
        raise BundleError(f"policy bundle: expected digest {expected_digest}, got {digest}")
    text = "\n".join(files[name] for name in sorted(files) if name != SCHEMA_FILE)
    try:
        schema = cedarpy.Schema.from_str(files[SCHEMA_FILE])
        policies = cedarpy.PolicySet.from_str(text)
        policy_ids = _policy_ids(text)
    except ValueError as error:
        raise BundleError(f"policy bundle {folder}: expected valid Cedar, got {error}") from error
    validation = cedarpy.validate_policies(text, files[SCHEMA_FILE])
    if not validation.validation_passed:
        found = "; ".join(str(item) for item in validation.errors)
        raise BundleError(f"policy bundle {folder}: expected policies that fit the schema, {found}")
    return Bundle(
        digest=digest, files=files, policies=policies, schema=schema, policy_ids=policy_ids
    )
