"""The XNOR-popcount alone: counts and latency, a new word every cycle."""

from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.dot.popcount_rtl import PopcountXnor
from subbit.hw.tables.packing import pack_elements


@pytest.mark.parametrize(
    ("shape", "latency"),
    [
        (PopcountShape(rows=1, simd=1, bits=1), 1),
        (PopcountShape(rows=2, simd=3, bits=1, masked=True), 1),
        (PopcountShape(rows=3, simd=6, bits=1), 2),
        (PopcountShape(rows=1, simd=7, bits=1), 2),
        (PopcountShape(rows=2, simd=9, bits=1), 3),
        (PopcountShape(rows=2, simd=29, bits=1, masked=True), 4),
        (PopcountShape(rows=2, simd=64, bits=1), 4),
        (PopcountShape(rows=2, simd=64, bits=1, constant=True), 4),
        (PopcountShape(rows=1, simd=144, bits=1), 5),
        (PopcountShape(rows=1, simd=1, bits=8), 1),
        (PopcountShape(rows=2, simd=9, bits=8), 2),
        (PopcountShape(rows=2, simd=9, bits=2, masked=True), 4),
        (PopcountShape(rows=3, simd=17, bits=4), 3),
        (PopcountShape(rows=2, simd=9, bits=1, scales=(1, 2)), 4),
        (PopcountShape(rows=2, simd=9, bits=1, scales=(1, 1)), 3),
        (PopcountShape(rows=2, simd=7, bits=2, scales=(1, 2)), 4),
        (PopcountShape(rows=2, simd=7, bits=3, scales=(1, 1, 2, 4), masked=True), 5),
        (PopcountShape(rows=1, simd=9, bits=2, scales=(8, 1)), 4),
        (PopcountShape(rows=2, simd=5, bits=1, scales=(2, 4)), 3),
        (PopcountShape(rows=1, simd=3, bits=1, scales=tuple(1 << k for k in range(8))), 3),
        (PopcountShape(rows=2, simd=9, bits=4, scales=(1, 2, 4), masked=True, constant=True), 3),
        (PopcountShape(rows=1, simd=5, bits=8, scales=tuple(1 << k for k in range(8))), 4),
    ],
)
def test_counts(shape: PopcountShape, latency: int) -> None:
    assert shape.latency == latency
    rng = np.random.default_rng(shape.simd)
    words = 12
    codes = rng.integers(0, 1 << shape.bits, (words, shape.simd))
    masks = rng.integers(0, 2, (words, shape.simd)) if shape.masked else np.ones_like(codes)
    planes = len(shape.scales)
    weights = rng.integers(0, 2, (words, planes, shape.simd, shape.rows))
    if shape.constant:
        weights[:] = weights[0]
    top = (1 << shape.bits) - 1
    each = codes[:, None, :, None]
    matching = np.where(weights == 1, each, top - each) * masks[:, None, :, None]
    expected = (matching.sum(axis=2) * np.array(shape.scales)[:, None]).sum(axis=1)
    lanes = codes | masks << shape.bits if shape.masked else codes
    counts, blanks = simulated(shape, lanes, weights)
    np.testing.assert_array_equal(counts, expected)
    if shape.masked:
        np.testing.assert_array_equal(blanks, (masks == 0).sum(axis=1))


def simulated(shape: PopcountShape, lanes: Any, weights: Any) -> tuple[list[list[int]], list[int]]:
    """The counts and blanks ``shape.latency`` cycles after each word."""
    counter = PopcountXnor(shape=shape)
    counts: list[list[int]] = []
    blanks: list[int] = []

    async def bench(ctx: Any) -> None:
        for cycle in range(len(lanes) + shape.latency):
            if cycle < len(lanes):
                ctx.set(counter.x, pack_elements(lanes[cycle], shape.bits + shape.masked))
                ctx.set(counter.w, pack_elements(weights[cycle].ravel(), 1))
            if cycle >= shape.latency:
                number = ctx.get(counter.count)
                mask = (1 << shape.width) - 1
                counts.append([number >> row * shape.width & mask for row in range(shape.rows)])
                blanks.append(ctx.get(counter.padding))
            await ctx.tick()

    simulator = Simulator(counter)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return counts, blanks


def test_top_and_width() -> None:
    assert (
        PopcountShape(rows=1, simd=9, bits=8).max_count,
        PopcountShape(rows=1, simd=9, bits=8).width,
    ) == (2295, 12)
    assert (
        PopcountShape(rows=1, simd=9, bits=8, scales=(1, 2)).max_count,
        PopcountShape(rows=1, simd=9, bits=8, scales=(1, 2)).width,
    ) == (6885, 13)
    assert (
        PopcountShape(rows=1, simd=144, bits=1).max_count,
        PopcountShape(rows=1, simd=144, bits=1).width,
    ) == (144, 8)
