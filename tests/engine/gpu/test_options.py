import pytest

from engine.gpu.errors import BatchLimitError
from engine.gpu.options import BUCKETS, GpuOptions, bucket_of


@pytest.mark.parametrize(("rows", "bucket"), [(1, 1), (3, 4), (17, 24), (193, 256), (256, 256)])
def test_bucket_is_the_smallest_that_holds_the_rows(rows: int, bucket: int) -> None:
    assert bucket_of(rows, BUCKETS) == bucket


def test_more_rows_than_the_largest_bucket_are_refused() -> None:
    with pytest.raises(BatchLimitError, match="at most 4 sequences, got 5"):
        bucket_of(5, (1, 2, 4))


def test_buckets_end_with_the_first_that_holds_all_sequences() -> None:
    assert GpuOptions(sequences_max=5).buckets == (1, 2, 4, 8)
    assert GpuOptions(sequences_max=8).buckets == (1, 2, 4, 8)
    assert GpuOptions().buckets == BUCKETS
