"""Windows of any shape: even, oblong and dilated kernels, strides and padding of each side."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
import pytest

from subbit.hw.window.window import WindowUnit
from subbit.sw.cycles import run
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import TensorType
from subbit.sw.ir.window import Window
from tests.hw.harness import check_unit

ZERO, NONE = Padding.ZERO, Padding.NONE
SHAPES = [
    # height, width, window, at a time of 2 channels, folds, pixels
    (7, 6, Window((2, 2)), 2, 1, 1),
    (6, 6, Window((2, 2), (2, 2), pads=(0, 0, 1, 1)), 1, 2, 1),
    (6, 7, Window((4, 4), (1, 1), pads=(1, 1, 2, 2)), 2, 3, 1),
    (3, 9, Window((1, 3), (1, 2), pads=(0, 1, 0, 1)), 2, 1, 1),
    (9, 3, Window((5, 1), (3, 1), pads=(4, 0, 4, 0)), 1, 2, 1),
    (1, 12, Window((1, 5), (1, 2), pads=(0, 2, 0, 2)), 2, 3, 1),
    (9, 9, Window((7, 7), (2, 2), pads=(3, 3, 3, 3)), 1, 1, 1),
    (4, 5, Window((11, 11), (4, 3), pads=(10, 9, 6, 10)), 1, 2, 1),
    (8, 8, Window((3, 3), dilations=(2, 2), pads=(2, 2, 2, 2)), 2, 2, 1),
    (9, 8, Window((3, 2), (2, 1), (3, 4), (6, 0, 2, 4)), 1, 3, 1),
    (7, 7, Window((2, 3), (1, 2), (4, 1), (2, 1, 1, 1)), 2, 1, 1),
    (6, 8, Window((2, 3), (1, 2), (1, 2), (1, 2, 0, 2)), 2, 2, 2),
    (7, 8, Window((4, 2), (3, 1), (1, 3), (3, 2, 0, 1)), 1, 2, 4),
]


def unit_of(
    height: int, width: int, window: Window, channels: int, folds: int, pixels: int, taken: int = 1
) -> WindowUnit:
    """The unit of a row of the table, over bipolar codes of two channels."""
    return WindowUnit(
        input=TensorType.codes(height, width, 2, 1),
        kernel=window.kernel,
        stride=window.strides,
        dilation=window.dilations,
        padding=ZERO if any(window.pads) else NONE,
        pads=window.pads if any(window.pads) else None,
        channels=channels,
        folds=folds,
        pixels=pixels,
        input_pixels=taken,
    )


def beats_of(unit: WindowUnit, frames: int) -> np.ndarray:
    """Random input beats."""
    shape = (frames * unit.input.elements // unit.i.lanes, unit.i.lanes)
    return np.random.default_rng(unit.folds).integers(0, 1 << unit.input.bits, shape)


@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_values_and_cycles(case: tuple[int, int, Window, int, int, int]) -> None:
    unit = unit_of(*case)
    check_unit(unit, beats_of(unit, 3))


GROUPS = [
    # height, width, channels, groups, window, at a time, folds, pixels
    (4, 5, 4, 2, Window((3, 3), pads=(1, 1, 1, 1)), 1, 3, 1),
    (4, 5, 4, 2, Window((3, 3), pads=(1, 1, 1, 1)), 2, 1, 1),
    (5, 6, 6, 3, Window((2, 2), (2, 1), pads=(0, 0, 1, 0)), 2, 4, 1),
    (5, 5, 3, 3, Window((3, 2), (2, 2), (1, 2), (1, 1, 0, 1)), 1, 2, 1),
    (3, 6, 4, 4, Window((1, 1), (1, 2)), 1, 1, 1),
    (3, 6, 4, 2, Window((1, 1)), 2, 5, 3),
    (1, 8, 6, 2, Window((1, 3), pads=(0, 1, 0, 1)), 1, 2, 2),
]


@pytest.mark.parametrize("case", GROUPS, ids=str)
def test_groups_of_channels(case: tuple[int, int, int, int, Window, int, int, int]) -> None:
    height, width, cin, groups, window, channels, folds, pixels = case
    unit = WindowUnit(
        input=TensorType.codes(height, width, cin, 1),
        kernel=window.kernel,
        stride=window.strides,
        dilation=window.dilations,
        padding=ZERO if any(window.pads) else NONE,
        pads=window.pads if any(window.pads) else None,
        channels=channels,
        folds=folds,
        pixels=pixels,
        groups=groups,
    )
    beats = beats_of(unit, 3)
    check_unit(unit, beats)
    # the same beats as without groups, in another order
    plain = replace(unit, groups=1).reference(beats)
    shape = (-1, groups, folds, unit.group_chunks, unit.o.lanes)
    found = np.moveaxis(unit.reference(beats).reshape(shape), 2, 1)
    np.testing.assert_array_equal(found.reshape(-1, unit.o.lanes), plain)
    cycles = run(list(unit.processes()), 6).interval_cycles
    assert abs(cycles - unit.interval_cycles) <= unit.interval_cycles // 8 + 4


def test_groups_that_share_a_beat() -> None:
    with pytest.raises(PlanError, match="of one of 2 groups, a divisor of 3"):
        WindowUnit(
            input=TensorType.codes(4, 4, 6, 1),
            kernel=3,
            stride=1,
            padding=NONE,
            channels=6,
            folds=1,
            groups=2,
        )


WIDE = [
    # height, width, window, folds, taken, given
    (4, 8, Window((2, 2)), 1, 4, 7),
    (4, 6, Window((1, 3), pads=(0, 1, 0, 1)), 2, 3, 2),
    (5, 8, Window((4, 2), (1, 2), pads=(2, 0, 1, 0)), 1, 4, 2),
    (5, 8, Window((3, 3), dilations=(1, 2), pads=(1, 2, 1, 2)), 1, 4, 4),
    (6, 6, Window((2, 3), dilations=(3, 2), pads=(3, 2, 0, 2)), 2, 3, 3),
    (6, 4, Window((3, 2), (1, 2), (2, 1), (2, 1, 2, 1)), 1, 8, 3),
    (6, 5, Window((2, 2), (2, 1), pads=(0, 0, 0, 1)), 3, 10, 5),
    (1, 12, Window((1, 7), (1, 3), pads=(0, 3, 0, 3)), 1, 6, 4),
]


@pytest.mark.parametrize("case", WIDE, ids=str)
def test_beats_of_several_pixels(case: tuple[int, int, Window, int, int, int]) -> None:
    height, width, window, folds, taken, given = case
    unit = unit_of(height, width, window, 2, folds, given, taken)
    check_unit(unit, beats_of(unit, 3))


def drawn(count: int) -> Iterator[WindowUnit]:
    """Random units that have windows."""
    random = Random(3)

    def pair(most: int) -> tuple[int, int]:
        return random.randint(1, most), random.randint(1, most)

    while count:
        bare = Window(pair(11), pair(4), pair(4))
        above, left, below, right = (random.randint(0, most) for most in bare.most_pads)
        window = Window(bare.kernel, bare.strides, bare.dilations, (above, left, below, right))
        height, width = pair(12)
        rows, columns = window.outputs(height, width)
        if min(rows, columns) < 1:
            continue
        count -= 1
        pixels = random.choice([n for n in range(1, columns + 1) if columns % n == 0])
        yield unit_of(height, width, window, random.choice((1, 2)), random.randint(1, 6), pixels)


def test_interval_is_near_that_of_the_cycle_model() -> None:
    apart = []
    for unit in drawn(400):
        cycles = run(list(unit.processes()), 6).interval_cycles
        apart.append(abs(cycles - unit.interval_cycles))
        assert cycles >= unit.least_cycles, unit
    assert max(apart) < 10
    assert sum(map(bool, apart)) < 6


def test_references_are_the_windows_elements() -> None:
    for unit in drawn(60):
        window, x, beats = unit.window, unit.input, beats_of(unit, 1)
        shape = (unit.folds, unit.chunks, unit.pixels, unit.channels, *window.kernel)
        found = unit.reference(beats).reshape(-1, *shape)[:, -1]
        frame, columns = beats.reshape(x.shape), window.outputs(x.height, x.width)[1]
        (above, left, _, _), (down, across), gaps = window.pads, window.strides, window.dilations
        for group, pixel in product(range(len(found)), range(unit.pixels)):
            row, column = divmod(group * unit.pixels + pixel, columns)
            for i, j in product(*map(range, window.kernel)):
                y = row * down - above + i * gaps[0]
                z = column * across - left + j * gaps[1]
                inside = 0 <= y < x.height and 0 <= z < x.width
                wanted = frame[y, z] + 2 * unit.masked if inside else np.zeros(2, np.int64)
                got = found[group, :, pixel, :, i, j].reshape(-1)
                np.testing.assert_array_equal(got, wanted)
