"""Windows over beats of several pixels, whole rows and whole frames, against numpy."""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from subbit.hw.streams.shapes import beat_sizes
from subbit.hw.window.aside_rtl import FirstAside
from subbit.hw.window.axis import Axis
from subbit.hw.window.window import WindowUnit
from subbit.sw.cycles import run
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import TensorType
from tests.hw.harness import check_unit
from tests.hw.window.test_window import frames_of

NONE, ZERO, MINUS, PLUS = Padding.NONE, Padding.ZERO, Padding.MINUS, Padding.PLUS


def wide(
    *shape: int, pixels: tuple[int, int], padding: Padding = NONE, kernel: int = 3, **options: Any
) -> WindowUnit:
    """A window over codes of that height, width, channels and bits, and pixels taken and given."""
    taken, given = pixels
    settings = {"stride": 1, "folds": 1, "channels": shape[2]} | options
    tensor = TensorType.codes(*shape)
    return WindowUnit(
        input=tensor,
        kernel=kernel,
        padding=padding,
        input_pixels=taken,
        pixels=given,
        **settings,
    )


CASES = {
    # unpadded rows of 32: pixels taken and given do not divide each other
    "4 to 6": wide(4, 32, 1, 1, pixels=(4, 6)),
    "4 to 5": wide(4, 32, 1, 1, pixels=(4, 5)),
    "8 to 10": wide(4, 32, 1, 1, pixels=(8, 10)),
    "8 to 5, folds": wide(4, 32, 1, 1, pixels=(8, 5), folds=2),
    "16 to 15": wide(4, 32, 1, 1, pixels=(16, 15)),
    "row to row": wide(5, 32, 1, 1, pixels=(32, 30)),
    "row to half": wide(5, 32, 1, 1, pixels=(32, 15)),
    "row to pixels": wide(4, 8, 1, 2, pixels=(8, 2), folds=3),
    "pixel to two rows": wide(4, 6, 2, 1, pixels=(1, 8)),
    # padded rows: windows at the end leave with the next row
    "7 to 7": wide(4, 14, 1, 1, pixels=(7, 7), padding=MINUS),
    "7 to 7, masks": wide(4, 14, 2, 1, pixels=(7, 7), padding=ZERO, folds=2),
    "14 to 7": wide(3, 28, 1, 1, pixels=(14, 7), padding=PLUS),
    "row to row, padded": wide(4, 7, 2, 1, pixels=(7, 7), padding=ZERO),
    "row to pixel": wide(3, 4, 1, 2, pixels=(4, 1), padding=ZERO),
    "pixels to frame": wide(4, 6, 1, 1, pixels=(2, 24), padding=ZERO),
    "two rows to two rows": wide(6, 4, 1, 2, pixels=(8, 8), padding=ZERO),
    "two rows to one": wide(6, 4, 1, 1, pixels=(8, 4), padding=PLUS, folds=2),
    "row to three rows": wide(6, 4, 1, 1, pixels=(4, 12), padding=MINUS),
    "frame to frame": wide(4, 4, 2, 1, pixels=(16, 16), padding=ZERO),
    "frame to pixels": wide(4, 4, 1, 1, pixels=(16, 2), padding=ZERO),
    "frame to rows, folds": wide(4, 4, 1, 1, pixels=(16, 8), padding=PLUS, folds=5),
    # strides, other kernels, uneven padding
    "stride 2": wide(6, 8, 1, 2, pixels=(4, 2), padding=ZERO, stride=2),
    "stride 2, odd": wide(5, 9, 1, 1, pixels=(3, 1), padding=PLUS, stride=2, folds=3),
    "stride 2, odd, masks": wide(7, 9, 1, 1, pixels=(3, 5), padding=ZERO, stride=2),
    "stride 2, unpadded": wide(7, 8, 1, 1, pixels=(2, 3), stride=2),
    "stride 2, rows": wide(6, 6, 1, 1, pixels=(12, 3), padding=ZERO, stride=2),
    "stride 2, many groups": wide(6, 8, 1, 1, pixels=(8, 1), padding=ZERO, stride=2),
    "1x1": wide(3, 6, 2, 2, pixels=(3, 3), kernel=1),
    "1x1, stride 2": wide(5, 6, 2, 1, pixels=(2, 1), kernel=1, stride=2, folds=2),
    "1x1, frame": wide(2, 3, 2, 1, pixels=(6, 3), kernel=1),
    "5x5": wide(6, 8, 1, 1, pixels=(2, 4), kernel=5, padding=ZERO),
    "5x5, rows": wide(5, 3, 1, 1, pixels=(3, 3), kernel=5, padding=PLUS, folds=2),
    "5x5, stride 2": wide(8, 8, 1, 1, pixels=(4, 2), kernel=5, padding=MINUS, stride=2),
    "pads": wide(4, 6, 1, 1, pixels=(3, 3), padding=ZERO, pads=(0, 1, 1, 1)),
    "pads, rows": wide(4, 6, 1, 1, pixels=(6, 5), padding=ZERO, pads=(1, 0, 0, 1)),
    "narrow to rows": wide(2, 1, 2, 1, pixels=(1, 2), padding=ZERO, folds=2),
    "one column": wide(6, 1, 1, 1, pixels=(2, 3), padding=ZERO),
    "one row": wide(1, 6, 1, 1, pixels=(2, 3), padding=PLUS, kernel=5),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_cycles(name: str) -> None:
    unit = CASES[name]
    check_unit(unit, frames_of(unit, 2))


def divisors(number: int) -> list[int]:
    """All of them."""
    return [d for d in range(1, number + 1) if number % d == 0]


def any_wide(random: Random) -> WindowUnit | None:
    """A window of any shape with beats of several pixels; None where the shape has none."""
    kernel, stride = random.choice((1, 3, 3, 5)), random.choice((1, 1, 2))
    height, width, channels = random.randint(1, 7), random.randint(1, 9), random.choice((1, 2))
    padding = random.choice(list(Padding)) if kernel > 1 else NONE
    pads = None
    if padding is not NONE and random.random() < 0.3:
        above, left, below, right = (random.randint(0, kernel // 2) for _ in range(4))
        pads = above, left, below, right
    margins = (0, 0, 0, 0) if padding is NONE else pads or (kernel // 2,) * 4
    rows = Axis(height, kernel, stride, margins[0], margins[2]).outputs
    columns = Axis(width, kernel, stride, margins[1], margins[3]).outputs
    if min(rows, columns) < 1:
        return None
    taken = random.choice(divisors(width) + [width * d for d in divisors(height)])
    given = random.choice(divisors(columns) + [columns * d for d in divisors(rows)])
    if taken == 1 and given <= columns:
        return None
    return wide(
        *(height, width, channels, random.choice((1, 2))),
        pixels=(taken, given),
        padding=padding,
        kernel=kernel,
        stride=stride,
        folds=random.choice((1, 1, 2, 3, 5)),
        payload_delay=random.choice((0, 0, 1, 2)),
        memory=random.choice(("auto", "block")),
        pads=pads,
    )


def some_wide(seed: int, count: int) -> list[WindowUnit]:
    """So many of any shape."""
    random, found = Random(seed), []
    while len(found) < count:
        if unit := any_wide(random):
            found.append(unit)
    return found


@pytest.mark.parametrize("unit", some_wide(1, 24), ids=str)
def test_any_shape(unit: WindowUnit) -> None:
    check_unit(unit, frames_of(unit, 2))


def test_the_interval_is_that_of_the_cycle_model() -> None:
    for unit in some_wide(2, 300):
        assert run(unit.processes(), 5).interval_cycles == unit.interval_cycles, unit


def test_the_least_interval_is_near() -> None:
    for unit in some_wide(4, 200):
        rows = unit.input.height + unit.kernel
        assert unit.least_cycles <= unit.interval_cycles <= 3 * unit.least_cycles + 3 * rows, unit


def test_cells_are_there_when_groups_leave() -> None:
    for unit in some_wide(3, 300):
        assert unit.wide
        line = unit.wide.line
        assert line.cells[line.inside].min() >= 0, unit
        assert set(line.cells[line.inside].tolist()) <= set(line.kept), unit
        # no real cell is one of the next line
        newest = (np.array(line.states)[:, None] + 1) * line.step - 1 - line.cells
        assert (newest[line.inside] < line.size).all(), unit
        assert (np.diff(line.states) >= 0).all(), unit
        gives = np.count_nonzero(unit.wide.steps & 8)
        assert gives == unit.wide.vectors, unit


STEPS = [
    # size, taken, given, padding, steps of a frame, places that groups are in
    (32, 4, 6, NONE, 256, 2),
    (32, 4, 5, NONE, 256, 4),
    (32, 8, 10, NONE, 128, 3),
    (32, 16, 15, NONE, 65, 2),
    (32, 32, 30, NONE, 32, 1),
    (32, 32, 15, NONE, 62, 2),
    (28, 7, 7, ZERO, 113, 1),  # the last group of a frame more than 112
    (28, 14, 14, ZERO, 57, 1),
    (28, 28, 28, ZERO, 28, 1),
    (28, 56, 56, ZERO, 14, 1),
    (28, 14, 28, ZERO, 56, 1),
    (56, 56, 56, ZERO, 57, 1),  # a row of padding more than 56
    (56, 28, 28, ZERO, 115, 1),
    (28, 4, 2, ZERO, 399, 2),
    (8, 64, 64, ZERO, 1, 1),
]


@pytest.mark.parametrize("case", STEPS, ids=str)
def test_steps_of_a_frame(case: tuple[int, int, int, Padding, int, int]) -> None:
    size, taken, given, padding, steps, places = case
    unit = wide(size, size, 1, 1, pixels=(taken, given), padding=padding)
    assert unit.wide
    assert len(unit.wide.steps) == unit.wide.interval(0) == steps
    assert len(unit.wide.places) == places
    assert unit.direct == (places == 1)


def test_a_pause_where_folds_leave_time_for_it() -> None:
    once, folded = (wide(8, 8, 1, 1, pixels=(4, 4), padding=ZERO, folds=n) for n in (1, 4))
    assert once.shifts_at_once
    assert not folded.shifts_at_once
    assert folded.interval_cycles == 15 * 4 + 5  # four steps from frame to frame, and the pause


def test_the_same_windows_as_one_by_one() -> None:
    unit = wide(4, 6, 2, 1, pixels=(3, 12), padding=ZERO, folds=2)
    one = replace(unit, input_pixels=1, pixels=1, folds=1)
    beats = frames_of(unit, 2)
    windows = one.reference(beats.reshape(-1, 2)).reshape(-1, 12, one.o.lanes)
    np.testing.assert_array_equal(
        unit.reference(beats), windows.repeat(2, axis=0).reshape(-1, unit.o.lanes)
    )


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        ((3, 1), {}, "input_pixels=3: a beat of the input of 4x8 pixels may hold 1, 2, 4, 8, 16"),
        ((12, 1), {}, "may hold 1, 2, 4, 8, 16, 32 of them"),
        ((2, 4), {}, "pixels=4: a beat of the output of 2x6 pixels may hold 1, 2, 3, 6, 12 of"),
        ((1, 18), {}, "pixels=18: a beat of the output of 2x6 pixels may hold"),
        ((2, 2), {"channels": 1}, "channels=1: beats of several pixels, .* need all 2 channels"),
        ((1, 12), {"channels": 1}, "need all 2 channels at a time"),
        ((2, 2), {"payload_delay": 3}, "payload_delay=3"),
    ],
    ids=range(7),
)
def test_what_does_not_fit(pixels: tuple[int, int], options: dict[str, int], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        wide(4, 8, 2, 1, pixels=pixels, **options)


def test_beats_that_are_put_aside() -> None:
    component = FirstAside(width=8, beats=3, aside=1, delay=0, memory="auto")
    payload, ready, seen = "ABCDDE-", [1, 1, 1, 0, 1, 1, 1], []

    async def bench(ctx: Any) -> None:
        for letter, open_ in zip(payload, ready, strict=True):
            ctx.set(component.i.valid, letter != "-")
            ctx.set(component.i.payload, ord(letter))
            ctx.set(component.o.ready, open_)
            valid, first = ctx.get(component.o.valid), chr(ctx.get(component.first))
            shown = chr(ctx.get(component.o.payload)) if valid else "-"
            ctx.set(component.taken, shown in "BE" and valid and open_)
            seen.append(f"{ctx.get(component.i.ready)}{shown}{first if shown in 'BE' else ''}")
            await ctx.tick()

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == ["1-", "1-", "1BA", "0C", "1C", "1-", "1ED"]


def test_beats_of_all_sizes_of_a_tensor_fit() -> None:
    tensor = TensorType.codes(4, 6, 2, 1)
    for lanes in beat_sizes(tensor):
        if lanes >= 2:
            assert wide(4, 6, 2, 1, pixels=(lanes // 2, 2), padding=ZERO).i.lanes == lanes
