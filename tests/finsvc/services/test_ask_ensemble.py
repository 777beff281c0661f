"""Material answers: sampled again, held to a calibrated threshold, replayed with their samples.

The words of the model are played by the test; `tests/finsvc/test_replay_embedded.py` has a model.
"""

import json
from datetime import date

import pytest

from audit.replay import Comparison, Level, Outcome, Replayers, replay
from finsvc.adapters.engine import EngineModel
from finsvc.adapters.policies import CedarPolicies
from finsvc.adapters.replay import CalculatorReplayer, PolicyReplayer
from finsvc.agents.model import SAMPLE_TEMPERATURE
from finsvc.domain.policy import Action, PolicyOutcome, PolicyQuery
from finsvc.domain.verdicts import Reason, Verdict
from finsvc.services.decision import Decision
from finsvc.services.ensemble import sample_seed
from finsvc.services.reliability import Reliability
from finsvc.validator.abstention import Calibration, Counted, Terms
from tests.finsvc.asking import ANALYST, Desk
from tests.finsvc.harmony_engine import PlayedEngine, answer_text, call_text
from tests.finsvc.services.test_ask_calculators import CASES, ask

QUESTION = "What is 500m EUR in USD on 2022-12-28 or 2022-12-27?"
ANSWER = "{c1.amount} is {c1.converted}."
COUNTED = Counted(answered=300, kept=280, wrong=0)
CALIBRATION = Calibration(
    weights="0" * 64,
    made_on=date(2026, 11, 22),
    terms=Terms(alpha=0.02, delta=0.05, num_samples=3, temperature=SAMPLE_TEMPERATURE),
    threshold=5.0,
    counted=COUNTED,
    sets={},
    held_out={},
)


def turns(day: str, answer: str = ANSWER, source: str = "EUR") -> list[str]:
    arguments = {"amount": "500m", "from_": source, "to": "USD", "as_of": day}
    return [call_text("convert_currency", **arguments), answer_text(answer)]


def convert(
    desk: Desk,
    *samples: list[str],
    calibration: Calibration | None = CALIBRATION,
    margin: float = 20.0,
    question: str = "What is 500m EUR in USD on 2022-12-28?",
) -> tuple[Decision, PlayedEngine]:
    """Ask for a material amount; the samples are played in the order of their seeds' first use."""
    own = turns("2022-12-28")
    seeds: list[int] = []

    def script(seed: int) -> list[str]:
        if seed == 0:
            return own
        if seed not in seeds:
            seeds.append(seed)
        number = seeds.index(seed)
        return samples[number] if number < len(samples) else own

    engine = PlayedEngine(script, margin=margin)
    desk.reliability = Reliability(limit_usd=10**8, calibration=calibration)
    return desk.ask(question, EngineModel(engine, name="played")), engine


def findings(desk: Desk, decision: Decision) -> list[tuple[str, str]]:
    reasons = desk.record(decision.decision_id).body["reasons"]
    assert isinstance(reasons, list)
    return [(item["reason"], item["detail"]) for item in reasons]


def test_samples_that_agree_let_a_confident_material_answer_leave(desk: Desk) -> None:
    decision, engine = convert(desk)
    assert decision.verdict is Verdict.VERIFIED
    assert not decision.is_held
    body = desk.record(decision.decision_id).body
    ensemble = body["ensemble"]
    assert isinstance(ensemble, dict)
    assert ensemble["agreeing"] == len(ensemble["samples"]) == 3
    assert ensemble["calibration"]["digest"] == CALIBRATION.digest
    assert [item["calls"] for item in ensemble["samples"]] == [[0], [0], [0]]
    assert [item["turns"] for item in ensemble["samples"]] == [[2, 4], [4, 6], [6, 8]]
    assert body["sample_calls"] == []
    assert isinstance(body["turns"], list)
    assert len(body["turns"]) == len(engine.requests) == 8


def test_seeds_of_samples_follow_from_the_decision_alone(desk: Desk) -> None:
    decision, engine = convert(desk)
    expected = [sample_seed(decision.decision_id, number) for number in range(3)]
    sampled = [request.sampling for request in engine.requests[2:]]
    assert [item.seed for item in sampled[::2]] == expected
    assert {item.temperature for item in sampled} == {SAMPLE_TEMPERATURE}
    recorded = desk.record(decision.decision_id).body["ensemble"]
    assert isinstance(recorded, dict)
    assert [item["seed"] for item in recorded["samples"]] == [str(seed) for seed in expected]
    assert len({*expected, sample_seed("dec_other", 0)}) == 4


def test_other_words_of_a_sample_are_no_disagreement(desk: Desk) -> None:
    decision, _ = convert(desk, turns("2022-12-28", "You get {c1.converted} for {c1.amount}."))
    assert decision.verdict is Verdict.VERIFIED


