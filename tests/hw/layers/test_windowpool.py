"""Pooling over windows of any shape against numpy: the greatest numbers, and sums."""

from random import Random

import numpy as np
import pytest

from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.windowmax import WindowMaxUnit
from subbit.hw.layers.windowpool import WindowPoolUnit, window_sizes
from subbit.sw.cycles import run
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.layers.pooling import Pooling
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.window import Pads, Side
from tests.hw.harness import check_unit

CODES, INTEGERS = TensorType.codes, TensorType.integers
UNSIGNED = Encoding.UNSIGNED
POOLS: list[tuple[TensorType, Side, Side, Pads, int]] = [
    # input, kernel, stride, pads, lanes
    (CODES(7, 7, 2, 1), 3, 2, (1, 1, 1, 1), 2),
    (CODES(6, 6, 2, 2), 3, 2, (1, 1, 1, 1), 1),
    (CODES(6, 5, 2, 3), 3, 1, (1, 1, 1, 1), 2),
    (CODES(5, 5, 1, 8, UNSIGNED), (2, 3), (1, 2), (1, 0, 0, 2), 1),
    (CODES(5, 6, 2, 1), 2, 2, (0, 0, 1, 1), 2),
    (CODES(1, 9, 4, 2), (1, 3), (1, 2), (0, 1, 0, 1), 2),
    (CODES(1, 8, 2, 1), (1, 2), (1, 2), (0, 0, 0, 0), 1),
    (CODES(9, 1, 2, 4), (8, 1), (3, 1), (7, 0, 5, 0), 2),
    (INTEGERS(5, 4, 2, -9, 4), 3, 2, (2, 1, 0, 2), 1),
    (INTEGERS(4, 4, 2, -90, -50), (3, 1), 2, (1, 0, 2, 0), 2),
    (INTEGERS(3, 3, 1, 3, 300), 4, 1, (3, 2, 3, 3), 1),
    (CODES(4, 4, 2, 2), 1, 2, (0, 0, 0, 0), 2),
    # beats of several pixels
    (CODES(4, 6, 1, 3), 3, 1, (1, 1, 1, 1), 6),
    (CODES(6, 6, 2, 1), 3, (3, 2), (0, 1, 0, 0), 12),
    (CODES(6, 8, 1, 2), (3, 2), (2, 2), (1, 0, 1, 0), 4),
    (CODES(4, 4, 2, 2), 3, 2, (1, 1, 0, 0), 32),
    (INTEGERS(6, 4, 1, -7, 7), (3, 2), (3, 1), (0, 1, 0, 0), 12),
]


def unit_of(layer: Pooling, x: TensorType, lanes: int, memory: str = "auto") -> WindowPoolUnit:
    """The unit of a layer."""
    if isinstance(layer, MaxPool2d):
        return WindowMaxUnit(layer=layer, input=x, lanes=lanes, memory=memory)
    assert isinstance(layer, AvgPool2d)
    return AvgPool2dUnit(layer=layer, input=x, lanes=lanes, memory=memory)


def frames(unit: WindowPoolUnit, count: int) -> np.ndarray:
    """Random beats, those of the first frames all at an end of the range."""
    x = unit.input
    shape = (count, x.elements // unit.lanes, unit.lanes)
    beats = np.random.default_rng(x.elements).integers(x.low, x.high + 1, shape)
    beats[0], beats[1] = x.high, x.low
    return beats.reshape(-1, unit.lanes)


@pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])
@pytest.mark.parametrize(("x", "kernel", "stride", "pads", "lanes"), POOLS)
def test_values_and_cycles(
    kind: type[Pooling], x: TensorType, kernel: Side, stride: Side, pads: Pads, lanes: int
) -> None:
    unit = unit_of(kind(kernel, stride, pads), x, lanes)
    check_unit(unit, frames(unit, 4))


@pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])
def test_references_and_types(kind: type[Pooling]) -> None:
    """Each number is that of the elements in its window, and within the layer's type."""
    random, checked = Random(5), 0
    while checked < 40:
        kernel = random.randint(1, 8), random.randint(1, 8)
        above, left, below, right = (random.randint(0, kernel[k % 2] - 1) for k in range(4))
        pads, stride = (above, left, below, right), (random.randint(1, 8), random.randint(1, 8))
        layer = kind(kernel, stride, pads)
        x = INTEGERS(
            random.randint(1, 9), random.randint(1, 9), 2, *random.choice([(-3, 5), (2, 9)])
        )
        if min(layer.window.outputs(x.height, x.width)) < 1:
            continue
        unit = unit_of(layer, x, random.choice(window_sizes(layer, x)))
        found, made = unit.reference(frames(unit, 3)), layer.infer((x,))
        assert made.low <= found.min()
        assert found.max() <= made.high
        assert (unit.o.bits, unit.o.signed) == (made.bits, made.signed)
        assert unit.interval_cycles == max(len(part.steps) for part in unit.processes())
        trace = run(list(unit.processes()), 4)
        assert len(trace.taken[-1]) * unit.o.lanes == 4 * made.elements
        checked += 1


@pytest.mark.parametrize("memory", ["block", "distributed"])
def test_memories(memory: str) -> None:
    unit = unit_of(MaxPool2d(3, 2, (1, 1, 1, 1)), CODES(6, 6, 2, 2), 1, memory)
    check_unit(unit, frames(unit, 3))


def test_interval_where_one_window_ends_in_the_padding() -> None:
    """As ResNet's first pooling: a beat a cycle."""
    unit = unit_of(MaxPool2d(3, 2, (1, 1, 1, 1)), CODES(8, 8, 4, 1), 4)
    assert unit.interval_cycles == 64 == run(list(unit.processes()), 4).interval_cycles
    odd = unit_of(MaxPool2d(3, 2, (1, 1, 1, 1)), CODES(7, 7, 4, 1), 4)
    assert odd.interval_cycles == 49 == run(list(odd.processes()), 4).interval_cycles
