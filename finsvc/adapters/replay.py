"""Replay of logged decisions: joins the audit package's driver to policies, calculators, engine."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from audit.canonical import JsonObject
from audit.entry import Entry
from audit.replay import Comparison, Level, Outcome, Replayers, replay
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.engine import EngineModel
from finsvc.adapters.policies import CedarPolicies
from finsvc.adapters.replay_turns import TurnOutcome, TurnReplayer, Turns
from finsvc.adapters.what_if_model import load_other_model, model_changes
from finsvc.calculators.registry import CALCULATORS
from finsvc.calculators.serialization import result_to_json
from finsvc.domain.errors import FinsvcError, InputError, UnknownNameError
from finsvc.domain.market import MarketView
from finsvc.services.ports import RecordKind
from finsvc.services.replay import Level as ServiceLevel
from finsvc.services.replay import ModelWhatIf, PolicyChange, ReplayResult, WhatIf
from policies.bundle import Bundle, load_bundle
from policies.errors import PolicyError
from policies.evaluator import evaluate

# Decisions whose turns share steps of the model, and whose contents are held at once.
GROUP_DECISIONS = 32

MarketFor = Callable[[str], MarketView]

_MATCH = Comparison(Outcome.MATCH)


def _differs(what: str, recorded: object, derived: object, *, cause: str = "") -> Comparison:
    detail = f"{what}: recorded {recorded!r}, derived {derived!r}"
    return Comparison(Outcome.MISMATCH, f"{detail}; {cause}" if cause else detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReplayer:
    """R1: evaluates recorded facts against the recorded bundle."""

    policies: CedarPolicies

    def replay(self, part: JsonObject, decision: JsonObject) -> Comparison:
        """Compare one policy decision."""
        request = part.get("request")
        if not isinstance(request, dict):
            return _differs("request", request, "an object")
        try:
            outcome = self.policies.reevaluate(str(part.get("bundle")), request)
        except PolicyError as error:
            return Comparison(Outcome.MISMATCH, str(error))
        derived = {
            "decision": "allow" if outcome.is_allowed else "deny",
            "determining": list(outcome.determining),
            "errors": list(outcome.errors),
        }
        for name, value in derived.items():
            if part.get(name) != value:
                return _differs(name, part.get(name), value, cause=f"under {outcome.bundle_digest}")
        return _MATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculatorReplayer:
    """R2: runs recorded inputs through the calculator on the recorded snapshot."""

    market_for: MarketFor

    def replay(self, part: JsonObject, decision: JsonObject) -> Comparison:
        """Compare one call's result, byte for byte."""
        recorded = part.get("result")
        if recorded is None and isinstance(part.get("error"), dict):
            return Comparison(Outcome.NOT_APPLICABLE)
        if not isinstance(recorded, dict):
            return _differs("result", recorded, "an object")
        calculator = CALCULATORS.get(str(part.get("calculator")))
        if calculator is None:
            return _differs("calculator", part.get("calculator"), None)
        try:
            market = self.market_for(str(recorded.get("data_snapshot")))
            result = calculator.run(calculator.parse(part.get("inputs")), market)
        except (FinsvcError, ArithmeticError, ValueError) as error:
            return Comparison(Outcome.MISMATCH, str(error))
        derived = json.loads(json.dumps(result_to_json(result)))
        for name in sorted(recorded.keys() | derived.keys()):
            if recorded.get(name) != derived.get(name):
                cause = _calculator_cause(recorded, derived)
                if not cause:
                    cause = _code_cause(part.get("calculator_digest"), calculator.digest)
                return _differs(name, recorded.get(name), derived.get(name), cause=cause)
        return _MATCH


def _calculator_cause(recorded: JsonObject, derived: Mapping[str, object]) -> str:
    """Why a result is another one, as far as the results tell; empty where they do not."""
    for name, cause in (
        ("version", "another version of the calculator"),
        ("data_snapshot", "another snapshot"),
        ("inputs_digest", "other inputs"),
    ):
        if recorded.get(name) != derived.get(name):
            return f"{cause}: recorded {recorded.get(name)!r}, here {derived.get(name)!r}"
    return ""


def _code_cause(recorded: object, here: str) -> str:
    """Why a result of the same version, inputs and snapshot is another one."""
    if recorded is not None and recorded != here:
        return (
            f"same version, but other code of the calculators: recorded {recorded!r}, here {here!r}"
        )
    return "same version, code, inputs and snapshot: a changed record (see R0) or a faulty machine"


