"""The queue: order, capacity, and the cycles that it adds."""

import numpy as np
import pytest

from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.fifo import FifoUnit
from subbit.sw.cycles import run
from tests.hw.harness import check_unit


@pytest.mark.parametrize("memory", ["distributed", "block"])
@pytest.mark.parametrize(("lanes", "bits", "depth"), [(1, 1, 1), (3, 2, 2), (2, 8, 5), (4, 1, 16)])
def test_fifo(lanes: int, bits: int, depth: int, memory: str) -> None:
    unit = FifoUnit(element=Lanes(lanes, bits), depth=depth, beats=20, memory=memory)
    beats = np.random.default_rng(depth).integers(0, 1 << bits, (100, lanes))
    check_unit(unit, beats)
    assert run(list(unit.processes()), 3).interval_cycles == unit.interval_cycles


def test_auto_uses_block_ram_where_it_saves() -> None:
    assert FifoUnit(element=Lanes(1, 8), depth=16, beats=1).style == "distributed"
    assert FifoUnit(element=Lanes(4, 8), depth=512, beats=1).style == "block"
