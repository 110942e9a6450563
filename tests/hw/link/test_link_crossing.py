"""Streams between clocks of any ratio."""

import random
from itertools import pairwise
from typing import Any

import pytest

from subbit.hw.link.crossing_rtl import StreamCrossing
from tests.hw.link.link_streams import receive, send, simulate


@pytest.mark.parametrize(("here", "there"), [(1.0, 1.0), (1.0, 4.3), (3.7, 1.0), (1.0, 1.01)])
@pytest.mark.parametrize("seed", [None, 5])
def test_every_beat_crosses_once(here: float, there: float, seed: int | None) -> None:
    dut = StreamCrossing(shape=16, i_domain="here", o_domain="there")
    sent = [random.Random(1).randrange(1 << 16) for _ in range(60)]
    chance = random.Random(seed) if seed else None
    got: list[int] = []

    async def source(ctx: Any) -> None:
        await send(ctx, dut.i, sent, chance, "here")

    async def sink(ctx: Any) -> None:
        values, cycles = await receive(ctx, dut.o, len(sent), chance, "there")
        got.extend(values)
        if seed is None and here == there:
            assert max(b - a for a, b in pairwise(cycles)) <= 6
        ctx.set(dut.o.ready, 1)
        for _ in range(20):
            await ctx.tick("there")
            assert not ctx.get(dut.o.valid), "a beat came twice"

    simulate(dut, [source, sink], here=here * 1e-6, there=there * 1e-6)
    assert got == sent