class DecisionReplayer:
    """Implements the services' `Replayer`."""

    def __init__(
        self,
        *,
        audit: AuditLog,
        policies: CedarPolicies,
        model: EngineModel,
        market_for: MarketFor,
    ) -> None:
        self._audit = audit
        self._policies = policies
        self._model = model
        self._market_for = market_for

    @property
    def fingerprint(self) -> str:
        """Of the model that samples again."""
        return self._model.identity.fingerprint

    def record_ids(self) -> list[str]:
        """Identifiers of every decision, in order."""
        return [
            record.record_id
            for record in self._audit.records()
            if record.kind is RecordKind.DECISION
        ]

    def replay(self, record_id: str, level: ServiceLevel) -> ReplayResult:
        """Replay one decision up to a level.

        Raises:
            UnknownNameError: The log holds no such record.
        """
        (result,) = self.replay_many([record_id], level)
        return result

    def replay_many(self, record_ids: Sequence[str], level: ServiceLevel) -> Iterator[ReplayResult]:
        """Replay decisions in order; the model works on the next ones while these are compared.

        Raises:
            UnknownNameError: The log holds no such record.
        """
        with ThreadPoolExecutor(max_workers=1) as pool:
            ahead: deque[_Group] = deque()
            for start in range(0, len(record_ids), GROUP_DECISIONS):
                ids = record_ids[start : start + GROUP_DECISIONS]
                ahead.append(self._begin(ids, level, pool))
                if len(ahead) > 1:
                    yield from self._finish(ahead.popleft(), level)
            for group in ahead:
                yield from self._finish(group, level)

    def what_if(self, record_ids: Sequence[str], bundle: Path) -> WhatIf:
        """Take recorded policy decisions again under the bundle of a folder.

        Raises:
            InputError: The folder holds no valid bundle.
            UnknownNameError: The log holds no such record.
        """
        try:
            other = load_bundle(bundle)
        except PolicyError as error:
            raise InputError(
                field="bundle", expected="a policy bundle", actual=str(error)
            ) from error
        changes = [
            change
            for record_id in record_ids
            for change in _policy_changes(record_id, self._entry(record_id), other)
        ]
        return WhatIf(bundle=other.digest, num_decisions=len(record_ids), changes=tuple(changes))

    def what_if_model(self, record_ids: Sequence[str], model: Path) -> ModelWhatIf:
        """Put recorded turns to the model of a folder.

        Raises:
            InputError: The folder holds no model, or one of another vocabulary.
            UnknownNameError: The log holds no such record.
        """
        other = load_other_model(model, num_threads=1)
        changes = model_changes([self._entry(record_id) for record_id in record_ids], other)
        return ModelWhatIf(
            fingerprint=other.identity.fingerprint,
            num_decisions=len(record_ids),
            changes=tuple(changes),
        )

    @cached_property
    def _turns(self) -> Turns:
        # Keeps what it computed for the prompts of later decisions; made when first needed.
        return Turns(self._model)

    def _entry(self, record_id: str) -> Entry:
        entry = self._audit.entry(record_id)
        if entry is None:
            raise UnknownNameError(
                field="decision_id", kind="decision", actual=record_id, known=self.record_ids()
            )
        return entry

    def _begin(
        self, record_ids: Sequence[str], level: ServiceLevel, pool: ThreadPoolExecutor
    ) -> "_Group":
        entries = [self._entry(record_id) for record_id in record_ids]
        if level < ServiceLevel.R3:
            return _Group(entries, Future())
        parts = [part for entry in entries for part in _turn_parts(entry)]
        return _Group(entries, pool.submit(self._turns.derive, parts))

    def _finish(self, group: "_Group", level: ServiceLevel) -> Iterator[ReplayResult]:
        replayers = Replayers(
            policy=PolicyReplayer(policies=self._policies),
            calculators=CalculatorReplayer(market_for=self._market_for),
        )
        if level >= ServiceLevel.R3:
            replayers = replace(
                replayers,
                tokens=TurnReplayer(self._turns, group.derived, compares_logits=False),
                logits=TurnReplayer(self._turns, group.derived, compares_logits=True),
            )
        keyring = self._audit.log.keyring
        for entry in group.entries:
            report = replay(entry, Level[level.value], replayers, keyring=keyring)
            yield ReplayResult(
                record_id=entry.statement.id,
                is_ok=report.ok,
                levels={item.level.name: item.outcome.value for item in report.levels},
                details={item.level.name: item.detail for item in report.levels if item.detail},
            )


@dataclass(frozen=True, slots=True)
class _Group:
    """Decisions whose turns are derived together."""

    entries: Sequence[Entry]
    derived: Future[dict[str, TurnOutcome]]


def _turn_parts(entry: Entry) -> list[JsonObject]:
    parts = entry.content.get("turns")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _policy_changes(record_id: str, entry: Entry, bundle: Bundle) -> Iterator[PolicyChange]:
    """Yield the policy decisions of a record that a bundle takes otherwise."""
    parts = entry.content.get("policy")
    for position, part in enumerate(parts if isinstance(parts, list) else []):
        request = part.get("request") if isinstance(part, dict) else None
        if not isinstance(part, dict) or not isinstance(request, dict):
            continue
        recorded, action = str(part.get("decision")), str(request.get("action"))
        determining: tuple[str, ...]
        try:
            outcome = evaluate(bundle, request)
        except PolicyError as error:
            derived, determining = "deny", (str(error),)
        else:
            derived = "allow" if outcome.is_allowed else "deny"
            determining = outcome.determining
        if derived != recorded:
            yield PolicyChange(
                record_id=record_id,
                position=position,
                action=action,
                recorded=recorded,
                derived=derived,
                determining=determining,
            )
