from dataclasses import replace

import pytest

from audit.entry import Entry
from audit.errors import ReplayError
from audit.keyring import Keyring
from audit.record import INLINE_BYTES_MAX
from audit.replay import Comparison, Level, Outcome, Replayers, replay
from tests.audit.support import make_log, make_record, make_signer

KEYRING = Keyring.of(make_signer().verifier)


class Scripted:
    """Gives the outcome that each part names and remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def replay(self, part, decision) -> Comparison:
        self.seen.append((part, decision))
        outcome = Outcome(part["outcome"])
        return Comparison(outcome, "" if outcome is Outcome.MATCH else f"differs {part['n']}")


def parts(*outcomes: str) -> list[dict[str, object]]:
    return [{"outcome": outcome, "n": n} for n, outcome in enumerate(outcomes)]


def logged(folder, **content: object) -> Entry:
    with make_log(folder) as log:
        log.append(replace(make_record(), predicate=content))
        return log.read(0)


def run(entry: Entry, level: Level = Level.R4):
    replayer = Scripted()
    every = Replayers(policy=replayer, calculators=replayer, tokens=replayer, logits=replayer)
    return replay(entry, level, every, keyring=KEYRING)


def outcomes(report) -> list[str]:
    return [result.outcome.value for result in report.levels]


def test_replay_all_parts_equal_is_ok(tmp_path):
    entry = logged(tmp_path, policy=parts("match"), calls=parts("match"), turns=parts("match"))
    report = run(entry)
    assert report.ok
    assert outcomes(report) == ["match"] * 5
    assert [result.level for result in report.levels] == list(Level)
    assert [result.num_compared for result in report.levels] == [1] * 5


@pytest.mark.parametrize("level", list(Level))
def test_replay_stops_after_the_level_asked_for(tmp_path, level: Level):
    assert len(run(logged(tmp_path, policy=parts("match")), level).levels) == level + 1


def test_replay_hands_each_part_and_the_whole_decision_to_its_replayer(tmp_path):
    content = {"policy": parts("match", "match"), "model": {"digest": "x"}}
    policy = Scripted()
    replay(logged(tmp_path, **content), Level.R1, Replayers(policy=policy), keyring=KEYRING)
    assert policy.seen == [(part, content) for part in content["policy"]]


@pytest.mark.parametrize("absent", [{}, {"turns": []}, {"turns": None}])
def test_replay_level_without_parts_is_not_applicable(tmp_path, absent):
    report = run(logged(tmp_path, policy=parts("match"), **absent))
    assert outcomes(report) == ["match", "match"] + ["not_applicable"] * 3
    assert report.ok


def test_replay_mismatch_names_the_first_difference_and_goes_on(tmp_path):
    entry = logged(tmp_path, policy=parts("match", "mismatch", "mismatch"), calls=parts("match"))
    report = run(entry)
    assert outcomes(report)[:3] == ["match", "mismatch", "match"]
    assert report.levels[1].detail == "policy[1]: differs 1"
    assert report.outcome is Outcome.MISMATCH
    assert not report.ok


def test_replay_class_mismatch_is_neither_success_nor_failure(tmp_path):
    entry = logged(tmp_path, calls=parts("match"), turns=parts("class_mismatch", "match"))
    report = run(entry)
    assert outcomes(report) == [
        "match",
        "not_applicable",
        "match",
        "class_mismatch",
        "class_mismatch",
    ]
    assert report.outcome is Outcome.CLASS_MISMATCH
    assert not report.ok


def test_replay_mismatch_outweighs_class_mismatch(tmp_path):
    report = run(logged(tmp_path, turns=parts("class_mismatch", "mismatch")))
    assert report.levels[3].outcome is Outcome.MISMATCH
    assert report.levels[3].detail == "turns[1]: differs 1"


@pytest.mark.parametrize("malformed", [{"policy": "x"}, {"policy": ["x"]}])
def test_replay_malformed_parts_are_a_mismatch(tmp_path, malformed):
    assert run(logged(tmp_path, **malformed)).levels[1].outcome is Outcome.MISMATCH


def test_replay_without_the_needed_replayer_is_refused(tmp_path):
    entry = logged(tmp_path, policy=parts("match"))
    with pytest.raises(ReplayError, match="R1"):
        replay(entry, Level.R1, Replayers(), keyring=KEYRING)
    assert replay(entry, Level.R0, Replayers(), keyring=KEYRING).ok


@pytest.mark.parametrize("size", [1, INLINE_BYTES_MAX + 1])
def test_replay_changed_content_fails_at_r0(tmp_path, size: int):
    entry = logged(tmp_path, text="x" * size)
    assert run(entry).ok
    report = run(replace(entry, content={"text": "y" * size}))
    assert report.levels[0].outcome is Outcome.MISMATCH
    assert "content" in report.levels[0].detail


def test_replay_with_another_key_fails_at_r0(tmp_path):
    report = replay(
        logged(tmp_path), Level.R0, Replayers(), keyring=Keyring.of(make_signer(seed=2).verifier)
    )
    assert not report.ok
