"""From a goal, a rate or the most that fits, to a plan for a board."""

from dataclasses import dataclass
from functools import cached_property

from subbit.boards import Board
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import memory_cost, queue_store
from subbit.hw.contract.unit import Lanes
from subbit.hw.link.protocol import ANSWER_BITS, MAX_WINDOW, answers_kept, default_window
from subbit.hw.link.results import results_cost
from subbit.sw.cycles.fast import Timing, measure
from subbit.sw.errors import FitError
from subbit.sw.ir.network import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from subbit.sw.planner.calibration import calibration
from subbit.sw.planner.costs import StageEstimate, feed_cost, total

__all__ = [
    "RESERVE",
    "Goal",
    "NothingFits",
    "Planned",
    "budget_of",
    "clock_of",
    "expected",
    "host_cost",
    "planned",
]

RESERVE = 0.2


@dataclass(frozen=True)
class Goal:
    """What a plan is for: ``fps`` frames a second at least, or without it the most that fits.

    ``reserve``: the share of each kind of cell, 0 to 1, that stays free for the router's sake.
    ``lut4``: bounds the accelerator's LUT4s further. ``clock_hz``: instead of the clock to expect.
    ``wires``: whether layers may be unrolled, with weights that are wires.
    """

    fps: float | None = None
    reserve: float = RESERVE
    lut4: int | None = None
    clock_hz: float | None = None
    wires: bool = False


@dataclass(frozen=True)
class Planned:
    """A plan for a board, with what is expected of it.

    ``rows``: of each stage, FIFOs and width changes in front of it included. ``clock_hz``: that is
    expected, or that was given. ``lanes``: elements in a beat of the input; ``o``: what a beat of
    the output holds.
    """

    network: Network
    board: Board
    plan: Plan
    rows: tuple[StageEstimate, ...]
    timing: Timing
    clock_hz: float
    lanes: int
    o: Lanes

    def __repr__(self) -> str:
        cost = self.design
        return (
            f"<Planned {self.network.name} on {self.board.name}: {self.fps:,.0f} frames/s, "
            f"{cost.lut4:,} LUT4, {cost.block_rams:,} block RAMs>"
        )

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
        return host_cost(self.network, self.board) + self.ends

    @cached_property
    def ends(self) -> Cost:
        """Of the host link, to fill the input's beats and to take the output's apart."""
        fill = feed_cost(self.network, self.board.device.fabric, self.lanes)
        return fill + self.board.family.cost(results_cost(self.network, self.o))

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
    input that lie in one byte; where registers keep the answers that wait, fewer buffers take less.
    """
    x = network.input_type
    frame_bytes = -(-x.height * x.width * x.channels // (8 // min(x.bits, 8)))
    slot = 1 << (frame_bytes - 1).bit_length()
    window = default_window(frame_bytes)
    frames = memory_cost(8, (window - 1) * slot + frame_bytes, "block")
    queue = queue_store(ANSWER_BITS, answers_kept(window))
    usual = queue_store(ANSWER_BITS, answers_kept(MAX_WINDOW))  # of the networks that were measured
    return calibration(board.device.fabric).host + board.family.cost(frames + queue - usual)


def budget_of(network: Network, board: Board, goal: Goal) -> Cost:
    """What the accelerator may take, with what fills its input's beats and splits its output's."""
    device, host = board.device, host_cost(network, board)
    share = 1 - goal.reserve
    lut4 = int(device.lut4 * share) - host.lut4
    return Cost(
        min(lut4, goal.lut4) if goal.lut4 is not None else lut4,
        int(device.flip_flops * share) - host.flip_flops,
        int(device.block_rams * share) - host.block_rams,
        multipliers=int(device.dsps * share) - host.multipliers,
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
    ends = pipeline.i.lanes, pipeline.o
    return Planned(network, board, pipeline.plan, tuple(rows), timing, clock_hz, *ends)
