"""Tables of words."""

import numpy as np
import pytest

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import block_rams
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.rom import LARGE_TABLE_WIDTH, PART_BITS, PART_BLOCKS, RomTable


def table(width: int, depth: int, style: str) -> RomTable:
    rng = np.random.default_rng(width + depth)
    return RomTable(
        tuple(pack_elements(row, 1) for row in rng.integers(0, 2, (depth, width))), width, style
    )


@pytest.mark.parametrize(
    ("width", "depth", "style", "count"),
    [
        (LARGE_TABLE_WIDTH, 4, "logic", 1),
        (LARGE_TABLE_WIDTH + 1, 4, "logic", 1),
        (3 * PART_BITS + 5, 4, "logic", 4),
        (36 * PART_BLOCKS, 512, "block", 1),
        (36 * PART_BLOCKS + 1, 512, "block", 2),
        (36 * 64, 28, "block", 1),  # 64,512 bits
        (36 * 64, 29, "block", 8),
        (288, 2048, "block", 4),  # words of 9 bits each
        (72, 8192, "block", 4),  # four block RAMs deep
        (9, 100_000, "block", 1),  # deeper than a part
    ],
)
def test_parts_side_by_side_are_the_table(width: int, depth: int, style: str, count: int) -> None:
    rom = table(width, depth, style)
    parts = rom.parts
    assert len(parts) == count
    assert [part.style for part in parts] == [style] * count
    words = [0] * depth
    for part in reversed(parts):
        words = [word << part.width | low for word, low in zip(words, part.words, strict=True)]
    assert (tuple(words), sum(part.width for part in parts)) == (rom.words, width)


@pytest.mark.parametrize(("width", "depth"), [(36 * 64, 64), (288, 2048), (72, 8192), (40, 16)])
def test_parts_take_no_more_block_rams(width: int, depth: int) -> None:
    rom = table(width, depth, "block")
    rams = [block_rams(part.width, part.depth) for part in rom.parts]
    assert sum(rams) == block_rams(width, depth) == rom.cost_in_parts.block_rams
    assert max(rams) <= PART_BLOCKS


def test_parts_cost_their_counters_steps_and_addresses() -> None:
    rom = table(36 * 20, 128, "block")
    counter = Cost(lut4=15, flip_flops=7)
    assert rom.cost == counter + Cost(block_rams=20, small_rams=rom.cost.small_rams)
    assert rom.cost_in_parts.lut4 == 3 * counter.lut4
    assert rom.cost_in_parts.flip_flops == 3 * (counter.flip_flops + 2) + 20 * 7
    near = table(30, 64, "block")
    assert near.cost_in_parts == near.cost


def test_equal_columns_of_a_part_share_a_register() -> None:
    """Each part of 1,024 columns of 4 bits has all 16; of 512 columns of 8 bits some are equal."""
    assert table(2 * PART_BITS, 4, "logic").registers == 2 * 16
    rom = table(512, 8, "logic")
    columns = {tuple(word >> at & 1 for word in rom.words) for at in range(rom.width)}
    assert rom.registers == pytest.approx(len(columns), rel=0.1)
    assert table(36 * 64, 64, "block").registers == 36 * 64
