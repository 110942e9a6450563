"""Counters and their flags."""

from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from subbit.hw.streams.sequence_rtl import Counter


@pytest.mark.parametrize(("length", "leave"), [(5, 1), (8, 3), (6, 6)])
def test_a_count_that_starts_again_early(length: int, leave: int) -> None:
    counter = Counter(length=length, tables=[[k % 3 == 1 for k in range(length)]], exit=leave)

    async def bench(ctx: Any) -> None:
        at = 0
        for cycle in range(6 * length):
            step, early = cycle % 3 != 1, cycle % 7 > 3
            ctx.set(counter.step, step)
            ctx.set(counter.early, early)
            last = at == length - 1 or (early and at == leave - 1)
            assert ctx.get(counter.count) == at
            assert ctx.get(counter.last) == last
            assert ctx.get(counter.flags) & 1 == (at % 3 == 1)
            await ctx.tick()
            if step:
                at = 0 if last else at + 1

    simulator = Simulator(counter)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("length", [2, 3, 7, 8, 12, 30])
def test_flags_follow_their_tables(length: int) -> None:
    random = np.random.default_rng(length).integers(0, 2, (3, length)).astype(bool)
    k = np.arange(length)
    tables = [*random, k > 2, k % 2 == 0, (k % 2 == 1) & (k < 9), k == 4, k < 0, k >= 0]
    counter = Counter(length=length, tables=tables)

    async def bench(ctx: Any) -> None:
        at = 0
        for cycle in range(3 * length + 5):
            step = cycle % 3 != 1
            ctx.set(counter.step, step)
            assert ctx.get(counter.count) == at
            assert ctx.get(counter.last) == (at == length - 1)
            flags = [bool(ctx.get(counter.flags) >> t & 1) for t in range(len(tables))]
            assert flags == [table[at] for table in tables]
            await ctx.tick()
            at = (at + step) % length

    simulator = Simulator(counter)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
