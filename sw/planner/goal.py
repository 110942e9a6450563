"""From a goal, a rate or the most that fits, to a plan for a board."""

from dataclasses import dataclass, replace
from functools import cached_property

from subbit.boards import Board
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import memory_cost
from subbit.hw.link.protocol import default_window
from subbit.sw.cycles.fast import Timing, measure
from subbit.sw.errors import FitError
from subbit.sw.ir.network import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.planner.calibration import calibration
from subbit.sw.planner.costs import Costs, StageEstimate, feed_cost, total
from subbit.sw.planner.fifos import Fitted, fit_fifos
from subbit.sw.planner.search import Choice, Search, lacking

__all__ = [
    "RESERVE",
    "Goal",
    "NothingFits",
    "Planned",
    "budget_of",
    "feasible",
    "host_cost",
    "least_plan",
    "planned",
]

RESERVE = 0.2
ATTEMPTS = 4
STRETCH, STRETCHES = 1.3, 4
SHORT = 2  # beats of a FIFO that only parts one path into two
ROOM = 1.02  # what is over the budget is taken off it, and a little more


@dataclass(frozen=True)
class Goal:
    """What a plan is for: ``fps`` frames a second at least, or without it the most that fits.

    ``reserve``: the share of each kind of cell, 0 to 1, that stays free for the router's sake.
    ``lut4``: bounds the accelerator's LUT4s further. ``clock_hz``: instead of the clock to expect.
    """

    fps: float | None = None
    reserve: float = RESERVE
    lut4: int | None = None
    clock_hz: float | None = None


@dataclass(frozen=True)
class Planned:
    """A plan for a board, with what is expected of it.

    ``rows``: of each stage, FIFOs and width changes in front of it included. ``clock_hz``: that is
    expected, or that was given. ``lanes``: elements in a beat of the input.
    """

    network: Network
    board: Board
    plan: Plan
    rows: tuple[StageEstimate, ...]
    timing: Timing
    clock_hz: float
    lanes: int = 1

    @cached_property
    def cost(self) -> Cost:
        """Of the accelerator."""
        return total(row.cost for row in self.rows)

    @property
    def design(self) -> Cost:
        """Of all that goes onto the board, link and clocks included."""
        return self.cost + self.host

    @cached_property
    def host(self) -> Cost:
        """Of link and clocks."""
        return host_cost(self.network, self.board) + self.feed

    @cached_property
    def feed(self) -> Cost:
        """Of the host link, to fill the input's beats."""
        return feed_cost(self.network, self.board.device.fabric, self.lanes)

    @property
    def fps(self) -> float:
        """Frames a second, without the serial port."""
        return self.clock_hz / self.timing.interval_cycles

    @property
    def slowest(self) -> StageEstimate:
        """The stage that bounds the rate."""
        return max(self.rows, key=lambda row: row.cycles)


class NothingFits(FitError):
    """No plan reaches the goal on the board.

    ``cycles``: the interval that was wanted, or None; ``needs``: the least that would be needed,
    link and clocks included, or None where no folding is as fast; ``fastest``: the least interval
    of any plan whatever its size.
    """

    def __init__(self, cycles: int | None, needs: Cost | None, fastest: int) -> None:
        super().__init__("no plan fits")
        self.cycles, self.needs, self.fastest = cycles, needs, fastest


