"""Selections of decisions: ranges, times, samples that can be drawn again."""

from datetime import UTC, datetime, timedelta

import pytest

from finsvc.domain.errors import InputError
from finsvc.services.replay_selection import Candidate, Selection, candidate

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = [
    Candidate(record_id=f"dec_{number}", index=2 * number, at=START + timedelta(hours=number))
    for number in range(10)
]
UNDATED = Candidate(record_id="dec_x", index=99, at=None)


def test_select_without_bounds_takes_everything() -> None:
    chosen = Selection().select([*DAY, UNDATED])
    assert chosen == [item.record_id for item in [*DAY, UNDATED]]


def test_select_index_range_includes_both_ends() -> None:
    assert Selection(first=4, last=8).select(DAY) == ["dec_2", "dec_3", "dec_4"]


def test_select_times_include_the_start_and_not_the_end() -> None:
    stretch = Selection(since=START + timedelta(hours=1), until=START + timedelta(hours=3))
    assert stretch.select([*DAY, UNDATED]) == ["dec_1", "dec_2"]
    assert Selection(since=START + timedelta(hours=9)).select(DAY) == ["dec_9"]
    assert Selection(until=START).select(DAY) == []


def test_select_sample_is_the_same_for_a_seed_and_in_order() -> None:
    drawn = Selection(sample=4, seed="a").select(DAY)
    assert len(set(drawn)) == 4
    assert drawn == sorted(drawn)
    assert Selection(sample=4, seed="a").select(reversed(DAY)) == drawn
    assert any(Selection(sample=4, seed=seed).select(DAY) != drawn for seed in "bcd")


def test_select_sample_larger_than_what_there_is_takes_all() -> None:
    assert len(Selection(sample=99, last=6).select(DAY)) == 4


def test_select_sample_draws_each_about_equally_often() -> None:
    counts = dict.fromkeys((item.record_id for item in DAY), 0)
    for seed in range(500):
        for name in Selection(sample=3, seed=str(seed)).select(DAY):
            counts[name] += 1
    # 150 expected, standard deviation 10.
    assert all(100 < count < 200 for count in counts.values()), counts


@pytest.mark.parametrize(
    ("bounds", "field"),
    [
        ({"first": 3, "last": 2}, "last"),
        ({"since": START, "until": START}, "until"),
        ({"since": START.replace(tzinfo=None)}, "since"),
        ({"until": START.replace(tzinfo=None)}, "until"),
        ({"sample": 0}, "sample"),
    ],
)
def test_selection_that_nothing_can_meet_is_refused(bounds: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        Selection(**bounds)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_selection_json_names_every_bound() -> None:
    selection = Selection(first=1, since=START, until=START + timedelta(1), sample=2, seed="s")
    assert selection.to_json() == {
        "first": 1,
        "last": None,
        "since": "2026-03-02T09:00:00+00:00",
        "until": "2026-03-03T09:00:00+00:00",
        "sample": 2,
        "seed": "s",
    }


@pytest.mark.parametrize(
    ("time", "at"),
    [
        (START.isoformat(), START),
        ("2026-03-02T09:00:00", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_candidate_time_without_meaning_is_left_out(time: object, at: datetime | None) -> None:
    assert candidate("dec_1", 0, time).at == at
