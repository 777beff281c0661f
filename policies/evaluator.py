"""Turns facts into decisions: a pure function of (bundle, facts).

Facts are JSON: ``{"principal": {"id", "roles"}, "action", "resource": {"type", "id"}, "context"}``.
Deny by default. Cedar skips a policy whose evaluation errs, so an erring ``forbid`` would stop
forbidding; here any evaluation error denies.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import cedarpy

from policies.bundle import Bundle
from policies.errors import FactsError

NAMESPACE = "Finsvc"
BOOK_ROLE_PREFIX = "book:"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDecision:
    """The outcome of one evaluation.

    ``determining`` are the ``@id`` values of the policies that decided; empty for a denial because
    nothing permits. ``errors`` are Cedar's messages; any error means a denial.
    """

    is_allowed: bool
    determining: tuple[str, ...]
    errors: tuple[str, ...]
    bundle_digest: str


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": f"{NAMESPACE}::{kind}", "id": name}


def _text(facts: Mapping[str, object], key: str, where: str) -> str:
    value = facts.get(key)
    if not isinstance(value, str) or not value:
        raise FactsError(f"{where}.{key}: expected non-empty text, got {value!r}")
    return value


def _mapping(facts: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = facts.get(key)
    if not isinstance(value, Mapping):
        raise FactsError(f"facts.{key}: expected an object, got {value!r}")
    return value


def _roles(principal: Mapping[str, object]) -> list[str]:
    roles = principal.get("roles")
    if not isinstance(roles, list | tuple) or not all(isinstance(role, str) for role in roles):
        raise FactsError(f"principal.roles: expected a list of texts, got {roles!r}")
    return sorted(roles)


def _entities(principal_id: str, roles: list[str]) -> list[dict[str, object]]:
    """Build the entity graph of one query: the principal, its roles and its book entitlements."""
    books = [r.removeprefix(BOOK_ROLE_PREFIX) for r in roles if r.startswith(BOOK_ROLE_PREFIX)]
    plain = [r for r in roles if not r.startswith(BOOK_ROLE_PREFIX)]
    principal: dict[str, object] = {
        "uid": _uid("Principal", principal_id),
        "attrs": {"books": books},
        "parents": [_uid("Role", role) for role in plain],
    }
    granted: list[dict[str, object]] = [
        {"uid": _uid("Role", role), "attrs": {}, "parents": []} for role in dict.fromkeys(plain)
    ]
    return [principal, *granted]


def evaluate(bundle: Bundle, facts: Mapping[str, object]) -> PolicyDecision:
    """Evaluate facts against a bundle.

    Facts that are well-formed but do not fit the schema (an unknown action, a missing context
    attribute) are denied with the error stated.

    Raises:
        FactsError: The facts are not of the documented shape.
    """
    principal = _mapping(facts, "principal")
    resource = _mapping(facts, "resource")
    context = _mapping(facts, "context")
    principal_id = _text(principal, "id", "principal")
    request = {
        "principal": _uid("Principal", principal_id),
        "action": _uid("Action", _text(facts, "action", "facts")),
        "resource": _uid(_text(resource, "type", "resource"), _text(resource, "id", "resource")),
        "context": dict(context),
    }
    entities = json.dumps(_entities(principal_id, _roles(principal)))
    try:
        outcome = cedarpy.is_authorized(request, bundle.policies, entities, bundle.schema)
    except ValueError as error:
        return _denied(bundle, (), (str(error),))
    errors = tuple(outcome.diagnostics.errors)
    determining = tuple(sorted(bundle.policy_ids[r] for r in outcome.diagnostics.reasons))
    if errors or not outcome.allowed:
        return _denied(bundle, determining, errors)
    return PolicyDecision(
        is_allowed=True, determining=determining, errors=(), bundle_digest=bundle.digest
    )


def _denied(
    bundle: Bundle, determining: tuple[str, ...], errors: tuple[str, ...]
) -> PolicyDecision:
    return PolicyDecision(
        is_allowed=False, determining=determining, errors=errors, bundle_digest=bundle.digest
    )
