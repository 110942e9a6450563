"""When the cells of a line come, several at a time, and when groups of windows leave.

A cell is a column of pixels, and a line a row of the tensor; or a cell is a row, and a line a whole
frame.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from subbit.sw.cycles.model import PUSH, TAKE
from subbit.sw.ir.arrays import Ints

__all__ = ["MOST_AHEAD", "LineSchedule", "choose_schedule"]

MOST_SLACK = 2  # takes by which a group may wait so that groups leave one by one
LINES = 8  # one after another until what waits at the end of each is the same
MOST_AHEAD = 32  # states or rows of which one less is worth beats that are put aside
CACHED = 4096  # schedules that are remembered


@dataclass(frozen=True)
class LineSchedule:
    """A line of ``size`` cells that come ``step`` at a time, in ``takes`` takes, and the groups of
    windows over it, each of ``span`` cells up to and with the cell ``ends[g]``, which may lie
    beyond the line: there is padding. A history keeps the last cells.

    Group g leaves while the newest take is number ``states[g]`` of the line. Where lines follow
    each other (``wraps``) that may be one of the next line, and the line has ``takes`` states;
    else further states follow in which nothing is taken. Each state is a step for the take and the
    first group, and one more for each further group. Where such a line has one state more than
    takes and nothing leaves in the first one, its first beat may be taken ``ahead``, in the last
    state of the line before, and the first state has no step.

    Size 8, step 4, windows of 3 cells with padding of 1, 4 of them a group (ends 4 and 8)::

        step          0         1         0 of the next line
        takes         0..3      4..7      0..3
        gives         -         group 0   group 1
    """

    size: int
    step: int
    span: int
    ends: tuple[int, ...]
    states: tuple[int, ...]
    wraps: bool
    ahead: bool = False

    @property
    def takes(self) -> int:
        """Takes of a line."""
        return self.size // self.step

    @property
    def length(self) -> int:
        """States of a line."""
        return self.takes if self.wraps else max(self.takes, self.states[-1] + 1)

    @property
    def tail(self) -> int:
        """States of the line behind the last one in which its groups have yet to leave."""
        return max(0, self.states[-1] + 1 - self.length)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Cells of the history that are newer than the last one of each group; below 0 where the
        last one is padding that no cell stands for.
        """
        newest = ((state + 1) * self.step - 1 for state in self.states)
        return tuple(new - end for new, end in zip(newest, self.ends, strict=True))

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """``(groups, span)``: whether a cell of a group's windows is one of the line."""
        cells = np.array(self.ends)[:, None] - np.arange(self.span)[::-1]
        return (cells >= 0) & (cells < self.size)

    @cached_property
    def cells(self) -> Ints:
        """``(groups, span)``: where in the history each cell of a group is, the newest cell 0."""
        found: Ints = np.array(self.offsets)[:, None] + np.arange(self.span)[::-1]
        return found

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """The places of the history that some group needs, or that a later place comes from."""
        needed = {int(cell) for cell in self.cells[self.inside]}
        return tuple(
            sorted({h for cell in needed for h in range(cell % self.step, cell + 1, self.step)})
        )

    @cached_property
    def own(self) -> Ints:
        """Groups of a line that leave in each of its states."""
        states = np.array(self.states)
        return np.bincount(states[states < self.length], minlength=self.length)

    @cached_property
    def late(self) -> Ints:
        """Groups of the line before that leave in each state."""
        states = np.array(self.states) - self.length
        return np.bincount(states[states >= 0], minlength=self.length)

    @cached_property
    def more(self) -> tuple[bool, ...]:
        """Whether the next group leaves in the same state; of the last group whether that is so of
        the first one of the next line.
        """
        following = (*self.states[1:], self.states[0] + self.length)
        return tuple(a == b for a, b in zip(self.states, following, strict=True))

    @property
    def steps(self) -> int:
        """Steps of a line between others like it."""
        return int(np.maximum(self.own + self.late, 1).sum()) - self.ahead

    def line_steps(
        self, *, takes: bool = True, gives: bool = True, late: bool = False, tail: bool = False
    ) -> NDArray[np.uint8]:
        """Flags of the steps of a line that takes cells and gives groups, or does not; behind one
        that left groups (``late``). ``tail``: only the states that these need.
        """
        states = self.tail if tail else self.length
        pushes = (self.own * gives + self.late * late)[:states]
        flags = np.repeat(np.where(pushes > 0, PUSH, 0), np.maximum(pushes, 1)).astype(np.uint8)
        first = np.cumsum(np.maximum(pushes, 1)) - np.maximum(pushes, 1)
        if takes:
            flags[first[: self.takes]] |= TAKE
        return flags[int(self.ahead) :]


@lru_cache(CACHED)
def choose_schedule(
    size: int, step: int, span: int, ends: tuple[int, ...], wraps: bool, ahead: bool = False
) -> LineSchedule:
    """The schedule with the fewest steps; of these one with few different places of groups in the
    history, and few cells in it.

    A group leaves as soon as its cells are there, either all of them, padding behind the line
    included, for which cells of the next line may stand; or those that are no padding. It may also
    wait for some takes where that spreads the groups. ``ahead``: whether the first beat may be
    taken ahead, where it is worth that.
    """
    takes, found = size // step, []
    for early in (False, True):
        taus = [max(0, min(end, size - 1) if early else end) // step for end in ends]
        for slack in range(MOST_SLACK + 1):
            states = spread(taus, takes, slack, LINES if wraps else 1)
            if states is None or (wraps and states[-1] >= 2 * takes):
                continue
            line = LineSchedule(size, step, span, ends, states, wraps)
            found.append(line)
            if ahead and line.length == takes + 1 and takes > 1 and states[0] > 0:
                found.append(replace(line, ahead=True))

    def price(x: LineSchedule) -> tuple[int, ...]:
        """Steps, with what a beat aside is worth; places; cells."""
        return x.steps + x.ahead * (x.steps // (MOST_AHEAD + 1)), len(set(x.offsets)), len(x.kept)

    return min(found, key=price)


def spread(taus: Sequence[int], takes: int, slack: int, lines: int) -> tuple[int, ...] | None:
    """The state in which each group leaves, of many lines one after another, where the cells of a
    group are there from state ``taus`` on: in order, one a state, more only where a group has
    waited for ``slack`` takes. None where lines differ in the end.
    """
    waiting = deque((line * takes + tau, line) for line in range(lines) for tau in taus)
    found: list[list[int]] = [[] for _ in range(lines)]
    state = 0
    while waiting:
        alone = True
        while waiting and waiting[0][0] + (0 if alone else slack) <= state:
            line = waiting.popleft()[1]
            found[line].append(state - line * takes)
            alone = False
        state += 1
    if lines > 1 and found[-1] != found[-2]:
        return None
    return tuple(found[-1])
