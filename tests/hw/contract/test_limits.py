"""What counts as large on a part."""

import pytest

from subbit.boards import BOARDS
from subbit.hw.contract.limits import MEASURED, SizeLimits


@pytest.mark.parametrize(
    ("board", "xnors", "bits"),
    [
        ("ulx3s-85f", 3072, 65536),  # as measured
        ("ulx3s-25f", 3072, 65536),  # shorter engines are short, whatever their share
        ("icebreaker", 3072, 65536),
    ],
)
def test_limits_of_a_board(board: str, xnors: int, bits: int) -> None:
    limits = BOARDS[board].device.limits
    assert (limits.large_engine_xnors, limits.large_table_bits) == (xnors, bits)


def test_the_part_that_they_were_measured_on_has_the_measured_ones() -> None:
    assert BOARDS["ulx3s-85f"].device.limits == MEASURED


def test_a_larger_part_bears_larger_engines_and_tables() -> None:
    twice = SizeLimits.of_part(lut4=2 * 83_640, block_rams=2 * 208)
    assert (twice.large_engine_xnors, twice.large_table_bits) == (6144, 131072)
