"""Windows over beats of several pixels: where cells go, and when."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from subbit.hw.window.axis import Axis
from subbit.hw.window.schedule import MOST_AHEAD, LineSchedule, choose_schedule
from subbit.sw.cycles.model import GIVE, PUSH, RESERVE, TAKE
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.window import Window

__all__ = ["WideShape", "used_places"]

CACHED = 4096  # shapes whose steps are remembered
PAUSE_SHARE = 64  # the part of the interval that a pause behind each window may add


@dataclass(frozen=True)
class WideShape:
    """The windows that move as ``window`` says over a tensor of ``height`` and ``width`` that comes
    ``taken`` pixels a beat and goes ``given`` output pixels a beat, ``folds`` times over: either
    several pixels of a row, or whole rows.

    A history keeps the last cells. Where a beat taken is part of a row, a cell is a column of
    ``rows`` pixels, of which a line buffer keeps all but the lowest, and a line is a row. Else a
    cell is a row and a line is a whole frame. The windows of a beat given cover ``rows`` rows and
    ``columns`` columns together; of dilated windows ``used_rows`` and ``used_columns`` are those
    with elements of some window.
    """

    height: int
    width: int
    window: Window
    taken: int
    given: int
    folds: int = 1

    def check(self) -> None:
        """Raise PlanError where a beat cannot hold so many pixels."""
        check_pixels("input_pixels", self.taken, self.height, self.width, "the input")
        across, down = self.across.outputs, self.down.outputs
        check_pixels("pixels", self.given, down, across, "the output")

    @property
    def down(self) -> Axis:
        """The positions of a window from top to bottom."""
        above, _, below, _ = self.window.pads
        return Axis(self.height, self.window.reach[0], self.window.strides[0], above, below)

    @property
    def across(self) -> Axis:
        """The positions of a window from left to right."""
        _, left, _, right = self.window.pads
        return Axis(self.width, self.window.reach[1], self.window.strides[1], left, right)

    @property
    def by_rows(self) -> bool:
        """Whether whole rows are taken at once."""
        return self.taken % self.width == 0

    @property
    def pixel_columns(self) -> int:
        """Output pixels of a row that are given at once."""
        return min(self.given, self.across.outputs)

    @property
    def pixel_rows(self) -> int:
        """Rows of output pixels that are given at once."""
        return self.given // self.pixel_columns

    @property
    def columns(self) -> int:
        """Columns that the windows of a beat cover together."""
        return self.window.reach[1] + (self.pixel_columns - 1) * self.window.strides[1]

    @property
    def rows(self) -> int:
        """Rows that the windows of a beat cover together."""
        return self.window.reach[0] + (self.pixel_rows - 1) * self.window.strides[0]

    @cached_property
    def used_rows(self) -> tuple[int, ...]:
        """Those of ``rows`` with elements of some window."""
        return used_places(self.window, 0, self.pixel_rows)

    @cached_property
    def used_columns(self) -> tuple[int, ...]:
        """Those of ``columns`` with elements of some window."""
        return used_places(self.window, 1, self.pixel_columns)

    @property
    def vectors(self) -> int:
        """Beats given of a frame, not counting folds."""
        return self.across.outputs * self.down.outputs // self.given

    @property
    def row_groups(self) -> Axis:
        """The positions of the windows of a beat from top to bottom."""
        down = self.down
        return Axis(down.size, self.rows, down.stride * self.pixel_rows, down.pad, down.behind)

    @property
    def column_groups(self) -> Axis:
        """The same from left to right."""
        row = self.across
        return Axis(row.size, self.columns, row.stride * self.pixel_columns, row.pad, row.behind)

    @cached_property
    def line(self) -> LineSchedule:
        """When cells come, and groups of windows go."""
        rows, columns = self.row_groups, self.column_groups
        axis, copies = (rows, columns.outputs) if self.by_rows else (columns, 1)
        ends = np.repeat(axis.first + axis.stride * np.arange(axis.outputs), copies)
        step = self.taken // self.width if self.by_rows else self.taken
        found = tuple(ends.tolist())
        ahead = self.by_rows and self.folds == 1
        return choose_schedule(axis.size, step, axis.kernel, found, not self.by_rows, ahead)

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """Where the windows of each group of a line are, without copies: how many cells of the
        history are newer, and which columns of cells that are rows, counted in groups.
        """
        return sorted(set(self.group_places))

    @cached_property
    def group_places(self) -> list[tuple[int, int]]:
        """The same for each group of a line."""
        copies = self.column_groups.outputs if self.by_rows else 1
        return [(offset, g % copies) for g, offset in enumerate(self.line.offsets)]

    @property
    def rows_run(self) -> int:
        """Lines of a frame, rows of padding below the tensor that windows cover included, and one
        that is put aside not.
        """
        return 1 if self.by_rows else len(self.line_rows)

    @property
    def line_rows(self) -> Ints:
        """The lowest row of each line's cells, where they are columns."""
        rows = np.arange(max(self.height, self.row_groups.last + 1))
        return rows[int(self.aside > 0) :]

    def row_tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each line whether it takes beats, whether it gives groups, and whether it gives those
        that the line before has left. A line that only does the last ends the frame where needed.
        """
        if self.by_rows:
            return np.ones(1, bool), np.ones(1, bool), np.zeros(1, bool)
        rows = self.line_rows
        takes, gives = rows < self.height, self.row_groups.completes(rows)
        left = gives & (self.line.tail > 0)
        tail = [False] * int(left[-1])
        late = np.concatenate(([False], left))[: len(rows) + len(tail)]
        return np.append(takes, tail).astype(bool), np.append(gives, tail).astype(bool), late

    @property
    def has_tail(self) -> bool:
        """Whether a line ends the frame that only gives what the line before has left."""
        return len(self.row_tables()[0]) > self.rows_run

    def rows_inside(self) -> NDArray[np.bool_]:
        """``(lines, used rows)``: where cells are columns, which rows of a line's cells are inside,
        if it gives groups.
        """
        gives = self.row_tables()[1]
        if self.by_rows:
            return np.ones((len(gives), len(self.used_rows)), np.bool_)
        lowest = self.line_rows[0] + np.arange(len(gives))
        cells = lowest[:, None] - (self.rows - 1) + np.array(self.used_rows)
        found: NDArray[np.bool_] = (cells >= 0) & (cells < self.height) | ~gives[:, None]
        return found

    @cached_property
    def sources(self) -> list[list[int | None]]:
        """For each cell that windows cover together, and each of the ``places``, the cell of the
        history that it is; None where no group of the place has a real one there.
        """
        line = self.line
        real = np.zeros((len(self.places), line.span), np.bool_)
        np.logical_or.at(real, self.place_numbers, line.inside)
        newest = np.array([offset for offset, _ in self.places])
        cells = newest + np.arange(line.span)[::-1, None]
        rows = zip(cells.tolist(), real.T.tolist(), strict=True)
        return [[c if r else None for c, r in zip(*row, strict=True)] for row in rows]

    @cached_property
    def place_numbers(self) -> Ints:
        """The number of the place of each group."""
        numbers = {place: number for number, place in enumerate(self.places)}
        return np.array([numbers[place] for place in self.group_places])

    @cached_property
    def place_bits(self) -> NDArray[np.bool_]:
        """``(bits, groups)``: the numbers of the places of the groups, bit by bit."""
        bits = (len(self.places) - 1).bit_length()
        found: NDArray[np.bool_] = (self.place_numbers >> np.arange(bits)[:, None] & 1).astype(bool)
        return found

    @property
    def cell_pixels(self) -> int:
        """Pixels of a cell."""
        return self.width if self.by_rows else len(self.used_rows)

    def cell_pixel(self, row: int, column: int, group: int) -> int | None:
        """Which pixel of its cell the pixel of that used row and that column is, of those that the
        windows of a beat cover; None where that is padding. ``group``: of columns, where cells are
        rows.
        """
        if not self.by_rows:
            return self.used_rows.index(row)
        groups = self.column_groups
        pixel = group * groups.stride - groups.pad + column
        return pixel if 0 <= pixel < self.width else None

    @cached_property
    def edges(self) -> NDArray[np.bool_]:
        """``(patterns, groups)``: the different ways in which a cell is beyond the ends of a line
        for some groups and not for others.
        """
        ways = np.unique(~self.line.inside.T, axis=0)
        return ways[ways.any(axis=1) & ~ways.all(axis=1)]

    def edge(self, cell: int) -> int | None:
        """Which of ``edges`` a cell that windows cover has; None where it is always inside or never
        is.
        """
        same = (self.edges == ~self.line.inside[:, cell]).all(axis=1)
        return int(same.argmax()) if same.any() else None

    @cached_property
    def aside(self) -> int:
        """Beats at the start of a frame that are put aside while the frame before ends: a row where
        one of padding ends the frame and the first one gives nothing, or a beat of rows likewise; 0
        where that is not so.
        """
        if self.by_rows:
            return int(self.line.ahead)
        padded = self.row_groups.last == self.height and self.row_groups.first > 0
        takes = self.line.takes
        saved = max(0, takes + 1 - self.folds)
        worth = saved * MOST_AHEAD >= self.vectors * self.folds
        return takes if padded and worth and self.height > 1 else 0

    @property
    def aside_steps(self) -> NDArray[np.uint8]:
        """Flags of the steps that put beats aside and hand the others of a frame on: the first one
        waits until the last one of the frame before is gone.
        """
        found = np.full(self.height * self.width // self.taken, TAKE | GIVE, np.uint8)
        found[: self.aside] = TAKE
        found[0] |= RESERVE
        found[self.aside] = TAKE | PUSH
        return found

    @cached_property
    def steps(self) -> NDArray[np.uint8]:
        """Flags of the steps of a frame: a window stays in the history until it is taken."""
        return frame_steps(self)

    def interval(self, pause: int) -> int:
        """Cycles between two frames where each group stays for its folds in a register behind the
        history, which goes on ``pause`` cycles after that register has taken it.
        """
        gives = np.flatnonzero(self.steps & PUSH)
        gaps = np.diff(gives, append=gives[0] + len(self.steps))
        return int(np.maximum(gaps + pause, self.folds).sum())

    @property
    def pauses(self) -> bool:
        """Whether the history can pause for a cycle behind each group at next to no cost."""
        plain = self.interval(0)
        return self.folds > 1 and (self.interval(1) - plain) * PAUSE_SHARE <= plain


def used_places(window: Window, axis: int, windows: int) -> tuple[int, ...]:
    """The places along an axis with elements of some of so many neighbouring windows, ascending."""
    stride, gap = window.strides[axis], window.dilations[axis]
    kernel = window.kernel[axis]
    return tuple(sorted({w * stride + k * gap for w in range(windows) for k in range(kernel)}))


@lru_cache(CACHED)
def frame_steps(shape: WideShape) -> NDArray[np.uint8]:
    """Flags of the steps of a frame."""
    lines = []
    for row, (takes, gives, late) in enumerate(zip(*shape.row_tables(), strict=True)):
        tail = row >= shape.rows_run
        lines.append(shape.line.line_steps(takes=takes, gives=gives, late=late, tail=tail))
    steps = np.concatenate(lines)
    # No step may change what the history shows before it is taken.
    steps[np.roll(steps & PUSH, 1) > 0] |= RESERVE
    steps.flags.writeable = False
    return steps


def check_pixels(name: str, pixels: int, height: int, width: int, what: str) -> None:
    """Raise PlanError unless a beat of a tensor of that height and width may hold so many pixels:
    several of a row, or whole rows.
    """
    some = [p for p in range(1, width + 1) if width % p == 0]
    some += [width * r for r in range(2, height + 1) if height % r == 0]
    if pixels not in some:
        raise PlanError(
            f"{name}={pixels}: a beat of {what} of {height}x{width} pixels may hold "
            f"{', '.join(map(str, some))} of them"
        )
