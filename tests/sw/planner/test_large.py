"""Networks whose FIFOs take long to find, and FIFOs for an interval with some cycles to spare."""

from dataclasses import replace

import pytest

from subbit.boards import Board, board
from subbit.sw.planner.fifos import fit_fifos, ladder_of
from subbit.sw.planner.goal import Goal, budget_of
from subbit.sw.planner.most import Trials, least_plan
from subbit.sw.planner.search import lacking
from tests.networks import pooled_network, small_network

ULX3S, ICE = board("ulx3s-85f"), board("icebreaker")


class Late(Trials):
    """As for large networks: FIFOs are found in the end."""

    def is_large(self, cycles: int) -> bool:
        """See Trials."""
        return True


@pytest.mark.parametrize("lut4", [1500, 2600])
def test_fifos_that_are_found_in_the_end_fit(lut4: int) -> None:
    network, goal = small_network("plain"), Goal(lut4=lut4)
    usual = Trials(network, ULX3S, goal)
    late = Late(network, ULX3S, goal, usual.search).fastest()
    assert not lacking(late.cost + late.ends, budget_of(network, ULX3S, goal))
    best = usual.fastest().timing.interval_cycles
    assert best <= late.timing.interval_cycles <= 1.2 * best


@pytest.mark.parametrize("where", [ULX3S, ICE])
def test_a_longer_interval_needs_shorter_fifos(where: Board) -> None:
    network = pooled_network()
    row = least_plan(network, ULX3S, Goal(lut4=2500))
    stages = [replace(stage, fifo=0) for stage in row.plan.stages]
    ladder = ladder_of(where)
    first = fit_fifos(network, stages, 1, ladder=ladder)
    most = first.timing.interval_cycles * 5 // 4
    second = fit_fifos(network, stages, most, ladder=ladder)
    assert second.timing.interval_cycles <= most
    depths = [
        [stage.fifo for stage in found.plan.stages] + [depth for _, depth in found.plan.queues]
        for found in (first, second)
    ]
    assert sum(depths[1]) < sum(depths[0])
    assert {depth for row in depths for depth in row} <= {*ladder}


def test_registers_come_by_few_places() -> None:
    assert {4, 8} <= {*ladder_of(ICE)} - {*ladder_of(ULX3S)}
