"""The interval of a sliding window as a formula."""

from dataclasses import dataclass

from subbit.hw.window.axis import Axis

__all__ = ["window_interval"]


@dataclass(frozen=True)
class WindowRow:
    """What the paths from one row of windows to the next take, in cycles.

    The line buffer gives the columns of a row, ``columns``, to the history, which gives windows to
    the replay; the interval is the longest path through a frame. ``n``: beats of a pixel.
    ``folds``: replays of each window. ``shifts_at_once``: whether the history's register moves on
    in the cycle in which its window is taken.
    """

    columns: Axis
    n: int
    folds: int
    shifts_at_once: bool

    @property
    def banked(self) -> bool:
        """Whether the replay is two banks; else one register that copies the history's."""
        return self.n > 1

    @property
    def direct(self) -> bool:
        """Whether there is no replay."""
        return self.n == self.folds == 1

    @property
    def pause(self) -> int:
        """Cycles from the end of a window in the history to the next step."""
        return 0 if self.banked or self.shifts_at_once else 1

    @property
    def waited(self) -> int:
        """Positions in front of a row that wait for its first column."""
        return 0 if self.columns.shared else self.columns.lead

    @property
    def replay(self) -> int:
        """Cycles that a row takes in the replay: one for every beat."""
        return 0 if self.direct else self.columns.outputs * self.folds * self.n

    @property
    def history(self) -> int:
        """Cycles that a row takes in the history, or on the path from its first window through the
        replay to its last one, if that is longer.
        """
        columns, n = self.columns, self.n
        through = columns.outputs - 1 - self.banked
        start = (columns.lead + columns.first + 1 + self.banked) * n
        detour = start + through * self.folds * n + self.pause
        detour = 0 if self.direct or through < 0 else detour
        return max(columns.positions * n, detour)

    def last_window(self) -> tuple[int, int]:
        """The last window before the cycle in which the history takes the last column of a row (the
        hand-over of that row), -1 where that window is of the row before, and the history's cycles
        from there to the hand-over.
        """
        columns = self.columns
        behind = columns.used - (1 if self.banked else 3) - columns.first
        if behind >= 0:
            return behind // columns.stride, behind % columns.stride * self.n
        return -1, (columns.used + columns.lead - (0 if self.banked else 2)) * self.n

    def entered(self, gap: int) -> int:
        """Cycles from one hand-over, after ``gap`` cycles without a column, through the replay to
        the next hand-over.
        """
        if self.direct:
            return 0
        window, rest = self.last_window()
        first = gap + (self.waited + self.columns.first + 2) * self.n
        if self.banked:
            return first + (window - 1) * self.folds * self.n + rest
        return first + 1 + window * self.folds + rest + self.pause

    def handed(self, gap: int) -> int:
        """Cycles from one hand-over to the next on the longest path."""
        entered = self.entered(gap) if self.last_window()[0] >= 2 * self.banked else 0
        return max(self.history, gap + (self.waited + self.columns.used) * self.n, entered)


def window_interval(
    rows: Axis, columns: Axis, chunks: int, folds: int, shifts_at_once: bool
) -> int:
    """Cycles between two frames of a Window whose neighbours are never slower, exactly: the longest
    path through all rows of a frame.

    With ``n = chunks``, a row of windows takes at least ``max(OW * n * folds, P * n)`` cycles, P =
    ``columns.positions``. Where the line buffer pauses between two rows for ``gap`` cycles (a row
    that completes no window takes ``W * n``), it takes at least ``gap + W * n``, or ``gap`` and the
    replay of the windows that follow.
    """
    row = WindowRow(columns, chunks, folds, shifts_at_once)
    unused = columns.size - columns.used
    silent_rows = max(rows.size - 1, rows.last) - rows.last + rows.first
    inner = (unused + (rows.stride - 1) * columns.size) * chunks
    outer = (unused + silent_rows * columns.size) * chunks
    count = rows.outputs
    either = max(row.replay, row.handed(inner))
    ways = [(count - 1) * row.handed(inner) + row.handed(outer), count * row.replay]
    if count > 1:
        once = max(row.entered(outer), row.entered(inner))
        ways.append(once + row.replay + (count - 2) * either)
    if count > 2:
        ways.append(row.handed(outer) + row.entered(inner) + row.replay + (count - 3) * either)
    return max(ways)