@pytest.mark.parametrize(
    ("sample", "detail"),
    [
        (turns("2022-12-27"), "sample 1: c1.as_of is '2022-12-27'; the answer has '2022-12-28'"),
        (
            [call_text("price", instrument="EUR"), answer_text("{c1.error}")],
            "sample 1: calls price; the answer calls fx_convert",
        ),
        ([answer_text("Which day do you mean?")], "sample 1: asked back instead of an answer"),
        (turns("2022-12-28", "It is {c1.converted}."), "sample 1: states other figures: amount"),
    ],
)
def test_sample_that_claims_otherwise_needs_a_human_who_is_told_how(
    sample: list[str], detail: str, desk: Desk
) -> None:
    decision, _ = convert(desk, sample, question=QUESTION)
    assert decision.is_held
    assert decision.verdict is Verdict.NEEDS_HUMAN
    assert (Reason.SAMPLES_DISAGREE.value, detail) in findings(desk, decision)


def test_model_that_is_not_calibrated_says_nothing_material_alone(desk: Desk) -> None:
    decision, _ = convert(desk, calibration=None)
    assert decision.is_held
    assert [reason for reason, _ in findings(desk, decision)] == [Reason.NOT_CALIBRATED.value]


def test_answer_below_the_threshold_needs_a_human(desk: Desk) -> None:
    decision, _ = convert(desk, margin=4.5)
    assert decision.is_held
    assert findings(desk, decision) == [
        (Reason.LOW_CONFIDENCE.value, "confidence 4.50, expected at least 5")
    ]


def test_answer_below_the_limit_is_not_sampled_again(desk: Desk) -> None:
    engine = PlayedEngine(lambda _: turns("2022-12-28"))
    desk.reliability = Reliability(limit_usd=10**12)
    question = "What is 500m EUR in USD on 2022-12-28?"
    decision = desk.ask(question, EngineModel(engine, name="played"))
    assert decision.verdict is Verdict.VERIFIED
    assert "ensemble" not in desk.record(decision.decision_id).body
    assert len(engine.requests) == 2


class Same:
    """A replayer of turns that a test played: nothing stands behind them to derive."""

    def __init__(self) -> None:
        self.num = 0

    def replay(self, part: object, decision: object) -> Comparison:
        self.num += 1
        return Comparison(Outcome.MATCH)


def test_replay_covers_calls_and_turns_of_samples(desk: Desk) -> None:
    decision, engine = convert(desk, turns("2022-12-27"), question=QUESTION)
    entry = desk.audit.entry(decision.decision_id)
    assert entry is not None
    assert len(entry.content["sample_calls"]) == 1  # type: ignore[arg-type]
    played = Same()
    replayers = Replayers(
        policy=PolicyReplayer(policies=desk.policy),
        calculators=CalculatorReplayer(market_for=lambda _: desk.data.market),
        tokens=played,
        logits=played,
    )
    report = replay(entry, Level.R4, replayers, keyring=desk.audit.log.keyring)
    assert report.ok
    compared = {item.level: item.num_compared for item in report.levels}
    assert compared[Level.R2] == 2
    assert compared[Level.R3] == compared[Level.R4] == len(engine.requests) == 8
    # Asked, released, and the calls of the answer and of the one sample that differs.
    assert compared[Level.R1] == 4


class Permissive:
    """A gate that lets everything through, as a careless bundle would."""

    def __init__(self, policies: CedarPolicies) -> None:
        self._policies = policies

    def decide(self, query: PolicyQuery) -> PolicyOutcome:
        found = self._policies.decide(query)
        return PolicyOutcome(
            is_allowed=True,
            determining=("everything",),
            errors=(),
            bundle_digest=found.bundle_digest,
            facts=found.facts,
        )


@pytest.mark.parametrize("is_permissive", [False, True])
def test_proposal_waits_for_a_person_under_any_policy(is_permissive: bool, desk: Desk) -> None:
    if is_permissive:
        desk.policy = Permissive(desk.policy)  # type: ignore[assignment]
    inputs = CASES["rebalancing_proposal"]
    arguments = dict.fromkeys(
        ("portfolio", "as_of", "targets", "suitability", "window_days"), "mandate"
    )
    given = {name: span for name, span in arguments.items() if name in inputs}
    decision = ask(
        desk, "Evaluate mandate", "rebalancing_proposal", given, documents={"mandate": inputs}
    )
    assert decision.is_held
    assert decision.verdict is Verdict.NEEDS_HUMAN
    assert decision.claims == ()
    assert (Reason.PROPOSAL.value, "a person decides on proposals") in findings(desk, decision)
    body = desk.record(decision.decision_id).body
    assert body["held"] is True
    released = body["policy"][-1]  # type: ignore[index]
    assert released["request"]["context"]["proposal"] is True
    assert json.loads(json.dumps(body))["verdict"] == Verdict.NEEDS_HUMAN.value


@pytest.mark.parametrize(("flag", "allowed"), [(None, True), (False, True), (True, False)])
def test_bundle_forbids_the_release_of_proposals(
    flag: bool | None, allowed: bool, desk: Desk
) -> None:
    context: dict[str, str | int | bool] = {
        "agent": "auto",
        "verdict": "verified",
        "largest_usd": 1,
    }
    if flag is not None:
        context["proposal"] = flag
    query = PolicyQuery(
        principal=ANALYST, action=Action.RELEASE, resource="Decision::d", context=context
    )
    outcome = desk.policy.decide(query)
    assert outcome.is_allowed is allowed
    assert allowed or outcome.determining == ("proposals-need-a-human",)
