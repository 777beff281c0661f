"""Replay of real decisions, and of decisions that someone changed."""

import contextlib
import copy
import json
import re
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from audit.entry import Entry
from engine.engine import Engine
from engine.errors import RequestError
from engine.facade import ModelEngine
from engine.serving.client import RemoteEngine, RemoteFingerprint
from engine.serving.supervisor import EngineProcess
from finsvc.adapters import replay as adapter
from finsvc.adapters import replay_turns
from finsvc.adapters.engine import EngineModel
from finsvc.adapters.replay import DecisionReplayer
from finsvc.adapters.what_if_model import model_changes
from finsvc.agents.catalogue import AgentName, AgentTool
from finsvc.agents.loop import Limits
from finsvc.agents.model import Dialogue, LanguageModel
from finsvc.domain.errors import InputError, RefusedError, StateError, UnknownNameError
from finsvc.domain.identifiers import DecisionId
from finsvc.domain.market import MarketView
from finsvc.domain.policy import Principal
from finsvc.domain.turns import ModelIdentity, ModelTurn
from finsvc.services.ports import RecordKind
from finsvc.services.replay import Level, Replay, ReplayResult, model_what_if_document
from finsvc.services.replay_selection import Selection
from policies.bundle import BUILTIN_BUNDLE
from tests.engine.factories import SMALL_SHAPE, random_checkpoint
from tests.finsvc.asking import ANALYST, Desk
from tests.finsvc.scripted import ScriptedModel, call, final

QUESTION = "Where did Apple close?"
LEVELS = ["R0", "R1", "R2", "R3", "R4"]


class TracedDialogue:
    """Plays given turns with the traces of a real dialogue, so that they can be replayed."""

    def __init__(self, played: Dialogue, real: Dialogue) -> None:
        self._played = played
        self._real = real

    def next_turn(self, *, attempt: int, may_call: bool) -> ModelTurn:
        trace = self._real.next_turn(attempt=attempt, may_call=may_call).trace
        return replace(self._played.next_turn(attempt=attempt, may_call=may_call), trace=trace)

    def add_result(self, *, tool: str, arguments: str, payload: Mapping[str, str]) -> None:
        for dialogue in (self._played, self._real):
            dialogue.add_result(tool=tool, arguments=arguments, payload=payload)


class TracedModel:
    """A scripted model with the identity and traces of a real engine."""

    def __init__(self, played: LanguageModel, real: LanguageModel) -> None:
        self._played = played
        self._real = real

    @property
    def identity(self) -> ModelIdentity:
        return self._real.identity

    def open(
        self,
        *,
        instructions: str,
        tools: Sequence[AgentTool],
        user_message: str,
        tenant: str,
        seed: int | None = None,
    ) -> Dialogue:
        played, real = (
            model.open(
                instructions=instructions,
                tools=tools,
                user_message=user_message,
                tenant=tenant,
                seed=seed,
            )
            for model in (self._played, self._real)
        )
        return TracedDialogue(played, real)


@pytest.fixture(scope="module")
def decision_id(noisy_desk: Desk, noise: EngineModel) -> str:
    """A verified decision whose turns come from a real engine."""
    played = ScriptedModel(call("price", instrument="Apple"), final("{subject} closed at {close}."))
    decision = noisy_desk.ask(QUESTION, TracedModel(played, noise), agent=AgentName.MARKET)
    assert decision.verdict.value == "verified"
    return decision.decision_id


@pytest.fixture
def replayer(noisy_desk: Desk, noise: EngineModel) -> DecisionReplayer:
    def market_for(digest: str) -> MarketView:
        if digest != noisy_desk.data.market.snapshot:
            raise StateError(f"snapshot {digest}: expected in the archive, got nothing")
        return noisy_desk.data.market

    return DecisionReplayer(
        audit=noisy_desk.audit, policies=noisy_desk.policy, model=noise, market_for=market_for
    )


Change = Callable[[dict[str, object]], None]


