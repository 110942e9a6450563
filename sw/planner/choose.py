"""The plan that a command works with: a file's, one for a goal, or the default for a board."""

from pathlib import Path

from subbit.boards import Board
from subbit.sw.ir.network import Network
from subbit.sw.plan import load_plan
from subbit.sw.planner.default import DEFAULT_LUT4, default_plan
from subbit.sw.planner.goal import Goal, NothingFits, Planned, plan_for, planned

__all__ = ["choose", "default_goal"]


def default_goal(board: Board) -> Goal:
    """What builds within minutes: the highest rate in DEFAULT_LUT4 and half of the device."""
    return Goal(reserve=0.5, lut4=min(DEFAULT_LUT4, board.device.lut4 // 2))


def choose(
    network: Network, board: Board, path: Path | None = None, goal: Goal | None = None
) -> Planned:
    """The plan of the file, or for the goal, or the default one, with what to expect of it.

    Raises PlanError, and FitError where the goal cannot be reached on the board.
    """
    if path is not None:
        return planned(network, board, load_plan(path, network), goal)
    if goal is None:
        try:
            return plan_for(network, board, default_goal(board))
        except NothingFits:
            return planned(network, board, default_plan(network, 0, board.device.fabric))
    try:
        return plan_for(network, board, goal)
    except NothingFits as error:
        from subbit.sw.planner.advice import explained

        raise explained(network, board, goal, error) from None
