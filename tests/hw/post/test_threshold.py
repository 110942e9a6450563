"""Thresholds between two streams against their unit."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.sim import Simulator

from subbit.hw.post.threshold import FORMS, LANE_LUTS, ThresholdUnit
from subbit.hw.post.threshold_rtl import at_least
from subbit.sw.errors import PlanError
from subbit.sw.ir import TensorType, Threshold
from tests.hw.harness import check_unit


def layer(rng: np.random.Generator, channels: int, bits: int, reach: int) -> Threshold:
    """Random thresholds, some beyond every number, with some channels falling."""
    table = np.sort(rng.integers(-reach - 3, reach + 4, (channels, (1 << bits) - 1)), axis=1)
    return Threshold(table, rng.integers(0, 2, channels))


@pytest.mark.parametrize(
    ("bits", "channels", "lanes", "low", "high", "search", "tree"),
    [
        (1, 4, 2, -9, 9, 3, 3),
        (1, 3, 3, 0, 15, 3, 3),
        (1, 6, 1, -100, -1, 3, 3),
        (2, 4, 2, -9, 9, 5, 3),
        (2, 1, 1, -8, 7, 5, 3),
        (3, 6, 2, -20, 21, 7, 4),
        (4, 3, 1, -64, 63, 9, 4),
        (5, 2, 2, -64, 63, 11, 4),
        (6, 2, 1, 0, 99, 13, 4),
        (7, 2, 1, 0, 99, 15, 4),
        (8, 2, 2, -200, 200, 17, 4),
        (8, 4, 2, -200, 200, 25, 4),
        (1, 128, 1, -60, 60, 4, 4),  # thresholds in block RAM
        (3, 64, 2, 0, 255, 7, 5),
        (3, 256, 2, 0, 255, 10, 5),
    ],
)
@pytest.mark.parametrize("form", ["search", "tree"])
def test_threshold(
    bits: int, channels: int, lanes: int, low: int, high: int, search: int, tree: int, form: str
) -> None:
    if form == "tree" and bits > 6:
        return
    rng = np.random.default_rng(bits * channels)
    tensor = TensorType.integers(1, 3, channels, low, high)
    unit = ThresholdUnit(
        layer=layer(rng, channels, bits, max(-low, high)), input=tensor, lanes=lanes, form=form
    )
    assert unit.core.tree == (form == "tree")
    assert unit.processes()[0].latency == (tree if form == "tree" else search)
    check_unit(unit, rng.integers(low, high + 1, (2 * unit.i_beats, lanes)))


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("bits", range(1, 9))
def test_the_form_that_costs_less_is_taken(bits: int, lanes: int) -> None:
    rng = np.random.default_rng(bits)
    tensor = TensorType.integers(1, 3, 32, -900, 900)
    table = layer(rng, 32, bits, 900)
    costs = [
        ThresholdUnit(layer=table, input=tensor, lanes=lanes, form=form).cost() for form in FORMS
    ]
    prices = [cost.lut4 + LANE_LUTS * cost.block_rams for cost in costs]
    assert prices[0] == min(prices)
    assert not (bits > 6 and ThresholdUnit(layer=table, input=tensor, lanes=lanes).core.tree)


def test_other_forms_are_refused() -> None:
    tensor = TensorType.integers(1, 1, 6, -9, 9)
    with pytest.raises(PlanError, match="thresholds must be one of auto, search, tree, not 'x'"):
        ThresholdUnit(
            layer=layer(np.random.default_rng(0), 6, 1, 9), input=tensor, lanes=2, form="x"
        ).processes()


def test_equal_channels_need_no_tables() -> None:
    tensor = TensorType.integers(1, 2, 8, -9, 9)
    unit = ThresholdUnit(
        layer=Threshold(np.full((8, 3), 2), np.zeros(8, np.int64)), input=tensor, lanes=2
    )
    assert unit.core.groups == 1
    assert unit.core.polarity_rom.style == "const"
    check_unit(unit, np.random.default_rng(0).integers(-9, 10, (16, 2)))


def test_every_number_at_every_threshold() -> None:
    tensor = TensorType.integers(1, 9, 1, -4, 4)
    unit = ThresholdUnit(
        layer=Threshold(np.array([[-4, 0, 4]]), np.array([1])), input=tensor, lanes=1
    )
    numbers = np.arange(-4, 5).reshape(-1, 1)
    assert unit.reference(numbers).ravel().tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 3]
    check_unit(unit, numbers)


def test_lanes_must_divide_the_channels() -> None:
    with pytest.raises(PlanError, match="a beat of 4 elements does not fit"):
        ThresholdUnit(
            layer=layer(np.random.default_rng(0), 6, 1, 9),
            input=TensorType.integers(1, 1, 6, -9, 9),
            lanes=4,
        )


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 31), (-2, 1), (-16, 15)])
def test_at_least_a_constant(low: int, high: int) -> None:
    bits = (high - low).bit_length()
    number = Signal(signed(bits) if low else unsigned(bits))
    m = Module()
    constants = range(low, high + 2)
    found = [Signal(name=f"reaches{at}") for at in range(len(constants))]
    for least, reaches in zip(constants, found, strict=True):
        m.d.comb += reaches.eq(at_least(number, least))

    async def bench(ctx: Any) -> None:
        for value in range(low, high + 1):
            ctx.set(number, value)
            await ctx.delay(1e-6)
            assert [ctx.get(one) for one in found] == [value >= least for least in constants]

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
