"""Local identities: API keys kept as hashes in the data directory.

A key is shown once when it is made. Only its SHA-256 is stored; keys carry 256 bits of randomness,
so a plain hash cannot be searched.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from finsvc.domain.errors import StateError
from finsvc.domain.policy import LOCAL_TENANT, Principal
from finsvc.files import write_atomically

LOCAL_ROLES = frozenset({"analyst", "compliance", "auditor", "model:raw", "book:*"})
_KEY_PREFIX = "fsk_"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    key_hash: str
    principal: Principal


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class LocalIdentities:
    """Implements the identity provider with a file of hashed keys."""

    def __init__(self, path: Path) -> None:
        """Read the key file; a missing one means that no key exists yet.

        Raises:
            StateError: The file is not what this class wrote.
        """
        self._path = path
        self._entries = self._read() if path.exists() else []
        self._sessions: list[_Entry] = []

    def _read(self) -> list[_Entry]:
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            return [
                _Entry(
                    key_hash=row["key_hash"],
                    principal=Principal(
                        id=row["id"],
                        roles=frozenset(row["roles"]),
                        # Keys made before there were tenants have none.
                        tenant=row.get("tenant", LOCAL_TENANT),
                    ),
                )
                for row in rows
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"{self._path}: expected a list of identities, got {error!r}"
            raise StateError(message) from error

    @property
    def is_empty(self) -> bool:
        """Whether no key has been made yet."""
        return not self._entries

    def create(self, principal: Principal) -> str:
        """Make a key for a principal, store its hash and return the key, this once."""
        key = _KEY_PREFIX + secrets.token_urlsafe(32)
        self._entries.append(_Entry(key_hash=_hash(key), principal=principal))
        rows = [
            {
                "key_hash": entry.key_hash,
                "id": entry.principal.id,
                "roles": sorted(entry.principal.roles),
                "tenant": entry.principal.tenant,
            }
            for entry in self._entries
        ]
        write_atomically(self._path, json.dumps(rows, indent=1).encode(), mode=0o600)
        return key

    def create_session(self, principal: Principal) -> str:
        """Make a key that is valid in this process alone and never stored."""
        key = _KEY_PREFIX + secrets.token_urlsafe(32)
        self._sessions.append(_Entry(key_hash=_hash(key), principal=principal))
        return key

    def authenticate(self, key: str) -> Principal | None:
        """The principal of a key, or None. Compares in constant time."""
        given = _hash(key)
        found = None
        for entry in (*self._entries, *self._sessions):
            if hmac.compare_digest(entry.key_hash, given):
                found = entry.principal
        return found
