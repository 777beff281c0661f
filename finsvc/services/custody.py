"""Custody of the log: keys, legal holds, destruction of contents, time stamps.

Each act is ordered by a person with a reason, decided by policy (nothing is allowed that no policy
permits), and on record twice: the order with the policy decision before anything happens, refused
ones too, and the outcome after it. A data subject is named in the record by the vault's random
identifier alone, so that the record of an erasure does not keep what was to be erased.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from finsvc.domain.custody import Mandate, Operation, Order, View
from finsvc.domain.errors import FinsvcError, InputError, RefusedError
from finsvc.domain.policy import Action, PolicyOutcome, PolicyQuery, Principal
from finsvc.services.decision import outcome_to_json
from finsvc.services.ports import Clock, Json, PolicyGate, RecordKind, RecordLog

_LOG = "Log::decisions"
_REASON_MAX = 2_000


class LogCustodian(Protocol):
    """Does the acts; an adapter implements it over the audit package.

    Each raises `LogOperationError` with the log's own code where the log does not allow it.
    """

    def view(self, what: View, now: datetime) -> Json:
        """Show keys, holds, retention, stamps or witnesses."""

    def subject_id(self, data_subject: str) -> str | None:
        """The random identifier of a data subject; None where it has no records."""

    def rotate_key(self) -> Json:
        """Go over to a new key; the old one signs on beside it."""

    def retire_keys(self) -> Json:
        """End the overlap and destroy the private halves of all but the current key."""

    def set_hold(self, order: Order, mandate: Mandate) -> Json:
        """Forbid the destruction of records or of a data subject's."""

    def lift_hold(self, order: Order, mandate: Mandate) -> Json:
        """End a hold."""

    def shred(self, order: Order, mandate: Mandate) -> Json:
        """Destroy the contents of records or of a data subject's."""

    def shred_expired(self, mandate: Mandate) -> Json:
        """Destroy the contents whose retention has ended."""

    def stamp(self) -> Json:
        """Have the latest checkpoint stamped by the time stamp authority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """The use case."""

    custodian: LogCustodian
    policy: PolicyGate
    log: RecordLog
    clock: Clock

    def view(self, what: View, principal: Principal) -> Json:
        """Show something of the log's custody.

        Raises:
            RefusedError: Policy does not let the principal read the log.
        """
        outcome = self._decide(Action.READ_AUDIT, principal, {})
        if not outcome.is_allowed:
            raise RefusedError(action=Action.READ_AUDIT.value, reasons=outcome.determining)
        return self.custodian.view(what, self.clock.now())

    def __call__(self, order: Order, principal: Principal) -> Json:
        """Do what is ordered.

        Returns:
            The act's identifier, its result, and the receipt of the record of its outcome.

        Raises:
            InputError: The order lacks something, or says too much.
            RefusedError: Policy does not let the principal; that is on record.
            LogOperationError: The log does not allow it, for instance because of a hold; that is
                on record too.
        """
        _check(order)
        context = {"operation": order.operation.value}
        outcome = self._decide(Action.ADMINISTER_LOG, principal, context)
        act_id = self.clock.new_id("adm")
        self._append(
            act_id,
            "ordered" if outcome.is_allowed else "refused",
            {
                **self._order_document(order, is_allowed=outcome.is_allowed),
                "principal": {"id": principal.id, "roles": sorted(principal.roles)},
                "policy": [outcome_to_json(outcome)],
            },
        )
        if not outcome.is_allowed:
            raise RefusedError(action=order.operation.value, reasons=outcome.determining)
        mandate = Mandate(by=principal.id, reason=order.reason, at=self.clock.now())
        try:
            result = self._acts(order, mandate)[order.operation]()
        except FinsvcError as error:
            self._append(act_id, "failed", {"operation": order.operation.value, "code": error.code})
            raise
        document = {"operation": order.operation.value, "result": dict(result)}
        receipt = self._append(act_id, "done", document)
        return {"id": act_id, **document, "receipt": dict(receipt)}

    def _acts(self, order: Order, mandate: Mandate) -> Mapping[Operation, Callable[[], Json]]:
        custodian = self.custodian
        return {
            Operation.ROTATE_KEY: custodian.rotate_key,
            Operation.RETIRE_KEYS: custodian.retire_keys,
            Operation.SET_HOLD: lambda: custodian.set_hold(order, mandate),
            Operation.LIFT_HOLD: lambda: custodian.lift_hold(order, mandate),
            Operation.SHRED: lambda: custodian.shred(order, mandate),
            Operation.SHRED_EXPIRED: lambda: custodian.shred_expired(mandate),
            Operation.STAMP: custodian.stamp,
        }

    def _order_document(self, order: Order, *, is_allowed: bool) -> dict[str, object]:
        subject = None
        # Whoever is refused does not learn from the answer whether a data subject is known.
        if order.data_subject and is_allowed:
            subject = self.custodian.subject_id(order.data_subject)
        return {
            "operation": order.operation.value,
            "reason": order.reason,
            "hold": order.hold or None,
            "records": list(order.record_ids),
            "subject": subject,
        }

    def _decide(
        self, action: Action, principal: Principal, context: Mapping[str, str]
    ) -> PolicyOutcome:
        return self.policy.decide(
            PolicyQuery(principal=principal, action=action, resource=_LOG, context=context)
        )

    def _append(self, act_id: str, state: str, document: Mapping[str, object]) -> Json:
        body = {
            "act": act_id,
            "state": state,
            "time": self.clock.now().isoformat(timespec="microseconds"),
            **document,
        }
        return self.log.append(RecordKind.ADMINISTRATION, act_id, body)


def _check(order: Order) -> None:
    """Refuse an order that lacks what its act needs, or holds what it would ignore.

    Raises:
        InputError: It does.
    """
    holds = order.operation in {Operation.SET_HOLD, Operation.LIFT_HOLD}
    targets = order.operation in {Operation.SET_HOLD, Operation.SHRED}
    num_targets = bool(order.record_ids) + bool(order.data_subject)
    if not 0 < len(order.reason.strip()) <= _REASON_MAX:
        expected = f"1 to {_REASON_MAX} characters"
        raise InputError(field="reason", expected=expected, actual=str(len(order.reason.strip())))
    if bool(order.hold) is not holds:
        expected = "a name" if holds else "none for this operation"
        raise InputError(field="hold", expected=expected, actual=repr(order.hold))
    if num_targets != targets:
        expected = "records or a data subject" if targets else "none for this operation"
        raise InputError(field="records", expected=expected, actual=f"{num_targets} of the two")
