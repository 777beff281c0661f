import ctypes

import pytest

from audit.clock import ClockState, Instant, SystemClock, find_jump, read_quality
from audit.dsse import parse_envelope
from audit.events import CLOCK_EVENT
from audit.log import Log
from audit.options import LogOptions
from audit.verify import Reason, verify_directory
from tests.audit.support import ORIGIN, make_entry, make_record, make_signer

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND


class SetClock:
    """Says what it is told."""

    def __init__(self) -> None:
        self.utc_ns = START
        self.monotonic_ns = 0

    def pass_time(self, seconds: float, *, step: float = 0.0) -> None:
        self.utc_ns += int((seconds + step) * SECOND)
        self.monotonic_ns += int(seconds * SECOND)

    def now(self) -> Instant:
        return Instant(
            utc_ns=self.utc_ns,
            monotonic_ns=self.monotonic_ns,
            state=ClockState.FREE,
            error_us=16_000_000,
        )


def open_log(folder, clock: SetClock) -> Log:
    chosen = LogOptions(clock=clock)
    if (folder / "log").exists():
        return Log.open(folder / "log", signer=make_signer(), options=chosen)
    return Log.create(folder / "log", origin=ORIGIN, signer=make_signer(), options=chosen)


@pytest.mark.parametrize("step", [-3600.0, 3600.0, -0.5], ids=["hour back", "hour on", "back"])
def test_append_after_a_jump_puts_a_clock_event_before(tmp_path, step: float):
    clock = SetClock()
    with open_log(tmp_path, clock) as log:
        log.append(make_record(0))
        clock.pass_time(0.25, step=step)
        receipt = log.append(make_record(1))
        assert receipt.index == 2
        event = log.read(1)
        assert event.statement.type == CLOCK_EVENT
        assert event.content["elapsed_ns"] == str(SECOND // 4)
        assert event.content["utc_ns"] == str(clock.utc_ns)
        clock.pass_time(5)
        assert log.append(make_record(2)).index == 3
        assert log.statement(3).stamp.utc_ns == clock.utc_ns
    assert verify_directory(tmp_path / "log").ok


def test_append_after_a_restart_into_the_past_puts_a_clock_event_before(tmp_path):
    clock = SetClock()
    with open_log(tmp_path, clock) as log:
        log.append(make_record(0))
    clock.utc_ns -= 60 * SECOND
    with open_log(tmp_path, clock) as log:
        assert log.append(make_record(1)).index == 2
        assert log.read(1).content["elapsed_ns"] is None
    clock.utc_ns += 3600 * SECOND
    with open_log(tmp_path, clock) as log:
        assert log.append(make_record(2)).index == 3
    assert verify_directory(tmp_path / "log").ok


def test_verify_time_that_goes_back_without_an_event_is_found(tmp_path):
    """By someone with the key, who leaves the event out."""
    clock = SetClock()
    clock.utc_ns = 1_796_000_000 * SECOND
    with open_log(tmp_path, clock) as log:
        log.append(make_record(0))
        drafter = log._drafter

        class Backdated:
            def __getattr__(self, name: str) -> object:
                return getattr(drafter.draft(make_record(1)), name)

            def statement(self, index: int, stamp) -> bytes:
                entry = make_entry(make_record(1), index, make_signer())
                return parse_envelope(entry).payload

        log._committer.submit([Backdated()])
    report = verify_directory(tmp_path / "log")
    assert [(p.reason, p.index) for p in report.problems] == [(Reason.CLOCK, 1)]


def test_find_jump_small_differences_are_none():
    before = SetClock().now()
    after = Instant(
        utc_ns=START + 2 * SECOND, monotonic_ns=SECOND, state=ClockState.NTP, error_us=1
    )
    assert find_jump(before, after, bound_ns=SECOND) is None
    assert find_jump(before, after, bound_ns=SECOND - 1) is not None


def test_system_clock_tells_time_and_quality(monkeypatch):
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert second.monotonic_ns >= first.monotonic_ns
    assert first.error_us > 0
    asked = []
    monkeypatch.setattr("audit.clock._QUALITY_AGE_NS", -1)
    monkeypatch.setattr("audit.clock.read_quality", lambda: asked.append(1) or (ClockState.NTP, 5))
    assert (clock.now().state, clock.now().error_us) == (ClockState.NTP, 5)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("status", "result", "expected"),
    [
        (0, 0, (ClockState.NTP, 250)),
        (0x40, 0, (ClockState.FREE, 16_000_000)),
        (0, -1, (ClockState.FREE, 16_000_000)),
    ],
)
def test_read_quality_follows_the_kernel(monkeypatch, status: int, result: int, expected):
    class Kernel:
        @staticmethod
        def adjtimex(pointer) -> int:
            pointer._obj.status, pointer._obj.maxerror = status, 250
            return result

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Kernel())
    assert read_quality() == expected


def test_read_quality_without_the_call_is_a_free_clock(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert read_quality() == (ClockState.FREE, 16_000_000)
