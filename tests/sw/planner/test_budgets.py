"""Larger budgets give no lower rates, whatever there is more of."""

from dataclasses import replace
from functools import cache

import pytest

from subbit.boards import Board, board
from subbit.sw.ir import Network
from subbit.sw.planner.costs import Costs
from subbit.sw.planner.goal import Goal, NothingFits
from subbit.sw.planner.most import least_plan
from subbit.sw.planner.search import Search
from tests.networks import pooled_network, small_network

ULX3S, ICE = board("ulx3s-12f"), board("icebreaker")
NETWORKS = {
    "plain": lambda: small_network("plain"),
    "tiled": lambda: small_network("tiled"),
    "pooled": pooled_network,
}


@cache
def network(name: str) -> Network:
    """One of NETWORKS."""
    return NETWORKS[name]()


@cache
def costs(name: str, fabric: str) -> Costs:
    """What its options cost, which no budget changes."""
    where = ULX3S if fabric == "ecp5" else ICE
    return Costs.on(network(name), where.device)


def rate(name: str, where: Board, goal: Goal) -> float:
    """Frames a second as planned by a search that has seen no other budget; 0 where nothing
    fits.
    """
    search = Search(network(name), costs(name, where.device.fabric))
    try:
        return least_plan(network(name), where, goal, search).fps
    except NothingFits:
        return 0.0


def rising(rates: list[float]) -> None:
    """None is lower than the one before, and not all are equal."""
    assert rates == sorted(rates), rates
    assert rates[0] < rates[-1]


@pytest.mark.parametrize(
    ("name", "where"), [("plain", ULX3S), ("tiled", ICE), ("pooled", ULX3S), ("pooled", ICE)]
)
def test_more_lookup_tables(name: str, where: Board) -> None:
    rising([rate(name, where, Goal(lut4=lut4)) for lut4 in (1400, 1900, 2300, 2700, 3100, 3500)])


def test_less_in_reserve() -> None:
    rising([rate("plain", ICE, Goal(reserve=share)) for share in (0.45, 0.35, 0.25, 0.15, 0.05)])


def test_more_block_rams() -> None:
    boards = [replace(ICE, device=replace(ICE.device, block_rams=rams)) for rams in (5, 8, 12, 30)]
    rising([rate("tiled", where, Goal(lut4=2200)) for where in boards])
