"""Recorded generations checked again in the engine's process."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import EngineError, EngineStoppedError, RequestError
from engine.recorded import RecordedGeneration, Rescored, TokenDifference
from engine.serving import server, wire
from engine.serving.client import RemoteEngine
from engine.serving.supervisor import EngineProcess
from engine.types import GenerationRequest, Sampling, TokenLogprob
from tests.engine.serving.test_server import Served, client, request, served, wait_until

__all__ = ["client", "served"]


def recorded(engine: RemoteEngine, seed: int) -> tuple[RecordedGeneration, str]:
    """A generation and the digest of its logits."""
    asked = GenerationRequest(
        prompt_ids=tuple(range(1, 20)),
        max_new_tokens=6,
        stop_ids=frozenset(),
        sampling=Sampling(temperature=1.0, seed=seed),
    )
    made = engine.generate(asked)
    return RecordedGeneration(
        request=asked, grammar="", token_ids=made.token_ids
    ), made.logit_digest


def test_generations_are_equal_to_their_record(remote: RemoteEngine) -> None:
    pairs = [recorded(remote, seed) for seed in range(20)]
    found = remote.rescore([generation for generation, _ in pairs])
    assert found == [
        Rescored(logit_digest=digest, difference=None, is_ended=True) for _, digest in pairs
    ]


def test_changed_token_is_found_with_both_candidates(remote: RemoteEngine) -> None:
    generation, _ = recorded(remote, 1)
    changed = (*generation.token_ids[:2], (generation.token_ids[2] + 1) % 200)
    (found,) = remote.rescore(
        [
            replace(
                generation,
                token_ids=changed,
                request=replace(generation.request, max_new_tokens=3),
            )
        ]
    )
    assert isinstance(found, Rescored)
    assert found.difference is not None
    assert found.difference.index == 2
    assert found.difference.recorded.token_id == changed[2]
    assert found.difference.derived.token_id == generation.token_ids[2]


def test_generation_that_cannot_run_fails_alone(remote: RemoteEngine) -> None:
    good, digest = recorded(remote, 1)
    bad = replace(good, token_ids=(10**6,))
    found = remote.rescore([bad, good])
    assert isinstance(found[0], RequestError)
    assert found[1] == Rescored(logit_digest=digest, difference=None, is_ended=True)


def test_engine_that_cannot_rescore_says_so_of_each(client: RemoteEngine) -> None:
    generation = RecordedGeneration(request=request(), grammar="", token_ids=())
    found = client.rescore([generation, generation])
    assert [type(outcome) for outcome in found] == [RequestError, RequestError]


def test_who_waits_for_tokens_comes_first(
    served: Served, client: RemoteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_GIVE_WAY_MAX", 10_000)
    served.runner.gate.clear()
    asked = threading.Thread(target=client.generate, args=(request(),), daemon=True)
    asked.start()
    wait_until(lambda: served.core.has_work)
    found: list[object] = []
    generation = RecordedGeneration(request=request(), grammar="", token_ids=(7,))
    checked = threading.Thread(
        target=lambda: found.extend(client.rescore([generation])), daemon=True
    )
    checked.start()
    checked.join(0.3)
    assert found == []
    served.runner.gate.set()
    checked.join(10)
    asked.join(10)
    assert found == [Rescored(logit_digest="7", difference=None, is_ended=True)]


def test_service_that_is_never_idle_does_not_stop_a_replay(
    served: Served, client: RemoteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_GIVE_WAY_MAX", 2)
    served.runner.gate.clear()
    asked = threading.Thread(target=client.generate, args=(request(),), daemon=True)
    asked.start()
    wait_until(lambda: served.core.has_work)
    generation = RecordedGeneration(request=request(), grammar="", token_ids=(7,))
    assert client.rescore([generation]) == [
        Rescored(logit_digest="7", difference=None, is_ended=True)
    ]
    served.runner.gate.set()
    asked.join(10)


def test_engine_killed_meanwhile_ends_the_check(process: EngineProcess, small_folder: Path) -> None:
    engine = RemoteEngine.connect(process.address, small_folder, connect_timeout_s=20.0)
    generation, _ = recorded(engine, 1)
    process.close(drain_s=0.0)
    wait_until(lambda: not engine.is_ready)
    with pytest.raises(EngineStoppedError):
        engine.rescore([generation] * 64)
    engine.close()


DIFFERENCE = TokenDifference(
    index=3,
    recorded=TokenLogprob(token_id=1, logprob=-0.1),
    derived=TokenLogprob(token_id=2, logprob=-2.5),
    is_allowed=False,
)


@pytest.mark.parametrize(
    "outcome",
    [
        Rescored(logit_digest="ab", difference=None, is_ended=False),
        Rescored(logit_digest="ab", difference=DIFFERENCE, is_ended=True),
    ],
)
def test_outcome_reads_back_as_written(outcome: Rescored) -> None:
    assert wire.read_rescored(json.loads(json.dumps(wire.rescored_item(outcome)))) == outcome


def test_error_of_a_check_reads_back() -> None:
    error = RequestError("device", expected="cpu", actual="cuda")
    back = wire.read_rescored(json.loads(json.dumps(wire.rescored_item(error))))
    assert isinstance(back, EngineError)
    assert str(back) == str(error)


@pytest.mark.parametrize("item", [None, [], ["ab", None], ["ab", [1], True], [1, 2, 3]])
def test_what_is_no_outcome_is_refused(item: object) -> None:
    with pytest.raises(wire.WireError):
        wire.read_rescored(item)


@pytest.mark.parametrize("item", [None, [{}, "", 1], [{}, 1, []]])
def test_what_is_no_recorded_generation_is_refused(item: object) -> None:
    with pytest.raises(wire.WireError):
        wire.read_recorded(item)