def replay_changed(
    desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    change: Change,
    monkeypatch: pytest.MonkeyPatch,
) -> ReplayResult:
    """Replay a decision whose content was changed after it was read."""
    entry = desk.audit.entry(decision_id)
    assert entry is not None
    content = copy.deepcopy(entry.content)
    change(content)  # type: ignore[arg-type]
    changed: Entry = replace(entry, content=content)
    monkeypatch.setattr(desk.audit, "entry", lambda _: changed)
    return replayer.replay(decision_id, Level.R4)


def test_decision_replays_at_every_level(decision_id: str, replayer: DecisionReplayer) -> None:
    result = replayer.replay(decision_id, Level.R4)
    assert result.is_ok, result.details
    assert result.levels == dict.fromkeys(LEVELS, "match")
    assert result.details == {}


def test_level_bounds_what_is_replayed(decision_id: str, replayer: DecisionReplayer) -> None:
    assert list(replayer.replay(decision_id, Level.R1).levels) == ["R0", "R1"]


def change_at(*path: str | int, to: object) -> Change:
    def change(content: dict[str, object]) -> None:
        target: object = content
        for key in path[:-1]:
            target = target[key]  # type: ignore[index]
        target[path[-1]] = to  # type: ignore[index]

    return change


def next_token(content: dict[str, object]) -> None:
    ids = content["turns"][0]["token_ids"]  # type: ignore[index]
    ids[1] = (ids[1] + 1) % 256


FACTS = ("policy", 0, "request")
CALL = ("calls", 0)
TURN = ("turns", 0)


