"""The plan that a command works with: a file's, one for a goal, or the default for a board."""

from dataclasses import replace
from pathlib import Path

from subbit import boards
from subbit.boards import DEFAULT_BOARD, Board
from subbit.hw.tables.rom import BLOCK_BITS, LUT_BITS
from subbit.sw.errors import FitError
from subbit.sw.ir.network import Network
from subbit.sw.lower.plan import Plan, load_plan, smallest_plan
from subbit.sw.planner.calibration import calibration
from subbit.sw.planner.costs import Costs
from subbit.sw.planner.goal import Goal, NothingFits, Planned, planned
from subbit.sw.planner.most import least_plan
from subbit.sw.planner.search import Search

__all__ = ["DEFAULT_LUT4", "choose", "default_goal", "default_plan", "plan_for"]

DEFAULT_LUT4 = 6250
# Of a small device, which builds within minutes even with block RAMs nearly used up, but not with
# more logic: at 86 % of an iCE40UP5K the placer found no places for carry chains.
SMALL_RESERVE, SMALL_LUT4 = 0.1, 0.75
# The last LUT4s may bring hardly any rate, and take the router's time: of digits-plain the last
# 1,000 bring 2 %.
FEWER, NEARLY = 0.9, 0.95
MOST_CYCLES = 100_000_000  # of a frame, up to which the smallest plan is worked out


def default_goal(board: Board, lut4: int = DEFAULT_LUT4) -> Goal:
    """The goal of what builds within minutes: the highest rate in ``lut4`` LUT4s and half of the
    device; on a device of ``lut4`` LUT4s or fewer, in nine tenths of it and three quarters of its
    LUT4s.
    """
    if board.device.lut4 <= lut4:
        most = int(SMALL_LUT4 * board.device.lut4)
        host = calibration(board.device.fabric).host
        return Goal(reserve=SMALL_RESERVE, lut4=most - host.lut4)
    return Goal(reserve=0.5, lut4=min(lut4, board.device.lut4 // 2))


def default_plan(network: Network, board: Board | None = None, lut4: int = DEFAULT_LUT4) -> Plan:
    """The plan that commands take without a goal: the highest rate within ``lut4`` LUT4s and half
    of the device (more of a small one), or where nothing fits into that the plan with everything
    folded most. ``board``: by default the one that commands take.
    """
    return default_planned(network, board or boards.board(DEFAULT_BOARD), lut4).plan


def default_planned(network: Network, board: Board, lut4: int = DEFAULT_LUT4) -> Planned:
    """The default plan, with what to expect of it; raises FitError where that would take hours to
    work out, of a network far too large for the board.
    """
    check_size(network)
    goal = default_goal(board, lut4)
    search = Search(network, Costs.on(network, board.device))
    try:
        return smaller(network, board, goal, search, least_plan(network, board, goal, search))
    except NothingFits as error:
        plan, form = smallest_plan(network), board.family.popcount_form
        if sum(stage.least_cycles(network) for stage in plan.stages) > MOST_CYCLES:
            from subbit.sw.planner.advice import explained

            raise explained(board, goal, error, search) from None
        stages = tuple(stage.with_popcount(form) for stage in plan.stages)
        return planned(network, board, replace(plan, stages=stages, device=board.device.name))


def smaller(network: Network, board: Board, goal: Goal, search: Search, found: Planned) -> Planned:
    """``found``, or a plan of a tenth fewer LUT4s that is nearly as fast: it builds sooner."""
    try:
        less = replace(goal, lut4=int(FEWER * found.cost.lut4))
        other = least_plan(network, board, less, search)
    except NothingFits:
        return found
    return other if other.fps >= NEARLY * found.fps else found


def check_size(network: Network) -> None:
    """Raise FitError where no board that is known could hold the weights, whatever the plan."""
    most = {
        name: BLOCK_BITS * board.device.block_rams + LUT_BITS * board.device.lut4
        for name, board in boards.BOARDS.items()
    }
    largest = max(most, key=lambda name: most[name])
    if network.weight_bits > most[largest]:
        raise FitError(
            f"{network.name} stores {network.weight_bits} bits of weights, and the largest board "
            f"known, {largest}, holds {most[largest]} in block RAMs and lookup tables together; "
            "take smaller layers, or share weights with codebooks or tiles ('subbit compress')"
        )


def plan_for(network: Network, board: Board, goal: Goal | None = None) -> Planned:
    """The plan of least area that reaches the goal's rate, or of the highest rate that fits, or
    without a goal the default plan; what ``subbit plan`` makes.

    Raises FitError, which says what is short, by how much, and what would do.
    """
    if goal is None:
        return default_planned(network, board)
    check_size(network)
    search = Search(network, Costs.on(network, board.device), wires=goal.wires)
    try:
        return least_plan(network, board, goal, search)
    except NothingFits as error:
        from subbit.sw.planner.advice import explained

        raise explained(board, goal, error, search) from None


def choose(
    network: Network, board: Board, path: Path | None = None, goal: Goal | None = None
) -> Planned:
    """The plan of the file, or for the goal, or the default one, with what to expect of it.

    Raises PlanError, and FitError where the goal cannot be reached on the board.
    """
    check_size(network)
    if path is not None:
        return planned(network, board, load_plan(path, network), goal)
    return plan_for(network, board, goal)
