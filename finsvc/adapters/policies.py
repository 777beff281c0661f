"""Policy decisions by the policies package, with every bundle that was used kept for auditors."""

from collections.abc import Mapping
from pathlib import Path

from finsvc.domain.policy import PolicyOutcome, PolicyQuery
from finsvc.files import write_atomically
from policies.bundle import BUILTIN_BUNDLE, Bundle, load_bundle
from policies.evaluator import PolicyDecision, evaluate


class CedarPolicies:
    """Evaluates queries against the current bundle, recorded facts against archived ones."""

    def __init__(self, archive: Path, *, folder: Path = BUILTIN_BUNDLE) -> None:
        """Load the current bundle and archive it under its digest.

        Raises:
            BundleError: The bundle is invalid.
        """
        self._archive = archive
        self._current = load_bundle(folder)
        self._loaded = {self._current.digest: self._current}
        target = archive / self._current.digest.removeprefix("sha256:")
        for name, text in self._current.files.items():
            if not (target / name).exists():
                write_atomically(target / name, text.encode())

    @property
    def digest(self) -> str:
        """Digest of the current bundle."""
        return self._current.digest

    def decide(self, query: PolicyQuery) -> PolicyOutcome:
        """Evaluate a query against the current bundle."""
        kind, _, name = query.resource.partition("::")
        facts: dict[str, object] = {
            "principal": {"id": query.principal.id, "roles": sorted(query.principal.roles)},
            "action": query.action.value,
            "resource": {"type": kind, "id": name},
            "context": dict(query.context),
        }
        decision = evaluate(self._current, facts)
        return PolicyOutcome(
            is_allowed=decision.is_allowed,
            determining=decision.determining,
            errors=decision.errors,
            bundle_digest=decision.bundle_digest,
            facts=facts,
        )

    def reevaluate(self, bundle_digest: str, facts: Mapping[str, object]) -> PolicyDecision:
        """Evaluate recorded facts against the bundle they were decided by.

        Raises:
            BundleError: The archive does not hold that bundle unaltered.
        """
        return evaluate(self._bundle(bundle_digest), facts)

    def _bundle(self, digest: str) -> Bundle:
        if digest not in self._loaded:
            folder = self._archive / digest.removeprefix("sha256:")
            self._loaded[digest] = load_bundle(folder, expected_digest=digest)
        return self._loaded[digest]
