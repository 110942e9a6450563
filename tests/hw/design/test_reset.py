"""After a reset in the middle of a frame every unit is ready for a new one."""

import random
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Signal
from amaranth.sim import Simulator

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.dot.depthwise import DepthwiseUnit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.depthtospace import DepthToSpaceUnit
from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.hw.layers.pad import PadUnit
from subbit.hw.layers.select import SelectUnit
from subbit.hw.layers.upsample import UpsampleUnit
from subbit.hw.layers.windowmax import WindowMaxUnit
from subbit.hw.post.affine import AffineUnit
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.hw.tables.packing import pack_elements
from subbit.hw.window.window import WindowUnit
from subbit.sim.components import CASES
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.layers.depthtospace import DepthToSpace
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.layers.pad import Pad
from subbit.sw.ir.layers.select import Select
from subbit.sw.ir.layers.upsample import Upsample
from subbit.sw.ir.types import TensorType
from subbit.sw.ir.weights import BinaryWeights
from tests.hw.harness import unpack, with_reset

CODES = TensorType.codes(4, 3, 4, 2)
KERNELS = BinaryWeights(np.random.default_rng(2).integers(0, 2, (4, 1, 3, 3)))
DEPTHWISE = DepthwiseUnit(layer=DepthwiseConv2d(KERNELS, 1, Padding.ZERO), input=CODES, channels=2)
UNITS: list[Unit] = [
    *(
        WindowUnit(
            input=CODES, kernel=kernel, stride=stride, padding=padding, channels=channels, folds=2
        )
        for padding in (Padding.ZERO, Padding.PLUS)
        for kernel, stride in ((3, 1), (3, 2), (5, 1))
        for channels in (1, 4)
    ),
    ReplayUnit(element=Lanes(2, 2), words=3, folds=2, vectors=4),
    ReplayUnit(element=Lanes(2, 2), words=3, folds=2, vectors=4, memory="registers"),
    ReplayUnit(element=Lanes(2, 2), words=1, folds=3, vectors=4),
    ReplayUnit(element=Lanes(2, 2), words=3, folds=1, vectors=4, order=(2, 0, 1)),
    *(SelectUnit(layer=Select.slice(0, 2), input=CODES, lanes=lanes) for lanes in (2, 4)),
    *(UpsampleUnit(layer=Upsample(2, 2), input=CODES, lanes=lanes) for lanes in (2, 4, 24)),
    *(DepthToSpaceUnit(layer=DepthToSpace(2, 2), input=CODES, lanes=lanes) for lanes in (1, 2)),
    *(PadUnit(layer=Pad(1, 1, 1, 1), input=CODES, lanes=lanes) for lanes in (2, 12)),
    MaxPool2dUnit(input=CODES, lanes=2),
    *(MaxPool2dUnit(input=CODES, lanes=lanes) for lanes in (12, 24, 48)),
    WindowMaxUnit(layer=MaxPool2d(3, 2, (1, 1, 1, 1)), input=CODES, lanes=2),
    WindowMaxUnit(layer=MaxPool2d((2, 3), 1, (1, 1, 0, 2)), input=CODES, lanes=1),
    AvgPool2dUnit(layer=AvgPool2d(3, 1, (1, 2, 1, 1)), input=CODES, lanes=2),
    AvgPool2dUnit(layer=AvgPool2d(2), input=CODES, lanes=2),
    AvgPool2dUnit(layer=AvgPool2d(3, 1), input=TensorType.integers(4, 3, 2, -8, 7), lanes=1),
    GlobalAvgPoolUnit(input=CODES, lanes=2),
    *(AvgPool2dUnit(layer=AvgPool2d(2), input=CODES, lanes=lanes) for lanes in (12, 24)),
    *(GlobalAvgPoolUnit(input=CODES, lanes=lanes) for lanes in (12, 48)),
    DEPTHWISE,
    ArgmaxUnit(input=TensorType.integers(1, 1, 5, -9, 9)),
    *(ArgmaxUnit(input=TensorType.integers(1, 1, 6, -9, 9), lanes=lanes) for lanes in (3, 6)),
    *(ArgmaxUnit(input=TensorType.integers(2, 2, 6, -9, 9), lanes=lanes) for lanes in (1, 3, 6)),
    FifoUnit(element=Lanes(2, 2), depth=3, beats=12, memory="distributed"),
    FifoUnit(element=Lanes(2, 2), depth=3, beats=12, memory="block"),
    UpsizeUnit(element=Lanes(2, 2), ratio=3, beats=12),
    DownsizeUnit(element=Lanes(6, 2), ratio=3, beats=4),
    AffineUnit(
        layer=Affine([3, -2, 1], [5, 0, -7]), input=TensorType.integers(2, 2, 3, -32, 31), lanes=3
    ),
    *(CASES[name]() for name in ("dot_plain", "products", "lookup", "block_lookup", "shared_rows")),
    *(CASES[name]() for name in ("threshold", "deal", "unrolled", "folded")),
    *(CASES[f"window_{name}"]() for name in ("wide", "wide_masked", "rows", "frame")),
]


@pytest.mark.parametrize("unit", UNITS, ids=str)
def test_reset_in_the_middle(unit: Unit) -> None:
    component = unit.load_component()(unit=unit)
    reset = Signal()
    chance = random.Random(1)
    beats = np.random.default_rng(1).integers(0, 1 << unit.i.bits, (unit.i_beats, unit.i.lanes))
    if unit.i.signed:
        beats -= 1 << (unit.i.bits - 1)
    out: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        i_payload, o_payload = component.i.payload.as_value(), component.o.payload.as_value()
        for cycles in (7, 23, 50):
            ctx.set(component.i.valid, 1)
            for _ in range(cycles):
                ctx.set(i_payload, chance.getrandbits(unit.i.width))
                ctx.set(component.o.ready, chance.random() < 0.8)
                await ctx.tick()
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
        position = 0
        ctx.set(component.o.ready, 1)
        for _ in range(20 + 4 * sum(len(p.steps) for p in unit.processes())):
            ctx.set(component.i.valid, position < len(beats))
            if position < len(beats):
                ctx.set(i_payload, pack_elements(beats[position], unit.i.bits))
            position += bool(ctx.get(component.i.valid) and ctx.get(component.i.ready))
            if ctx.get(component.o.valid):
                out.append(unpack(ctx.get(o_payload), unit.o))
            await ctx.tick()

    simulator = Simulator(with_reset(component, reset))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    np.testing.assert_array_equal(np.array(out), unit.reference(beats))
