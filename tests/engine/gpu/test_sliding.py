"""Pages of sliding layers: given out, reclaimed, and never missing in a window."""

import pytest

from engine.gpu.errors import BatchLimitError, PrefixLostError
from engine.gpu.sliding import SlidingPages, first_block


@pytest.mark.parametrize(
    ("start", "block"), [(0, 0), (127, 0), (128, 0), (190, 0), (191, 1), (255, 2), (1000, 13)]
)
def test_first_block_holds_the_oldest_position_in_the_window(start: int, block: int) -> None:
    assert first_block(start) == block
    assert block * 64 <= max(0, start - 127) < (block + 1) * 64


def test_sequence_keeps_its_pages_while_it_moves_on() -> None:
    sliding = SlidingPages(8)
    pages = tuple(range(100, 110))
    first = sliding.touch(pages, 0, 130)
    assert len(set(first)) == 3
    assert sliding.touch(pages, 130, 131) == first
    # At position 191 the first block is behind the window.
    assert sliding.touch(pages, 191, 193) == [*first[1:], sliding.touch(pages, 192, 193)[-1]]


def test_pages_not_looked_at_for_longest_are_reclaimed() -> None:
    sliding = SlidingPages(3)
    old, new = (1, 2, 3), (4, 5, 6)
    held = sliding.touch(old, 0, 192)
    assert sliding.covers(old, 192)
    assert sliding.touch(new, 0, 64) == [held[0]]
    # Position 192 sees blocks 1 and 2 alone.
    assert sliding.covers(old, 192)
    assert not sliding.covers(old, 64)
    assert sliding.covers(old[:1], 0)


def test_lost_window_is_reported_with_its_page() -> None:
    sliding = SlidingPages(2)
    sliding.touch((1, 2), 0, 128)
    sliding.touch((3, 4), 0, 128)
    with pytest.raises(PrefixLostError) as caught:
        sliding.touch((1, 2, 9), 128, 129)
    assert (caught.value.page, caught.value.start, caught.value.code) == (1, 128, "prefix_lost")


def test_window_asked_for_is_reclaimed_last() -> None:
    sliding = SlidingPages(4)
    sliding.touch((1, 2), 0, 128)
    sliding.touch((3, 4), 0, 128)
    assert sliding.covers((1, 2), 128)
    sliding.touch((5, 6), 0, 128)
    assert sliding.covers((1, 2), 128)
    assert not sliding.covers((3, 4), 128)


def test_copy_of_a_page_gets_a_page_of_its_own() -> None:
    sliding = SlidingPages(4)
    (held,) = sliding.touch((7,), 0, 20)
    copied = sliding.copy(7, 8)
    assert copied is not None
    assert copied[0] == held != copied[1]
    assert sliding.touch((8,), 20, 21) == [copied[1]]
    assert sliding.copy(50, 8) is None
    assert not sliding.covers((8,), 21)


def test_no_pages_at_all_is_a_limit_error() -> None:
    with pytest.raises(BatchLimitError):
        SlidingPages(0).touch((1,), 0, 1)
