"""The plan of least area that reaches a rate, and the plan of the highest rate that fits.

The highest rate is looked for by halving a fixed list of intervals, and each interval is judged by
plans that are fixed, too: a plan for the interval and for prices of block RAMs and flip-flops. So
whatever one budget finds, a larger one finds as well, or something faster.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from subbit.boards import Board
from subbit.hw.contract.cost import RESOURCES, Cost
from subbit.hw.streams.fifo import FifoUnit
from subbit.sw.ir.network import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.planner.costs import Costs, total, with_queue
from subbit.sw.planner.fifos import fit_fifos, ladder_of
from subbit.sw.planner.goal import (
    Goal,
    NothingFits,
    Planned,
    budget_of,
    clock_of,
    expected,
    host_cost,
)
from subbit.sw.planner.memories import with_memories
from subbit.sw.planner.search import Choice, Search, lacking

__all__ = ["Trials", "feasible", "least_plan"]

ATTEMPTS = 6
# The search prices counters roughly. What is so many times over the budget by that is too large,
# and what takes but such a share of it fits.
ROUGH, SURELY = 1.4, 0.4
SHORTER = 4  # intervals that are looked at beyond the one that was found
LARGE = 1_000_000  # cycles of all stages, from which on FIFOs take seconds to find
MISSES = 3  # plans for an interval, one after the other, that are too large without FIFOs
TRIED = 6  # plans for an interval that get FIFOs, from the cheapest in LUT4s on


def least_plan(network: Network, board: Board, goal: Goal, search: Search | None = None) -> Planned:
    """The plan of least area that reaches the goal's rate, or of the highest rate that fits.

    Raises NothingFits.
    """
    trials = Trials(network, board, goal, search)
    if goal.fps is None:
        return trials.fastest()
    try:
        return trials.smallest()
    except NothingFits:
        # Faster plans are not looked at for a rate, and some need less of what is short.
        try:
            most = trials.fastest()
        except NothingFits:
            most = None
        if most is None or most.fps < goal.fps:
            raise
        return most


class Trials:
    """Plans for a network on a board, priced exactly and with their FIFOs, until one is found."""

    def __init__(
        self, network: Network, board: Board, goal: Goal, search: Search | None = None
    ) -> None:
        self.network, self.board, self.goal = network, board, goal
        self.search = search or Search(network, Costs.on(network, board.device), wires=goal.wires)
        self.allowed = budget_of(network, board, goal)
        self.host = host_cost(network, board)
        self._best: dict[int, Planned | None] = {}
        self._priced: dict[tuple[int, tuple[Stage, ...]], Planned] = {}
        self._fitting: set[tuple[Stage, ...]] = set()
        self.nearest: Planned | None = None
        self.room = Cost()  # that is left for FIFOs

    def smallest(self) -> Planned:
        """The plan of least area that reaches the goal's rate; raises NothingFits."""
        haste, fps, found = 1.0, self.goal.fps or 0.0, None
        for _ in range(ATTEMPTS):
            cycles = self.interval(haste)
            least = self.search.solve(cycles, self.allowed) if cycles else None
            if least is None:
                raise NothingFits(cycles, None, self.search.fastest)
            found = self.best(cycles)
            if found is None:
                needs = self.nearest.design if self.nearest else least.cost + self.host
                raise NothingFits(cycles, needs, self.search.fastest)
            if found.fps >= fps:
                return found
            haste *= 1.001 * fps / found.fps
        raise NothingFits(cycles, found.design if found else None, self.search.fastest)

    def interval(self, haste: float) -> int:
        """The interval for a rate ``haste`` times as high as wanted.

        The clock falls with what is used, and the faster the clock, the less is used: so from the
        least on, until the clock of what is used suffices.
        """
        fps, used, cycles = haste * (self.goal.fps or 0), 0, 0
        for _ in range(ATTEMPTS):
            cycles = int(clock_of(self.board, self.goal, used) / fps)
            choice = self.search.solve(cycles, self.allowed) if cycles else None
            if choice is None:
                break
            used = choice.cost.lut4 + self.host.lut4
            if choice.slowest * fps <= clock_of(self.board, self.goal, used):
                break
        return cycles

    def fastest(self) -> Planned:
        """The plan of the highest rate that fits; raises NothingFits."""
        intervals = self.search.intervals()
        for _ in range(ATTEMPTS):
            fits = self.halved(intervals)
            large = fits < len(intervals) and self.is_large(intervals[fits])
            best = self.best(intervals[fits]) if large else self.around(intervals, fits)
            if best:
                return best
            if not large:
                break
            self.leave_room(intervals[fits])
        if near := self.nearest:  # it fits without its FIFOs
            raise NothingFits(near.timing.interval_cycles, near.design, self.search.fastest)
        least = self.search.solve(self.search.slowest, self.allowed)
        needs = least.cost + self.host if least else None
        raise NothingFits(None, needs, self.search.fastest)

    def halved(self, intervals: Sequence[int]) -> int:
        """The number of the first interval for which a plan fits, if those do for all longer ones;
        how many there are where none fits.
        """
        fails, fits = -1, len(intervals)
        while fits - fails > 1:
            middle = (fails + fits) // 2
            if self.fits(intervals[middle]):
                fits = middle
            else:
                fails = middle
        return fits

    def around(self, intervals: Sequence[int], fits: int) -> Planned | None:
        """The fastest plan around an interval, by its number, from which on plans seem to fit.

        What fits need not be in order: looked at are the next shorter intervals, and all longer
        ones that may have a higher clock.
        """
        best = self.best(intervals[fits]) if fits < len(intervals) else None
        for cycles in intervals[max(0, fits - SHORTER) :]:
            rough = next(self.search.candidates(cycles, self.allowed), None)
            if rough is None or stages_of(rough) in self._fitting:
                continue  # longer intervals make no choice faster
            if best and best.fps >= self.bound(rough):
                if cycles >= intervals[min(fits, len(intervals) - 1)]:
                    break
                continue
            found = self.best(cycles)
            best = found if best is None or (found and found.fps > best.fps) else best
        return best

    def is_large(self, cycles: int) -> bool:
        """Whether FIFOs for an interval take long to find, as the model has many steps; they are
        then found in the end, and not while intervals are halved.
        """
        return cycles * len(self.search.seeds) > LARGE

    def leave_room(self, cycles: int) -> None:
        """From now on leave room for FIFOs as large as those of the plan for that interval, with
        block RAMs to spare.
        """
        choice = next(self.within(cycles))
        steps = Pipeline(self.network, self.search.fitted[cycles, stages_of(choice)].plan).steps
        fifos = [step.unit for step in steps if isinstance(step.unit, FifoUnit)]
        self.room = total(map(self.search.costs.lines.of, fifos))
        self._best.clear()

    def fits(self, cycles: int) -> bool:
        """Whether a plan for that interval fits."""
        rough = next(self.search.candidates(cycles, self.allowed), None)
        if rough is None:
            return False
        cost, allowed = rough.cost.counts, self.allowed.counts
        share = max(cost[kind] / max(1, allowed[kind]) for kind in RESOURCES)
        if self.is_large(cycles):
            return next(self.within(cycles), None) is not None
        return share < SURELY or self.best(cycles) is not None

    def bound(self, rough: Choice) -> float:
        """A rate that no plan of about so many LUT4s exceeds."""
        lut4 = int(rough.cost.lut4 / ROUGH) + self.host.lut4
        return clock_of(self.board, self.goal, lut4) / rough.slowest

    def best(self, cycles: int) -> Planned | None:
        """The fastest plan for that interval that fits, if any does."""
        if cycles not in self._best:
            tried = islice(self.within(cycles), 1 if self.is_large(cycles) else TRIED)
            results = (self.fitting(choice, cycles) for choice in tried)
            self._best[cycles] = next((result for result in results if result), None)
        return self._best[cycles]

    def fitting(self, choice: Choice, cycles: int) -> Planned | None:
        """The choice as a plan that fits, if it does: with FIFOs for its own interval, or where
        these are too large with those for ``cycles``.
        """
        own = () if self.is_large(cycles) else (choice.slowest,)
        for interval in dict.fromkeys((*own, cycles)):
            result = self.priced(choice, interval)
            if not lacking(result.cost + result.ends, self.allowed):
                self._fitting.add(stages_of(choice))
                return result
        return None

    def within(self, cycles: int) -> Iterator[Choice]:
        """The choices for an interval that fit without FIFOs, the cheapest in LUT4s first."""
        misses = 0
        for choice in self.search.candidates(cycles, self.allowed):
            rough = choice.cost
            likely = rough.with_cells(int(rough.lut4 / ROUGH), int(rough.flip_flops / ROUGH))
            if lacking(likely, self.allowed):
                continue
            bare = total(map(self.search.costs.built, choice.options)) + self.room
            short = lacking(bare + self.search.joins.of(choice.options), self.allowed)
            if not short:
                yield choice
            misses = misses + 1 if "lut4" in short else 0
            if misses == MISSES:  # those that follow are larger still
                return

    def priced(self, choice: Choice, interval: int) -> Planned:
        """The choice as a plan with FIFOs for an interval, and what to expect of that."""
        key = (interval, stages_of(choice))
        if key not in self._priced:
            self._priced[key] = self.worked_out(choice, interval)
        self.nearest = self._priced[key]
        return self.nearest

    def worked_out(self, choice: Choice, interval: int) -> Planned:
        """See priced."""
        form = self.board.family.popcount_form
        made = [with_queue(option.stage.with_popcount(form)) for option in choice.options]
        key = (interval, stages_of(choice))
        if key not in self.search.fitted:
            device = self.board.device.name
            self.search.fitted[key] = fit_fifos(
                self.network, made, interval, device, ladder=ladder_of(self.board)
            )
        fitted = self.search.fitted[key]
        pipeline, timing = with_memories(self.network, self.board, made, fitted, self.allowed)
        return expected(self.network, self.board, pipeline, timing, self.goal)


def stages_of(choice: Choice) -> tuple[Stage, ...]:
    """The stages that were chosen, which tell choices apart."""
    return tuple(option.stage for option in choice.options)


def feasible(search: Search, board: Board, goal: Goal) -> bool:
    """Whether the goal, or without a rate any plan at all, can be reached on the board, without
    FIFOs and as far as the rough prices tell.
    """
    trials = Trials(search.costs.network, board, goal, search)
    cycles = search.slowest if goal.fps is None else trials.interval(1.0)
    choice = search.solve(cycles, trials.allowed) if cycles else None
    return choice is not None and not lacking(choice.cost, trials.allowed)
