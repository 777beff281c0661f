"""Responses that callers asked to keep: read, continued and deleted by their owner alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from finsvc.domain.errors import InputError, UnknownNameError, UnsupportedError
from finsvc.domain.policy import Principal

# A conversation longer than this does not fit any model's context.
CHAIN_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """A response as its owner got it, and the items it answers; ``created_at`` since 1970, in s."""

    response_id: str
    owner: str
    created_at: int
    previous_id: str | None
    document: Mapping[str, object]
    input_items: tuple[Mapping[str, object], ...]


class ResponseStore(Protocol):
    """A database of responses; an adapter implements it."""

    def put(self, response: StoredResponse) -> None:
        """Keep a response durably."""

    def find(self, response_id: str) -> StoredResponse | None:
        """The response of that identifier, if it is kept."""

    def delete(self, response_id: str) -> None:
        """Forget a response."""


class ResponseShelf:
    """The use case; without a store nothing is kept and nothing is found."""

    def __init__(self, store: ResponseStore | None) -> None:
        self._store = store

    def is_kept(self, asked: bool | None) -> bool:
        """Whether a response is kept when its caller says so, or says nothing.

        Raises:
            UnsupportedError: The caller wants it kept and there is no store.
        """
        if self._store is None and asked:
            raise UnsupportedError(
                field="store", expected="false, since no responses are kept here", actual="True"
            )
        return self._store is not None and asked is not False

    def keep(self, response: StoredResponse) -> None:
        """Keep a response."""
        if self._store is not None:
            self._store.put(response)

    def get(
        self, response_id: str, principal: Principal, *, field: str = "response_id"
    ) -> StoredResponse:
        """A response of the principal's own.

        Raises:
            UnknownNameError: There is none; one of another principal is not told apart.
        """
        found = None if self._store is None else self._store.find(response_id)
        if found is None or found.owner != principal.id:
            raise UnknownNameError(field=field, kind="response", actual=response_id, known=())
        return found

    def delete(self, response_id: str, principal: Principal) -> None:
        """Forget a response of the principal's own; the log keeps what it must.

        Raises:
            UnknownNameError: There is none.
        """
        self.get(response_id, principal)
        if self._store is not None:
            self._store.delete(response_id)

    def history(self, last_id: str | None, principal: Principal) -> list[StoredResponse]:
        """A response and all it continues, the oldest first.

        Raises:
            UnknownNameError: One of them is not kept.
            InputError: There are too many.
        """
        found: list[StoredResponse] = []
        while last_id is not None:
            if len(found) == CHAIN_MAX:
                raise InputError(
                    field="previous_response_id",
                    expected=f"a conversation of at most {CHAIN_MAX} responses",
                    actual="a longer one",
                )
            found.append(self.get(last_id, principal, field="previous_response_id"))
            last_id = found[-1].previous_id
        return found[::-1]
