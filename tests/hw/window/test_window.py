"""Sliding windows against numpy, over shapes, paddings, strides, chunks and folds."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from subbit.hw.window.axis import Axis
from subbit.hw.window.window import WindowUnit
from subbit.sw.cycles import run
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import TensorType
from tests.hw.harness import check_unit, simulate_unit

NONE, ZERO, MINUS, PLUS = Padding.NONE, Padding.ZERO, Padding.MINUS, Padding.PLUS

CASES = [
    # height, width, channels, bits, kernel, stride, padding, at a time, folds
    (4, 5, 1, 1, 3, 1, NONE, 1, 1),
    (4, 5, 2, 1, 3, 1, ZERO, 2, 1),
    (4, 5, 2, 1, 3, 1, ZERO, 2, 3),
    (4, 5, 4, 1, 3, 1, ZERO, 2, 1),
    (4, 5, 4, 2, 3, 1, ZERO, 1, 3),
    (5, 4, 3, 1, 3, 2, ZERO, 1, 2),
    (6, 6, 2, 1, 3, 2, PLUS, 1, 2),
    (6, 6, 2, 3, 3, 2, PLUS, 2, 4),
    (6, 5, 2, 1, 3, 2, MINUS, 2, 1),
    (6, 6, 2, 1, 3, 2, NONE, 1, 2),
    (6, 7, 2, 1, 3, 2, NONE, 2, 1),
    (1, 1, 4, 1, 3, 1, ZERO, 4, 2),
    (1, 1, 4, 1, 3, 1, PLUS, 1, 2),
    (3, 1, 2, 2, 3, 1, ZERO, 2, 1),
    (1, 3, 2, 2, 3, 2, PLUS, 1, 1),
    (3, 3, 6, 1, 3, 1, NONE, 2, 2),
    (7, 6, 1, 8, 5, 1, ZERO, 1, 1),
    (5, 5, 2, 1, 5, 1, PLUS, 1, 2),
    (6, 7, 2, 1, 5, 2, ZERO, 1, 2),
    (8, 9, 2, 1, 5, 2, NONE, 1, 2),
    (1, 2, 1, 4, 5, 2, PLUS, 1, 3),
    (2, 1, 2, 7, 5, 1, MINUS, 1, 1),
    (3, 4, 4, 2, 1, 2, NONE, 2, 2),
    (3, 3, 2, 2, 1, 1, NONE, 2, 2),
]


def frames_of(unit: WindowUnit, frames: int, seed: int = 1) -> np.ndarray:
    """Random input beats."""
    x = unit.input
    shape = (frames * x.elements // unit.i.lanes, unit.i.lanes)
    return np.random.default_rng(seed).integers(0, 1 << x.bits, shape)


UNEVEN = [
    # height, width, channels, kernel, stride, padding, at a time, folds, pads
    (6, 6, 2, 3, 2, ZERO, 2, 1, (0, 0, 1, 1)),
    (6, 6, 2, 3, 2, ZERO, 1, 3, (0, 0, 1, 1)),
    (6, 8, 2, 3, 2, PLUS, 2, 2, (0, 0, 1, 1)),
    (6, 7, 2, 3, 2, MINUS, 1, 1, (1, 1, 0, 0)),
    (4, 5, 2, 3, 1, ZERO, 2, 2, (0, 0, 1, 1)),
    (4, 5, 2, 3, 1, ZERO, 1, 1, (1, 0, 0, 1)),
    (5, 4, 4, 3, 1, ZERO, 2, 3, (0, 1, 1, 0)),
    (6, 6, 2, 5, 2, ZERO, 2, 1, (1, 1, 2, 2)),
    (6, 6, 2, 5, 2, ZERO, 1, 4, (2, 2, 1, 1)),
    (4, 7, 2, 5, 1, PLUS, 1, 2, (0, 0, 2, 2)),
    (5, 6, 2, 5, 1, ZERO, 2, 1, (2, 0, 0, 2)),
    (2, 2, 2, 3, 1, ZERO, 1, 1, (0, 0, 1, 1)),
    (1, 1, 2, 5, 1, ZERO, 1, 2, (2, 2, 2, 2)),
    (3, 4, 2, 5, 2, ZERO, 2, 3, (1, 1, 1, 1)),
]


@pytest.mark.parametrize("case", UNEVEN, ids=str)
def test_uneven_padding(
    case: tuple[int, int, int, int, int, Padding, int, int, tuple[int, int, int, int]],
) -> None:
    height, width, cin, kernel, stride, padding, channels, folds, pads = case
    unit = WindowUnit(
        input=TensorType.codes(height, width, cin, 2),
        kernel=kernel,
        stride=stride,
        padding=padding,
        channels=channels,
        folds=folds,
        pads=pads,
    )
    check_unit(unit, frames_of(unit, 3))


def test_pads_beyond_the_kernel() -> None:
    tensor = TensorType.codes(6, 6, 2, 1)
    text = "padding of a 3x2 kernel is 0 to 2 elements above and below, 0 to 1 left and right"
    with pytest.raises(PlanError, match=text):
        WindowUnit(
            input=tensor,
            kernel=(3, 2),
            stride=1,
            padding=ZERO,
            channels=1,
            folds=1,
            pads=(0, 0, 0, 2),
        )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_window(case: tuple[int, int, int, int, int, int, Padding, int, int]) -> None:
    height, width, cin, bits, kernel, stride, padding, channels, folds = case
    tensor = TensorType.codes(height, width, cin, bits)
    unit = WindowUnit(
        input=tensor, kernel=kernel, stride=stride, padding=padding, channels=channels, folds=folds
    )
    check_unit(unit, frames_of(unit, 3))


PIXELS = [
    # height, width, channels, bits, kernel, stride, padding, at a time, folds, pixels
    (4, 6, 2, 1, 3, 1, ZERO, 2, 1, 2),
    (4, 6, 2, 1, 3, 1, ZERO, 1, 3, 3),
    (3, 6, 4, 2, 3, 1, PLUS, 2, 2, 6),
    (5, 8, 2, 1, 3, 2, ZERO, 2, 2, 2),
    (5, 9, 2, 1, 3, 2, NONE, 1, 2, 4),
    (6, 6, 2, 1, 5, 1, MINUS, 1, 1, 2),
    (7, 7, 1, 8, 5, 2, NONE, 1, 3, 2),
    (3, 4, 4, 2, 1, 1, NONE, 2, 2, 2),
]


@pytest.mark.parametrize("case", PIXELS, ids=str)
def test_pixels_side_by_side(
    case: tuple[int, int, int, int, int, int, Padding, int, int, int],
) -> None:
    height, width, cin, bits, kernel, stride, padding, channels, folds, pixels = case
    tensor = TensorType.codes(height, width, cin, bits)
    unit = WindowUnit(
        input=tensor,
        kernel=kernel,
        stride=stride,
        padding=padding,
        channels=channels,
        folds=folds,
        pixels=pixels,
    )
    one = WindowUnit(
        input=tensor, kernel=kernel, stride=stride, padding=padding, channels=channels, folds=folds
    )
    beats = frames_of(unit, 3)
    check_unit(unit, beats)
    # the same windows as one by one, in another order
    k2 = channels * kernel**2
    wide = unit.reference(beats).reshape(-1, folds, unit.chunks, pixels, k2)
    np.testing.assert_array_equal(np.moveaxis(wide, 3, 1).ravel(), one.reference(beats).ravel())


LATE = [
    # height, width, channels, bits, kernel, stride, padding, folds, pixels
    (4, 5, 2, 1, 3, 1, ZERO, 2, 1),
    (4, 6, 2, 1, 3, 1, ZERO, 3, 2),
    (6, 6, 2, 2, 3, 2, PLUS, 3, 1),
    (5, 9, 2, 1, 3, 2, NONE, 9, 4),
    (7, 7, 1, 8, 5, 2, NONE, 5, 2),
    (1, 1, 4, 1, 3, 1, ZERO, 2, 1),
    (3, 4, 4, 2, 1, 2, NONE, 3, 1),
]


@pytest.mark.parametrize("late", [1, 2])
@pytest.mark.parametrize("case", LATE, ids=str)
def test_data_behind_their_handshakes(
    case: tuple[int, int, int, int, int, int, Padding, int, int], late: int
) -> None:
    height, width, cin, bits, kernel, stride, padding, folds, pixels = case
    tensor = TensorType.codes(height, width, cin, bits)
    unit = WindowUnit(
        input=tensor,
        kernel=kernel,
        stride=stride,
        padding=padding,
        channels=cin,
        folds=folds,
        pixels=pixels,
        payload_delay=late,
    )
    beats = frames_of(unit, 3)
    check_unit(unit, beats)
    assert (
        unit.trace(3).taken[-1].tolist()
        == replace(unit, payload_delay=0).trace(3).taken[-1].tolist()
    )


@pytest.mark.parametrize(("channels", "folds", "late"), [(2, 1, 1), (1, 4, 1), (2, 4, 3)])
def test_late_where_no_register_holds_the_window(channels: int, folds: int, late: int) -> None:
    with pytest.raises(PlanError, match="only where one register holds them"):
        WindowUnit(
            input=TensorType.codes(4, 4, 2, 1),
            kernel=3,
            stride=1,
            padding=NONE,
            channels=channels,
            folds=folds,
            payload_delay=late,
        )


def test_interval_is_that_of_the_cycle_model() -> None:
    random = Random(1)
    checked = 0
    while checked < 400:
        kernel, stride = random.choice((1, 3, 5)), random.choice((1, 2))
        padding = random.choice((NONE, ZERO)) if kernel > 1 else NONE
        tensor = TensorType.codes(random.randint(1, 8), random.randint(1, 8), 6, 1)
        channels, pixels = random.choice((2, 3, 6)), random.choice((1, 1, 2, 3))
        pad = kernel // 2 if padding is ZERO else 0
        rows, row = (Axis(n, kernel, stride, pad).outputs for n in (tensor.height, tensor.width))
        if min(rows, row) < 1 or row % pixels:
            continue
        unit = WindowUnit(
            input=tensor,
            kernel=kernel,
            stride=stride,
            padding=padding,
            channels=channels,
            folds=checked % 7 + 1,
            pixels=pixels,
        )
        trace = run(list(unit.processes()), 6)
        assert trace.interval_cycles == unit.interval_cycles, unit
        checked += 1


def test_interval_with_uneven_padding_is_near_that_of_the_cycle_model() -> None:
    """The planner's estimate; what is reported comes from the cycle model."""
    random, checked, apart = Random(2), 0, 0
    while checked < 300:
        kernel, stride = random.choice((3, 5)), random.choice((1, 2))
        top, left, bottom, right = (random.randint(0, kernel // 2) for _ in range(4))
        unit = WindowUnit(
            input=TensorType.codes(random.randint(1, 8), random.randint(1, 8), 6, 1),
            kernel=kernel,
            stride=stride,
            padding=ZERO,
            channels=random.choice((2, 3, 6)),
            folds=checked % 7 + 1,
            pads=(top, left, bottom, right),
        )
        if min(unit.rows.outputs, unit.columns.outputs) < 1:
            continue
        cycles = run(list(unit.processes()), 6).interval_cycles
        assert abs(cycles - unit.interval_cycles) <= 4, unit
        apart += cycles != unit.interval_cycles
        checked += 1
    assert apart < 6


def test_large_rows_are_bound_by_the_replay() -> None:
    unit = WindowUnit(
        input=TensorType.codes(30, 30, 64, 1),
        kernel=3,
        stride=1,
        padding=ZERO,
        channels=16,
        folds=8,
    )
    line_of_the_next_frame = 30 * 4 - 3 * 8 * 4 + 3 * 4
    assert unit.interval_cycles == 30 * 30 * 4 * 8 + line_of_the_next_frame


def test_a_reference_window() -> None:
    unit = WindowUnit(
        input=TensorType.codes(2, 2, 1, 2), kernel=3, stride=1, padding=ZERO, channels=1, folds=1
    )
    first = unit.reference(np.array([[1], [2], [3], [0]]))[0]
    assert first.reshape(3, 3).tolist() == [[0, 0, 0], [0, 4 + 1, 4 + 2], [0, 4 + 3, 4 + 0]]


LARGE = [
    # height, width, channels, kernel, padding, at a time, folds
    (30, 30, 64, 3, NONE, 64, 1),
    (6, 30, 64, 3, ZERO, 16, 1),
    (3, 3, 256, 3, PLUS, 16, 1),
]


@pytest.mark.parametrize("case", LARGE, ids=str)
def test_real_sizes(case: tuple[int, int, int, int, Padding, int, int]) -> None:
    height, width, cin, kernel, padding, channels, folds = case
    unit = WindowUnit(
        input=TensorType.codes(height, width, cin, 1),
        kernel=kernel,
        stride=1,
        padding=padding,
        channels=channels,
        folds=folds,
    )
    beats = frames_of(unit, 1)
    out, cycles = simulate_unit(unit, beats, unit.o_beats, None)
    np.testing.assert_array_equal(out, unit.reference(beats))
    assert cycles == run(list(unit.processes())).taken[-1].tolist()
