"""What the planner takes stages, wires and beats to cost, roughly and in the end."""

from dataclasses import replace

import pytest

from subbit.boards import board
from subbit.hw.contract.cost import Cost
from subbit.sw.bench.unlike import RandomNetwork
from subbit.sw.errors import PlanError
from subbit.sw.ir import Network, load_network
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner.calibration import Calibration, calibration
from subbit.sw.planner.costs import WIDE, Costs, feed_cost, total
from subbit.sw.planner.goal import (
    Goal,
    budget_of,
    host_cost,
    planned,
)
from subbit.sw.planner.most import least_plan
from subbit.sw.planner.search import Search, lacking
from tests.networks import small_network
from tests.paths import EXAMPLES

ULX3S = board("ulx3s-85f")
SMALL = board("ulx3s-12f")


def wide() -> Network:
    """A network whose first layer may take the whole frame a beat."""
    b = RandomNetwork(5)
    b.add(Flatten())
    b.linear(16, 784)
    b.sign(16, 60)
    b.linear(10, 16)
    return b.network("wide", 28, 1, 8)


@pytest.mark.parametrize("name", ["mnist-tiled", "digits-codebook"])
def test_rough_prices_of_large_engines_are_near_exact_ones(name: str) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    search = Search(network, Costs.on(network, ULX3S.device))
    choice = search.solve(400, budget_of(network, ULX3S, Goal()))
    assert choice is not None
    for option in choice.options:
        exact_cost = search.costs.built(option)
        assert option.cost.lut4 == pytest.approx(exact_cost.lut4, rel=0.12, abs=40)
        assert option.cost.flip_flops == pytest.approx(exact_cost.flip_flops, rel=0.2, abs=80)


def test_what_fills_wide_beats_of_the_input_is_counted() -> None:
    network = wide()
    first, *rest = smallest_plan(network).stages
    assert isinstance(first, DotStage)
    plans = [
        replace(smallest_plan(network), stages=(replace(first, simd=simd), *rest))
        for simd in (1, 8, 784)
    ]
    small, few, frame = (planned(network, ULX3S, plan) for plan in plans)
    assert (small.lanes, few.lanes, frame.lanes) == (1, 8, 784)
    assert small.host == host_cost(network, ULX3S)
    # 8 bytes gather in one register and wait in a second one, a whole frame in one.
    assert few.host.flip_flops - small.host.flip_flops in range(64 + 56, 64 + 56 + 10)
    assert frame.host.flip_flops - small.host.flip_flops in range(6272, 6272 + 16)
    assert frame.design == frame.cost + frame.host
    search = Search(network, Costs.on(network, ULX3S.device))
    chosen = search.of(plans[2].stages)
    assert chosen is not None
    parts = search.joins.link(0, chosen.options[0])
    assert parts == feed_cost(network, "ecp5", 784) == frame.ends
    flops = chosen.cost.flip_flops - total(o.cost for o in chosen.options).flip_flops
    assert flops >= parts.flip_flops


def test_a_plan_keeps_room_for_what_fills_its_beats() -> None:
    network = wide()
    goal = Goal(reserve=0.95)
    result = least_plan(network, ULX3S, goal)
    assert not lacking(result.cost + result.ends, budget_of(network, ULX3S, goal))


def test_a_quick_estimate_is_near_that_of_the_vendors_trees() -> None:
    network = small_network("plain")
    costs = Costs(network, "ecp5")
    choice = Search(network, costs).solve(1500, Cost(9999, 9999, 99))
    assert choice
    for option in choice.options:
        units = option.stage.with_popcount("ecp5").units(network)
        said = total(calibration("ecp5").of(unit) for _, unit in units)
        assert option.cost.lut4 == pytest.approx(said.lut4, rel=0.15, abs=30)


def test_very_wide_counters_are_worth_their_wires() -> None:
    b = RandomNetwork(5)
    b.conv(64, 3)
    b.sign(64, 300)
    name = b.conv(64, 64)
    b.sign(64, 200)
    b.add(Flatten())
    b.linear(10, 64 * 64)
    network = b.network("wide", 8, 3, 8)
    result = least_plan(network, ULX3S, Goal(clock_hz=1e8, fps=1e8 / 520))
    wide = next(stage for stage in result.plan.stages if stage.layers[0] == name)
    assert isinstance(wide, DotStage)
    assert wide.pe * wide.simd * wide.pixels >= 64 * 64 * 576 // 520
    assert wide.simd <= WIDE


def test_a_calibration_is_read_as_written() -> None:
    first = calibration("ecp5")
    assert Calibration.from_json(first.to_json()) == first
    half_more = replace(first, packing=(1.5, 1.0))
    assert half_more.packed(Cost(100, 20, 3)) == Cost(150, 20, 3)
    with pytest.raises(PlanError, match="not a calibration file"):
        Calibration.from_json('{"subbit_calibration": 3}')
    with pytest.raises(PlanError, match="calibration version 9; this subbit reads version 3"):
        Calibration.from_json('{"subbit_calibration": 9}')
    assert 150e6 > first.clock_hz(1000) > first.clock_hz(80_000) > 50e6
