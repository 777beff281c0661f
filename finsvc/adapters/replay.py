"""Replay of logged decisions: joins the audit package's driver to policies, calculators, engine."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from audit.canonical import JsonObject
from audit.replay import Comparison, Level, Outcome, Replayers, replay
from engine.errors import EngineError
from engine.job import Priority, Terms
from engine.types import Generation, GenerationRequest, Sampling
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.engine import EngineModel
from finsvc.adapters.policies import CedarPolicies
from finsvc.calculators.registry import CALCULATORS
from finsvc.calculators.serialization import result_to_json
from finsvc.domain.errors import FinsvcError, UnknownNameError
from finsvc.domain.market import MarketView
from finsvc.services.ports import RecordKind
from finsvc.services.replay import Level as ServiceLevel
from finsvc.services.replay import ReplayResult
from policies.errors import PolicyError

MarketFor = Callable[[str], MarketView]

# Nobody's question waits for a replay, and its prompts are of many principals.
_TERMS = Terms(tenant="replay", priority=Priority.BACKGROUND)

_MATCH = Comparison(Outcome.MATCH)


def _differs(what: str, recorded: object, derived: object) -> Comparison:
    return Comparison(Outcome.MISMATCH, f"{what}: recorded {recorded!r}, derived {derived!r}")


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
                return _differs(name, part.get(name), value)
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
                return _differs(name, recorded.get(name), derived.get(name))
        return _MATCH


# What a turn was sampled from; everything else of it is outcome.
_GIVEN = ("prompt_ids", "grammar", "stop_ids", "max_new_tokens", "sampling")


class _Runs:
    """Turns sampled again, so that R3 and R4 share one run of the model."""

    def __init__(self, model: EngineModel) -> None:
        self.model = model
        self._generations: dict[str, Generation] = {}

    def generation(self, part: JsonObject) -> Generation:
        key = json.dumps([part.get(name) for name in _GIVEN])
        if key not in self._generations:
            self._generations[key] = _sample(self.model, part)
        return self._generations[key]


class TurnReplayer:
    """R3 and R4: samples a turn again on the engine."""

    def __init__(self, runs: _Runs, *, compares_logits: bool) -> None:
        self._runs = runs
        self._compares_logits = compares_logits

    def replay(self, part: JsonObject, decision: JsonObject) -> Comparison:
        """Compare one turn's token ids, or the digest of the logits behind them."""
        other = self._other_manifest(decision)
        if other is not None:
            return other
        try:
            generation = self._runs.generation(part)
        except (EngineError, KeyError, TypeError, ValueError) as error:
            detail = f"turn: expected one that can be sampled again, got {error!r}"
            return Comparison(Outcome.MISMATCH, detail)
        recorded = part.get("token_ids")
        derived = list(generation.token_ids)
        if self._compares_logits:
            if part.get("logit_digest") == generation.logit_digest:
                return _MATCH
            return _differs("logit_digest", part.get("logit_digest"), generation.logit_digest)
        if recorded == derived:
            return _MATCH
        return _first_difference(recorded if isinstance(recorded, list) else [], derived)

    def _other_manifest(self, decision: JsonObject) -> Comparison | None:
        """Tell another device class or build, and another model, from a true difference."""
        model = decision.get("model")
        manifest = model.get("manifest") if isinstance(model, dict) else None
        if not isinstance(manifest, dict):
            return _differs("model.manifest", manifest, "an object")
        current = self._runs.model.identity.manifest
        changed = [name for name in sorted(current) if manifest.get(name) != current[name]]
        if not changed:
            return None
        name = changed[0]
        detail = f"model.{name}: recorded {manifest.get(name)!r}, here {current[name]!r}"
        classes = {"device", "dtype", "parallelism", "code_digest"}
        is_class = set(changed) <= classes
        return Comparison(Outcome.CLASS_MISMATCH if is_class else Outcome.MISMATCH, detail)


def _first_difference(recorded: list[object], derived: list[int]) -> Comparison:
    for position, (left, right) in enumerate(zip(recorded, derived, strict=False)):
        if left != right:
            return _differs(f"token {position}", left, right)
    return _differs("number of tokens", len(recorded), len(derived))


def _integers(value: object) -> tuple[int, ...]:
    return tuple(int(item) for item in value) if isinstance(value, list) else ()


def _sample(model: EngineModel, part: Mapping[str, object]) -> Generation:
    sampling = part["sampling"]
    options = sampling if isinstance(sampling, Mapping) else {}
    request = GenerationRequest(
        prompt_ids=_integers(part["prompt_ids"]),
        max_new_tokens=int(str(part["max_new_tokens"])),
        stop_ids=frozenset(_integers(part["stop_ids"])),
        sampling=Sampling(
            temperature=float(options["temperature"]),
            top_p=float(options["top_p"]),
            seed=int(options["seed"]),
        ),
    )
    return model.sample(request, str(part["grammar"]), terms=_TERMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionReplayer:
    """Implements the services' `Replayer`."""

    audit: AuditLog
    policies: CedarPolicies
    model: EngineModel
    market_for: MarketFor

    def record_ids(self) -> list[str]:
        """Identifiers of every decision, in order."""
        return [
            record.record_id
            for record in self.audit.records()
            if record.kind is RecordKind.DECISION
        ]

    def replay(self, record_id: str, level: ServiceLevel) -> ReplayResult:
        """Replay one decision up to a level.

        Raises:
            UnknownNameError: The log holds no such record.
        """
        entry = self.audit.entry(record_id)
        if entry is None:
            raise UnknownNameError(
                field="decision_id", kind="decision", actual=record_id, known=self.record_ids()
            )
        runs = _Runs(self.model)
        replayers = Replayers(
            policy=PolicyReplayer(policies=self.policies),
            calculators=CalculatorReplayer(market_for=self.market_for),
            tokens=TurnReplayer(runs, compares_logits=False),
            logits=TurnReplayer(runs, compares_logits=True),
        )
        report = replay(entry, Level[level.value], replayers, keyring=self.audit.log.keyring)
        return ReplayResult(
            record_id=record_id,
            is_ok=report.ok,
            levels={result.level.name: result.outcome.value for result in report.levels},
            details={result.level.name: result.detail for result in report.levels if result.detail},
        )
