"""Plans for an iCE40: its own numbers, its own calibration, and what to do where nothing fits."""

import pytest

from subbit.boards import board
from subbit.hw.contract.cost import Cost
from subbit.sw.errors import FitError
from subbit.sw.planner.calibration import Calibration, calibration
from subbit.sw.planner.choose import choose, default_goal
from subbit.sw.planner.goal import Goal, budget_of, host_cost
from subbit.sw.planner.most import least_plan
from subbit.sw.planner.search import lacking
from tests.networks import small_network

ICE = board("icebreaker")
ULX3S = board("ulx3s-85f")


@pytest.mark.parametrize("name", ["plain", "codebook", "tiled"])
def test_a_default_plan_keeps_a_reserve(name: str) -> None:
    network = small_network(name)
    result = choose(network, ICE)
    assert not lacking(result.cost, budget_of(network, ICE, default_goal(ICE)))
    assert result.design.block_rams <= 27
    device = Cost(ICE.device.lut4, ICE.device.flip_flops, ICE.device.block_rams)
    assert not lacking(result.design, device)
    forms = {getattr(stage, "popcount", "ice40") for stage in result.plan.stages}
    assert forms == {"ice40"}


def test_the_same_plan_takes_more_block_rams_of_four_kilobits() -> None:
    network = small_network("plain")
    result = least_plan(network, ICE, Goal(fps=1000))
    again = choose(network, ULX3S, goal=Goal(fps=1000, clock_hz=result.clock_hz))
    assert result.design.block_rams > again.design.block_rams


def test_the_clock_is_that_of_the_part() -> None:
    ice = calibration("ice40")
    assert ice.fabric == "ice40"
    assert 15e6 < ice.clock_hz(5280) < ice.clock_hz(1000) < 70e6
    assert Calibration.from_json(ice.to_json()) == ice
    assert calibration("ecp5").fabric == "ecp5"


def test_the_links_buffers_are_counted() -> None:
    network = small_network("plain")
    for target in (ICE, ULX3S):
        rest = calibration(target.device.fabric).host
        assert host_cost(network, target).block_rams >= rest.block_rams + 1


def test_what_does_not_fit_is_told_how_much_is_short() -> None:
    with pytest.raises(FitError, match=r"frames/s of .* does not fit icebreaker: .*frames/s do"):
        choose(small_network("plain"), ICE, goal=Goal(fps=900_000))
