"""Results of an argmax of several lanes, one after another."""

import random
from typing import Any

import numpy as np
import pytest

from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.link.results_rtl import ResultSplitter
from subbit.hw.tables.packing import pack_elements
from subbit.sw.ir.types import TensorType
from tests.hw.harness import unpack
from tests.hw.link.link_streams import receive, send, simulate

FRAMES = 4


@pytest.mark.parametrize(("classes", "lanes"), [(10, 10), (10, 5), (10, 2), (3, 3), (12, 4)])
@pytest.mark.parametrize("seed", [None, 3])
def test_they_are_those_of_one_lane(classes: int, lanes: int, seed: int | None) -> None:
    x = TensorType.integers(1, 1, classes, -90, 90)
    logits = np.random.default_rng(classes).integers(-90, 91, (FRAMES, classes))
    unit, one = ArgmaxUnit(input=x, lanes=lanes), ArgmaxUnit(input=x)
    given = unit.reference(logits.reshape(-1, lanes))
    expected = one.reference(logits.reshape(-1, 1)).ravel().tolist()
    dut = ResultSplitter(results=unit.o, beats=classes // lanes)
    chance = random.Random(seed) if seed else None
    got: list[int] = []
    times: list[int] = []

    async def source(ctx: Any) -> None:
        await send(ctx, dut.i, [pack_elements(beat, unit.o.bits) for beat in given], chance)

    async def sink(ctx: Any) -> None:
        values, cycles = await receive(ctx, dut.o, len(expected), chance)
        got.extend(unpack(value, one.o)[0] for value in values)
        times.extend(cycles)

    simulate(dut, [source, sink])
    assert got == expected
    if not seed:
        assert times[-1] - times[classes] == (FRAMES - 1) * len(given) // FRAMES * (lanes + 1)
