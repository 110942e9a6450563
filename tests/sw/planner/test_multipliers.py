"""Multipliers in plans: taken where they save LUT4s, within what the part has and its reserve."""

from dataclasses import replace
from functools import cache

import pytest

from subbit.boards import Board, board
from subbit.hw.contract.cost import Cost
from subbit.sw.bench.multipliers import stem_network
from subbit.sw.planner.goal import Goal, Planned
from subbit.sw.planner.most import least_plan
from subbit.sw.planner.report import plan_report
from subbit.sw.planner.search import lacking

STEM = stem_network(12, 3, 4, out_bits=2)
CYCLES = 600  # enough for 9 of the 27 inputs of an output at once


def part(dsps: int) -> Board:
    """A board with so many multipliers."""
    usual = board("ulx3s-12f")
    return replace(usual, device=replace(usual.device, dsps=dsps))


@cache
def plan(dsps: int, reserve: float = 0.2) -> Planned:
    """For a frame in CYCLES."""
    goal = Goal(fps=1e6 / CYCLES, clock_hz=1e6, reserve=reserve)
    return least_plan(STEM, part(dsps), goal)


def test_multipliers_save_cells_where_there_are_enough() -> None:
    many, none = plan(28), plan(0)
    assert many.rows[0].stage.to_json()["engine"] == "multipliers"
    assert none.rows[0].stage.to_json()["engine"] == "direct"
    assert many.cost.lut4 < 0.9 * none.cost.lut4
    assert (many.cost.multipliers, none.cost.multipliers) == (9, 0)


@pytest.mark.parametrize(
    ("dsps", "reserve", "engine"), [(9, 0.0, "multipliers"), (9, 0.2, "direct")]
)
def test_the_reserve_holds_for_multipliers(dsps: int, reserve: float, engine: str) -> None:
    found = plan(dsps, reserve)
    assert found.rows[0].stage.to_json()["engine"] == engine
    assert found.cost.multipliers <= dsps * (1 - reserve)


def test_reports_count_them() -> None:
    row = plan_report(plan(28))
    assert row["multipliers"] == row["stages"][0]["multipliers"] == 9
    assert row["available"]["multipliers"] == 28
    assert row["host"]["multipliers"] == 0
    assert lacking(Cost(multipliers=3), Cost(multipliers=1)) == {"multipliers": 2}


def test_a_part_without_multipliers_for_engines_gets_branches() -> None:
    bare = part(28)
    bare = replace(bare, device=replace(bare.device, operand_bits=0))
    found = least_plan(STEM, bare, Goal(fps=1e6 / CYCLES, clock_hz=1e6))
    assert found.rows[0].stage.to_json()["engine"] == "direct"
