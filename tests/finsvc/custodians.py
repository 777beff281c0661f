"""A custodian that only remembers what it was told to do, and refuses what it is told to refuse."""

from dataclasses import dataclass, field
from datetime import datetime

from finsvc.domain.custody import Mandate, Order, View
from finsvc.domain.errors import LogOperationError
from finsvc.services.ports import Json


@dataclass
class FakeCustodian:
    done: list[tuple[object, ...]] = field(default_factory=list)
    refusal: LogOperationError | None = None

    def view(self, what: View, now: datetime) -> Json:
        return {"object": "list", "data": [what.value]}

    def subject_id(self, data_subject: str) -> str | None:
        return "5" * 32 if data_subject == "client-7" else None

    def _do(self, *what: object) -> Json:
        if self.refusal is not None:
            raise self.refusal
        self.done.append(what)
        return {"did": what[0]}

    def rotate_key(self) -> Json:
        return self._do("rotate_key")

    def retire_keys(self) -> Json:
        return self._do("retire_keys")

    def set_hold(self, order: Order, mandate: Mandate) -> Json:
        return self._do("set_hold", order, mandate)

    def lift_hold(self, order: Order, mandate: Mandate) -> Json:
        return self._do("lift_hold", order, mandate)

    def shred(self, order: Order, mandate: Mandate) -> Json:
        return self._do("shred", order, mandate)

    def shred_expired(self, mandate: Mandate) -> Json:
        return self._do("shred_expired", mandate)

    def stamp(self) -> Json:
        return self._do("stamp")