def host_cost(network: Network, board: Board) -> Cost:
    """What link and clocks take, with the link's buffers for frames in block RAM and beats of the
    input that lie in one byte.
    """
    x = network.input_type
    frame_bytes = -(-x.height * x.width * x.channels // (8 // min(x.bits, 8)))
    slot = 1 << (frame_bytes - 1).bit_length()
    words = (default_window(frame_bytes) - 1) * slot + frame_bytes
    return calibration(board.device.fabric).host + board.family.cost(memory_cost(8, words, "block"))


def budget_of(network: Network, board: Board, goal: Goal) -> Cost:
    """What the accelerator may take, and what fills its input's beats."""
    device, host = board.device, host_cost(network, board)
    share = 1 - goal.reserve
    lut4 = int(device.lut4 * share) - host.lut4
    return Cost(
        min(lut4, goal.lut4) if goal.lut4 is not None else lut4,
        int(device.flip_flops * share) - host.flip_flops,
        int(device.block_rams * share) - host.block_rams,
    )


def clock_of(board: Board, goal: Goal, lut4: int) -> float:
    """The clock to expect of a design of so many LUT4s."""
    if goal.clock_hz is not None:
        return goal.clock_hz
    return calibration(board.device.fabric).clock_hz(lut4)


def planned(network: Network, board: Board, plan: Plan, goal: Goal | None = None) -> Planned:
    """What to expect of a plan; raises PlanError where it does not fit the network."""
    pipeline = Pipeline(network, plan)
    timing = measure(pipeline.processes, 4, pipeline.feeds)
    return expected(network, board, pipeline, timing, goal or Goal())


def expected(
    network: Network, board: Board, pipeline: Pipeline, timing: Timing, goal: Goal
) -> Planned:
    """What to expect of a pipeline whose cycles are known."""
    rows, lines = [], calibration(board.device.fabric)
    for stage in pipeline.plan.stages:
        units = [step.unit for step in pipeline.steps if step.stage == stage]
        cost = total(map(lines.of, units))
        rows.append(StageEstimate(stage, cost, max(unit.interval_cycles for unit in units)))
    lut4 = total(row.cost for row in rows).lut4 + lines.host.lut4
    clock_hz = clock_of(board, goal, lut4)
    lanes = pipeline.i.lanes
    return Planned(network, board, pipeline.plan, tuple(rows), timing, clock_hz, lanes)


def least_plan(network: Network, board: Board, goal: Goal, search: Search | None = None) -> Planned:
    """The plan of least area that reaches the goal's rate, or of the highest rate that fits.

    Raises NothingFits.
    """
    search = search or Search(network, Costs.on(network, board.device))
    try:
        return nearest(network, board, goal, search)
    except NothingFits:
        # Faster plans are not looked at for a rate, and some need less of what is short.
        most = fastest(network, board, goal, search) if goal.fps is not None else None
        if most is None or most.fps < (goal.fps or 0):
            raise
        return most


def fastest(network: Network, board: Board, goal: Goal, search: Search) -> Planned | None:
    """The plan of the highest rate, or None where none fits."""
    try:
        return nearest(network, board, replace(goal, fps=None), search)
    except NothingFits:
        return None


def nearest(network: Network, board: Board, goal: Goal, search: Search) -> Planned:
    """The first plan that fits, in budgets that shrink by what the plan before exceeded its own,
    FIFOs included; raises NothingFits.
    """
    allowed = budget_of(network, board, goal)
    budget, found, haste = allowed, None, 1.0
    for _ in range(ATTEMPTS):
        try:
            choice = chosen(search, board, goal, budget, haste)
        except NothingFits:
            if found is None:
                raise
            break  # with its FIFOs the last one is what came nearest
        result = priced(network, board, choice, goal)
        over = lacking(result.cost + result.feed, allowed)
        too_slow = goal.fps is not None and result.fps < goal.fps
        if not over and not too_slow:
            return result if goal.fps is not None else stretched(search, result, goal, allowed)
        found = result
        budget = tightened(budget, choice.cost, over)
        if goal.fps is not None and too_slow:
            haste *= 1.001 * goal.fps / result.fps
    assert found is not None
    raise NothingFits(found.timing.interval_cycles, found.design, search.fastest)


def stretched(search: Search, found: Planned, goal: Goal, allowed: Cost) -> Planned:
    """A faster plan within what is allowed, where there is one: the search's estimates of counters
    are rough and may be too high. Budgets up to STRETCH times the LUT4s are tried.
    """
    fits, fails, share = 1.0, STRETCH, STRETCH
    result, last = found, None
    for _ in range(STRETCHES):
        choice = search.best(replace(allowed, lut4=int(share * allowed.lut4)))
        if choice is None or choice.slowest >= found.timing.interval_cycles:
            result = found
        elif choice != last:
            result = priced(found.network, found.board, choice, goal)
        if lacking(result.cost + result.feed, allowed):
            fails = share
        else:
            found, fits = max(found, result, key=lambda plan: plan.fps), share
        last = choice
        if fits == fails:
            break
        share = (fits + fails) / 2
    return found


def priced(network: Network, board: Board, choice: Choice, goal: Goal) -> Planned:
    """The choice as a plan with FIFOs, and what to expect of that."""
    fitted = fit(network, board, choice)
    return expected(network, board, Pipeline(network, fitted.plan), fitted.timing, goal)


def fit(network: Network, board: Board, choice: Choice) -> Fitted:
    """The choice with counters of the board's fabric, and with FIFOs."""
    stages = [option.stage.with_popcount(board.family.popcount_form) for option in choice.options]
    queued = [with_queue(stage) for stage in stages]
    return fit_fifos(network, queued, choice.slowest, board.device.name)


def with_queue(stage: Stage) -> Stage:
    """The stage, with a short FIFO behind it where it computes several pixels at once.

    Without one, ``ready`` of what follows reaches through all units that put these pixels in order,
    which was the slowest path of many designs.
    """
    return replace(stage, fifo=max(stage.fifo, SHORT)) if stage.reorders else stage


def chosen(search: Search, board: Board, goal: Goal, budget: Cost, haste: float = 1.0) -> Choice:
    """The choice for the goal, for a rate ``haste`` times as high; raises NothingFits."""
    host = host_cost(search.costs.network, board)
    if goal.fps is None:
        if best := search.best(budget):
            return best
        least = search.solve(search.slowest, budget)
        needs = least.cost + host if least else None
        raise NothingFits(None, needs, search.fastest)
    # The clock falls with what is used, and the faster the clock, the less is used: so from the
    # least on, until the clock of what is used suffices.
    used, found = 0, None
    for _ in range(ATTEMPTS):
        cycles = int(clock_of(board, goal, used) / (haste * goal.fps))
        choice = search.solve(cycles, budget) if cycles else None
        if choice is None or lacking(choice.cost, budget):
            needs = choice.cost + host if choice else None
            raise NothingFits(cycles, needs, search.fastest)
        found, used = choice, choice.cost.lut4 + host.lut4
        if choice.slowest * haste * goal.fps <= clock_of(board, goal, used):
            break
    assert found is not None
    return search.wider(found, budget)


def tightened(budget: Cost, chosen: Cost, over: dict[str, int]) -> Cost:
    """The budget for the next choice: of each kind of which the design had ``over`` so many too
    many cells, by a little more than that below what the choice of estimated cost ``chosen`` had.
    """
    kinds = {
        kind: min(budget.counts[kind], chosen.counts[kind]) - round(ROOM * more + 1)
        for kind, more in over.items()
    }
    return Cost(**(budget.counts | kinds))


def feasible(search: Search, board: Board, goal: Goal) -> bool:
    """Whether the goal, or without a rate any plan at all, can be reached on the board, without
    FIFOs.
    """
    budget = budget_of(search.costs.network, board, goal)
    if goal.fps is None:
        choice = search.solve(search.slowest, budget)
        return choice is not None and not lacking(choice.cost, budget)
    try:
        chosen(search, board, goal, budget)
    except NothingFits:
        return False
    return True