@pytest.mark.parametrize(
    ("change", "level", "detail"),
    [
        (change_at(*FACTS, "principal", "roles", to=[]), "R1", "policy[0]: decision"),
        (change_at(*FACTS, "context", to={}), "R1", "policy[0]: "),
        (change_at(*FACTS, to=None), "R1", "policy[0]: request"),
        (change_at("policy", 0, "decision", to="deny"), "R1", "policy[0]: decision"),
        (change_at("policy", 1, "bundle", to="sha256:" + "0" * 64), "R1", "policy[1]: "),
        (
            change_at(*CALL, "result", "fields", "close", "value", to="1"),
            "R2",
            "calls[0]: fields",
        ),
        (change_at(*CALL, "result", "as_of", to="2022-12-27"), "R2", "calls[0]: as_of"),
        (change_at(*CALL, "inputs", "instrument", to="KO"), "R2", "calls[0]: "),
        (change_at(*CALL, "inputs", "instrument", to="XYZ"), "R2", "calls[0]: instrument"),
        (change_at(*CALL, "inputs", to=None), "R2", "calls[0]: "),
        (change_at(*CALL, "calculator", to="nothing"), "R2", "calls[0]: calculator"),
        (change_at(*CALL, "result", to=None), "R2", "calls[0]: result"),
        (change_at(*CALL, "result", "data_snapshot", to="sha256:0"), "R2", "calls[0]: snapshot"),
        (next_token, "R3", "turns[0]: token 1"),
        (change_at(*TURN, "token_ids", to=[]), "R3", "turns[0]: number of tokens"),
        (change_at(*TURN, "prompt_ids", to=["x"]), "R3", "turns[0]: turn: expected"),
        (change_at(*TURN, "prompt_ids", to=[10**6]), "R3", "turns[0]: turn: expected"),
        (change_at(*TURN, "grammar", to="("), "R3", "turns[0]: turn: expected"),
        (change_at(*TURN, "sampling", to={}), "R3", "turns[0]: turn: expected"),
        (change_at(*TURN, "logit_digest", to="00"), "R4", "turns[0]: logit_digest"),
        (
            change_at("model", "manifest", "weights_digest", to="00"),
            "R3",
            "turns[0]: model.weights_digest",
        ),
        (change_at("model", "manifest", to=None), "R3", "turns[0]: model.manifest"),
        (change_at("model", to=None), "R3", "turns[0]: model.manifest"),
    ],
)
def test_change_is_named_at_its_level_and_breaks_the_seal(
    change: Change,
    level: str,
    detail: str,
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = replay_changed(noisy_desk, replayer, decision_id, change, monkeypatch)
    assert not result.is_ok
    assert result.levels["R0"] == "mismatch"
    assert result.levels[level] == "mismatch"
    assert result.details[level].startswith(detail)
    changed_levels = {level} if level != "R3" else {"R3", "R4"}
    for other in {"R1", "R2", "R3", "R4"} - changed_levels:
        assert result.levels[other] == "match"


@pytest.mark.parametrize("name", ["device", "dtype", "code_digest"])
def test_another_device_class_is_neither_success_nor_failure(
    name: str,
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change = change_at("model", "manifest", name, to="another")
    result = replay_changed(noisy_desk, replayer, decision_id, change, monkeypatch)
    assert result.levels["R3"] == result.levels["R4"] == "class_mismatch"
    assert result.levels["R2"] == "match"
    assert f"model.{name}" in result.details["R3"]


def test_refusal_has_nothing_to_sample(
    noisy_desk: Desk, replayer: DecisionReplayer, noise: EngineModel
) -> None:
    nobody = Principal(id="nobody", roles=frozenset())
    with pytest.raises(RefusedError):
        noisy_desk.ask(QUESTION, noise, principal=nobody)
    result = replayer.replay(replayer.record_ids()[-1], Level.R4)
    assert result.is_ok
    assert list(result.levels.values()) == ["match", "match", *["not_applicable"] * 3]


def test_noise_itself_replays(
    noisy_desk: Desk, replayer: DecisionReplayer, noise: EngineModel
) -> None:
    noisy_desk.limits = Limits(max_calls=1, max_attempts=1)
    decision = noisy_desk.ask(QUESTION, noise, agent=AgentName.MARKET)
    assert decision.verdict.value != "verified"
    result = replayer.replay(decision.decision_id, Level.R4)
    assert result.is_ok, result.details
    assert result.levels["R3"] == result.levels["R4"] == "match"


def test_many_decisions_share_work_and_come_in_order(
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [decision_id] * 5
    monkeypatch.setattr(adapter, "GROUP_DECISIONS", 2)
    for level in (Level.R2, Level.R4):
        results = list(replayer.replay_many(ids, level))
        assert [result.record_id for result in results] == ids
        assert all(result.is_ok for result in results)
    assert list(replayer.replay_many([], Level.R4)) == []


def test_token_difference_is_explained(
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = replay_changed(noisy_desk, replayer, decision_id, next_token, monkeypatch)
    assert re.fullmatch(
        r"turns\[0\]: token 1: recorded \d+ '.*' of probability [0-9.e-]+"
        r"( \(forbidden by the grammar\))?, derived \d+ '.*' of probability [0-9.e-]+"
        r"; same model, build and device class: .*",
        result.details["R3"],
    )


def test_other_weights_with_the_same_tokens_say_so(
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change = change_at("model", "manifest", "weights_digest", to="00")
    result = replay_changed(noisy_desk, replayer, decision_id, change, monkeypatch)
    assert result.details["R3"].endswith("(other weights); the same tokens all the same")
    assert result.details["R4"].endswith("(other weights); the same logits all the same")


def test_another_model_names_the_first_token_it_would_have_drawn(
    noisy_desk: Desk, decision_id: str, tmp_path: Path
) -> None:
    folder = random_checkpoint(tmp_path, SMALL_SHAPE, seed=6)
    other = EngineModel(Engine.load(folder, num_threads=1), name="noise")
    result = DecisionReplayer(
        audit=noisy_desk.audit,
        policies=noisy_desk.policy,
        model=other,
        market_for=lambda _: noisy_desk.data.market,
    ).replay(decision_id, Level.R4)
    assert list(result.levels.values()) == ["match", "match", "match", "mismatch", "mismatch"]
    assert result.details["R3"].startswith("turns[0]: model.weights_digest: recorded '")
    assert re.search(
        r"\(other weights\), .*; token \d+: recorded .*, derived .*", result.details["R3"]
    )


def cut_last(content: dict[str, object]) -> None:
    del content["turns"][0]["token_ids"][-1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "level", "cause"),
    [
        (cut_last, "R3", "no end at the last one"),
        (change_at(*CALL, "result", "version", to="0"), "R2", "another version of the calculator"),
        (
            change_at(*CALL, "result", "fields", "close", "value", to="1"),
            "R2",
            "same version, code, inputs and snapshot",
        ),
        (change_at(*CALL, "inputs", "instrument", to="KO"), "R2", "other inputs"),
        (change_at("policy", 0, "decision", to="deny"), "R1", "under sha256:"),
    ],
)
def test_difference_names_its_cause(
    change: Change,
    level: str,
    cause: str,
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = replay_changed(noisy_desk, replayer, decision_id, change, monkeypatch)
    assert cause in result.details[level]


class FarEngine:
    """An engine that is not in this process, as far as its type tells."""

    def __init__(self, engine: ModelEngine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)


def test_engine_elsewhere_samples_again(
    noisy_desk: Desk,
    noise: EngineModel,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far = EngineModel(cast("ModelEngine", FarEngine(noise.engine)), name="noise")
    sampler = DecisionReplayer(
        audit=noisy_desk.audit,
        policies=noisy_desk.policy,
        model=far,
        market_for=lambda _: noisy_desk.data.market,
    )
    assert sampler.fingerprint == replayer.fingerprint
    assert sampler.replay(decision_id, Level.R4).levels == dict.fromkeys(LEVELS, "match")
    for change, shown in (
        (next_token, "turns[0]: token 1: recorded "),
        (cut_last, "turns[0]: number of tokens: recorded "),
        (change_at(*TURN, "grammar", to="("), "turns[0]: turn: expected"),
    ):
        with monkeypatch.context() as patch:
            result = replay_changed(noisy_desk, sampler, decision_id, change, patch)
        assert result.details["R3"].startswith(shown)


def test_engine_that_cannot_rescore_samples_again(
    noisy_desk: Desk, noise: EngineModel, decision_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Engine) -> None:
        raise RequestError("device", expected="an engine on the CPU", actual="a GPU")

    monkeypatch.setattr(replay_turns, "Rescorer", refuse)
    result = DecisionReplayer(
        audit=noisy_desk.audit,
        policies=noisy_desk.policy,
        model=noise,
        market_for=lambda _: noisy_desk.data.market,
    ).replay(decision_id, Level.R4)
    assert result.levels == dict.fromkeys(LEVELS, "match")


def test_engine_in_its_own_process_rescores_as_one_in_this(
    noisy_desk: Desk, noise_folder: Path, decision_id: str
) -> None:
    with contextlib.ExitStack() as stack:
        process = EngineProcess(noise_folder, num_threads=1)
        process.start()
        stack.callback(process.close)
        remote = RemoteEngine.connect(process.address, noise_folder)
        stack.callback(remote.close)
        model = EngineModel(remote, name="noise")
        assert replay_turns._rescorer(model) is remote
        result = DecisionReplayer(
            audit=noisy_desk.audit,
            policies=noisy_desk.policy,
            model=model,
            market_for=lambda _: noisy_desk.data.market,
        ).replay(decision_id, Level.R4)
        assert result.levels == dict.fromkeys(LEVELS, "match"), result.details
        fingerprint = json.loads(remote.fingerprint.canonical)
        fingerprint["device"]["kind"] = "cuda"
        remote.fingerprint = RemoteFingerprint(canonical=json.dumps(fingerprint))
        assert replay_turns._rescorer(model) is None


def test_what_if_of_another_model_shows_both_texts_and_is_on_record(
    noisy_desk: Desk, replayer: DecisionReplayer, noise_folder: Path, tmp_path: Path
) -> None:
    played = ScriptedModel(call("price", instrument="Apple"), final("{subject} closed at {close}."))
    noise = replayer._model
    decided = noisy_desk.ask(QUESTION, TracedModel(played, noise), agent=AgentName.MARKET)
    same = replayer.what_if_model([decided.decision_id], noise_folder)
    assert (same.num_decisions, same.changes) == (1, ())
    other = random_checkpoint(tmp_path / "other", SMALL_SHAPE, seed=6)
    found = replayer.what_if_model([decided.decision_id], other)
    (change,) = found.changes
    assert (change.record_id, change.turn) == (decided.decision_id, 0)
    assert change.recorded != change.derived
    assert re.search(r"token \d+: recorded .* of probability .*, derived", change.difference)
    use_case = Replay(
        replayer=replayer, policy=noisy_desk.policy, log=noisy_desk.audit, clock=noisy_desk.clock
    )
    auditor = Principal(id="aud", roles=frozenset({"auditor"}))
    index = noisy_desk.audit.log.find(decided.decision_id)[0]
    again = use_case.what_if_model(Selection(first=index), other, auditor)
    assert model_what_if_document(again)["decisions"] == 1
    *_, record = noisy_desk.audit.records()
    assert record.body["what_if_model"]["changed"] == [decided.decision_id]  # type: ignore[index]
    with pytest.raises(RefusedError):
        use_case.what_if_model(Selection(), other, ANALYST)
    with pytest.raises(InputError, match="model: expected a checkpoint"):
        replayer.what_if_model([decided.decision_id], tmp_path)


def test_what_if_of_a_model_of_another_vocabulary_is_refused(
    noisy_desk: Desk, decision_id: str, noise: EngineModel
) -> None:
    entry = noisy_desk.audit.entry(decision_id)
    assert entry is not None
    content = copy.deepcopy(entry.content)
    change_at("model", "manifest", "tokenizer_digest", to="00")(content)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="vocabulary 00"):
        model_changes([replace(entry, content=content)], noise)


def test_what_if_finds_what_another_bundle_denies(
    noisy_desk: Desk, replayer: DecisionReplayer, decision_id: str, tmp_path: Path
) -> None:
    same = replayer.what_if([decision_id], BUILTIN_BUNDLE)
    assert (same.bundle, same.num_decisions, same.changes) == (noisy_desk.policy.digest, 1, ())
    strict = tmp_path / "strict"
    shutil.copytree(BUILTIN_BUNDLE, strict)
    forbid = '@id("no-questions")\nforbid(principal, action == Finsvc::Action::"ask", resource);\n'
    (strict / "zz_strict.cedar").write_text(forbid)
    found = replayer.what_if([decision_id], strict)
    change = found.changes[0]
    assert (change.record_id, change.position) == (decision_id, 0)
    assert (change.recorded, change.derived) == ("allow", "deny")
    assert change.determining == ("no-questions",)
    with pytest.raises(InputError, match="bundle: expected a policy bundle"):
        replayer.what_if([decision_id], tmp_path)


def test_what_if_of_malformed_facts_is_a_denial(
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = noisy_desk.audit.entry(decision_id)
    assert entry is not None
    content: dict[str, object] = copy.deepcopy(entry.content)  # type: ignore[arg-type]
    change_at(*FACTS, "action", to=None)(content)
    change_at("policy", 1, to="x")(content)
    changed = replace(entry, content=content)  # type: ignore[arg-type]
    monkeypatch.setattr(noisy_desk.audit, "entry", lambda _: changed)
    (change,) = replayer.what_if([decision_id], BUILTIN_BUNDLE).changes
    assert (change.position, change.derived) == (0, "deny")
    assert "action" in change.determining[0]


def test_use_case_records_a_replay_of_many_as_one(
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    tmp_path: Path,
) -> None:
    use_case = Replay(
        replayer=replayer, policy=noisy_desk.policy, log=noisy_desk.audit, clock=noisy_desk.clock
    )
    auditor = Principal(id="aud", roles=frozenset({"auditor"}))
    everything = use_case.selected(Selection())
    results = list(use_case.many(Selection(), Level.R4, auditor))
    assert [result.record_id for result in results] == everything
    *_, record = noisy_desk.audit.records()
    assert record.kind is RecordKind.REPLAY
    assert record.body["replayed"] == everything
    assert (record.body["ok"], record.body["complete"]) == (True, True)
    assert record.body["fingerprint"] == replayer.fingerprint
    assert record.body["different"] == {}
    assert cast("dict[str, int]", record.body["outcomes"])["match"] >= 5

    # Left after the first: recorded as far as it came.
    started = use_case.many(Selection(), Level.R0, auditor)
    next(started)
    cast("Generator[ReplayResult]", started).close()
    *_, record = noisy_desk.audit.records()
    assert record.body["replayed"] == everything[:1]
    assert record.body["complete"] is (len(everything) == 1)

    found = use_case.what_if(Selection(), BUILTIN_BUNDLE, auditor)
    assert found.changes == ()
    *_, record = noisy_desk.audit.records()
    assert record.body["what_if"] == {
        "bundle": noisy_desk.policy.digest,
        "decisions": len(everything),
        "changes": [],
    }
    for refused in (
        lambda: list(use_case.many(Selection(), Level.R0, ANALYST)),
        lambda: use_case.what_if(Selection(), tmp_path, ANALYST),
    ):
        with pytest.raises(RefusedError):
            refused()


def test_replay_of_many_records_what_differs(
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_case = Replay(
        replayer=replayer, policy=noisy_desk.policy, log=noisy_desk.audit, clock=noisy_desk.clock
    )
    index = noisy_desk.record(DecisionId(decision_id)).index
    entry = noisy_desk.audit.entry(decision_id)
    assert entry is not None
    content: dict[str, object] = copy.deepcopy(entry.content)  # type: ignore[arg-type]
    next_token(content)
    changed = replace(entry, content=content)  # type: ignore[arg-type]
    auditor = Principal(id="aud", roles=frozenset({"auditor"}))
    with monkeypatch.context() as patch:
        patch.setattr(noisy_desk.audit, "entry", lambda _: changed)
        results = list(use_case.many(Selection(first=index, last=index), Level.R3, auditor))
    assert [result.is_ok for result in results] == [False]
    *_, record = noisy_desk.audit.records()
    assert record.body["ok"] is False
    different = cast("dict[str, dict[str, dict[str, str]]]", record.body["different"])
    assert different[decision_id]["levels"]["R3"] == "mismatch"
    assert "token 1" in different[decision_id]["details"]["R3"]


def test_use_case_records_who_replayed_and_how_it_went(
    noisy_desk: Desk, replayer: DecisionReplayer, decision_id: str
) -> None:
    use_case = Replay(
        replayer=replayer, policy=noisy_desk.policy, log=noisy_desk.audit, clock=noisy_desk.clock
    )
    auditor = Principal(id="aud", roles=frozenset({"auditor"}))
    assert use_case(decision_id, Level.R2, auditor).is_ok
    *_, record = noisy_desk.audit.records()
    assert record.kind is RecordKind.REPLAY
    assert record.body["replayed"] == decision_id
    assert record.body["levels"] == dict.fromkeys(["R0", "R1", "R2"], "match")
    with pytest.raises(UnknownNameError, match="decision_id: expected a known decision"):
        use_case("dec_0", Level.R0, auditor)
    with pytest.raises(RefusedError):
        use_case(decision_id, Level.R0, ANALYST)


def test_record_of_before_the_newer_members_replays_as_before(
    noisy_desk: Desk,
    replayer: DecisionReplayer,
    decision_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def older(content: dict[str, object]) -> None:
        for name in ("client", "model_ms", "build"):
            content.pop(name, None)
        content["principal"] = {"id": "ana", "roles": []}
        for made in content["calls"]:  # type: ignore[attr-defined]
            del made["calculator_digest"]

    result = replay_changed(noisy_desk, replayer, decision_id, older, monkeypatch)
    assert {result.levels[name] for name in ("R1", "R2", "R3", "R4")} == {"match"}
