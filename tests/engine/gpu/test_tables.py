"""Block tables on host and device, and rows that stay with their sequences."""

import torch

from engine.gpu.tables import BlockTable, RowPlaces

CPU = torch.device("cpu")


def test_table_sends_only_what_changed() -> None:
    table = BlockTable(3, 8, CPU)
    table.write(1, 2, [5, 6])
    assert int(table.device_SB.sum()) == 0
    table.flush()
    assert table.device_SB[1].tolist() == [0, 0, 5, 6, 0, 0, 0, 0]
    table.write(1, 2, [5, 7])
    table.write(1, 3, [8])
    table.write(0, 0, [9])
    table.flush()
    table.flush()
    assert table.device_SB.tolist() == [
        [9, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 5, 8, 0, 0, 0, 0],
        [0] * 8,
    ]


def test_sequence_meets_its_row_again_also_on_a_new_page() -> None:
    places = RowPlaces()
    a, b = (10, 11), (20, 21, 22)
    assert places.assign([(a, 64), (b, 127)]) == [0, 1]
    assert places.assign([(b, 128), (a, 65)]) == [1, 0]
    # One has left: rows stay below their number.
    assert places.assign([(b, 129)]) == [0]


def test_sequences_that_share_their_beginning_get_rows_of_their_own() -> None:
    places = RowPlaces()
    places.assign([((1,), 63)])
    assert sorted(places.assign([((1, 2), 64), ((1, 3), 64)])) == [0, 1]
