"""The worked example of docs/extend/adding-an-engine.md, run as it stands there."""

import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Signal
from amaranth.sim import Simulator

from subbit.boards import board
from subbit.hw.tables.packing import pack_elements
from subbit.sw.bench.costs import map_units
from subbit.sw.errors import PlanError
from subbit.sw.ir import BinaryWeights, Linear, Network, TensorType, Threshold
from subbit.sw.lower.engines import table
from subbit.sw.lower.engines.engine import EngineStage
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, load_plan, save_plan, smallest_plan
from subbit.sw.planner import default_plan, planned
from tests.hw.harness import check_unit, unpack, with_reset
from tests.paths import DOCS

PAGE = DOCS / "extend" / "adding-an-engine.md"


@pytest.fixture
def serial(tmp_path: Path) -> Iterator[Any]:
    """The unit's class of the page, with all its files in place."""
    blocks = re.findall(r"```python\n# file: (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = [name for name, _ in blocks]
    assert len(names) == 4, names
    rows, places = dict(table.ENGINES), {}
    for name, text in blocks[:-1]:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        package: Any = importlib.import_module("subbit." + ".".join(Path(name).parent.parts))
        places.setdefault(package, list(package.__path__))
        package.__path__ = [*package.__path__, str(file.parent)]
    exec(compile(blocks[-1][1], str(PAGE), "exec"), {})
    yield importlib.import_module("subbit.hw.dot.serial").SerialUnit
    table.ENGINES.clear()
    table.ENGINES.update(rows)
    for package, path in places.items():
        package.__path__ = path


def weights(seed: int, outputs: int, length: int) -> BinaryWeights:
    return BinaryWeights(np.random.default_rng(seed).integers(0, 2, (outputs, length)))


def thresholds(outputs: int, bits: int) -> Threshold:
    chance = np.random.default_rng(outputs)
    rows = np.sort(chance.integers(-9, 10, (outputs, (1 << bits) - 1)), axis=1)
    return Threshold(rows, chance.integers(0, 2, outputs))


def network() -> Network:
    layers = {
        "fc1": Linear(weights(1, 9, 24)),
        "act": thresholds(9, 1),
        "fc2": Linear(weights(2, 4, 9)),
    }
    return Network.chain("serial", TensorType.codes(1, 1, 24, 1), layers)


def serial_plan(of: Network, **own: int) -> Plan:
    plan = smallest_plan(of)
    stages = []
    for stage in plan.stages:
        assert isinstance(stage, EngineStage)
        stages.append(table.engine_of("serial").on(stage, **own))
    return replace(plan, stages=tuple(stages))


def test_the_example_of_the_page_works(serial: type, tmp_path: Path) -> None:
    golden = importlib.import_module("subbit.sw.golden")
    net = network()
    save_plan(serial_plan(net, results=3), tmp_path / "plan.json")
    row = json.loads((tmp_path / "plan.json").read_text())["stages"][0]
    assert (row["engine"], row["results"], row["simd"]) == ("serial", 3, 1)
    plan = load_plan(tmp_path / "plan.json", net)
    assert plan == serial_plan(net, results=3)
    pipeline = Pipeline(net, plan)
    units = [step.unit for step in pipeline.steps if isinstance(step.unit, serial)]
    assert [unit.depth for unit in units] == [3, 3]
    values = golden.evaluate(net, np.random.default_rng(3).integers(0, 2, (5, 1, 1, 24)))
    beats = np.asarray(values["input"]).reshape(-1, pipeline.i.lanes)
    wanted = np.asarray(values["fc2"]).reshape(-1, pipeline.o.lanes)
    np.testing.assert_array_equal(pipeline.reference(beats)[-1], wanted)
    assert planned(net, board("ulx3s"), plan).slowest.cycles == 24


@pytest.mark.parametrize("memory", ["logic", "block"])
@pytest.mark.parametrize(
    ("bits", "length", "depth"), [(0, 12, 2), (1, 2, 1), (1, 7, 4), (3, 16, 1)]
)
def test_the_circuit_is_its_contract(
    serial: Any, bits: int, length: int, depth: int, memory: str
) -> None:
    post = thresholds(5, bits) if bits else None
    unit = serial(weights=weights(length, 5, length), post=post, memory=memory, depth=depth)
    check_unit(unit, np.random.default_rng(length).integers(0, 2, (6 * length, 1)))


def test_a_wrong_weight_is_found(serial: Any) -> None:
    unit = serial(weights=weights(5, 3, 8))
    bits = unit.weights.bits.copy()
    bits[1, 4] ^= 1
    wrong = replace(unit, weights=BinaryWeights(bits))
    beats = np.random.default_rng(5).integers(0, 2, (24, 1))
    assert (wrong.reference(beats) != unit.reference(beats)).any()
    component = unit.load_component()

    class Wrong(serial):  # the contract of the right weights, the circuit of the wrong ones
        def load_component(self) -> Any:
            return lambda unit: component(unit=wrong)

    with pytest.raises(AssertionError):
        check_unit(Wrong(weights=unit.weights), beats)


def test_a_reset_amid_a_vector(serial: Any) -> None:
    unit = serial(weights=weights(6, 3, 8), post=thresholds(3, 1))
    beats = np.random.default_rng(6).integers(0, 2, (8, 1))
    component, reset = unit.load_component()(unit=unit), Signal()
    out: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        ctx.set(component.o.ready, 1)
        for cycles, held in ((5, 0), (1, 1), (40, 0)):
            ctx.set(reset, held)
            position = 0
            for _ in range(cycles):
                ctx.set(component.i.valid, int(position < len(beats) and not held))
                ctx.set(component.i.payload.as_value(), pack_elements(beats[min(position, 7)], 1))
                position += ctx.get(component.i.ready)
                if ctx.get(component.o.valid):
                    out.append(unpack(ctx.get(component.o.payload.as_value()), unit.o))
                await ctx.tick()

    simulator = Simulator(with_reset(component, reset))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    np.testing.assert_array_equal(out, unit.reference(beats))


@pytest.mark.parametrize(("outputs", "length", "memory"), [(32, 250, "block"), (16, 75, "logic")])
def test_the_cost_is_near_what_is_mapped(
    serial: Any, outputs: int, length: int, memory: str
) -> None:
    unit = serial(weights=weights(outputs, outputs, length), memory=memory)
    said, real = unit.cost(), map_units({"serial": unit}, "ecp5")["serial"]
    assert said.lut4 == pytest.approx(real.lut4, rel=0.15, abs=25)
    assert said.flip_flops == pytest.approx(real.flip_flops, rel=0.15, abs=25)
    assert said.block_rams == real.block_rams


def test_the_planner_tries_it(serial: type) -> None:
    net = network()
    tried = list(smallest_plan(net).stages[0].variants(net))
    stages = [stage for stage in tried if isinstance(stage, EngineStage)]
    found = [stage for stage in stages if stage.engine == "serial"]
    assert [stage.weights for stage in found] == ["block", "logic"]
    assert all(stage.units(net) for stage in found)
    assert Pipeline(net, default_plan(net)).interval_cycles <= 24


def test_the_example_refuses_what_it_should(serial: type) -> None:
    net = network()
    plan = serial_plan(net)
    for settings, message in (
        ({"pe": 3}, r"engine 'serial' has no setting 'pe', only weights, results; leave it at 1"),
        ({"own": (("rows", 3),)}, r"engine 'serial' has no setting 'rows', only weights, results"),
    ):
        wrong = replace(plan, stages=(replace(plan.stages[0], **settings), plan.stages[1]))
        with pytest.raises(PlanError, match=message):
            Pipeline(net, wrong)
    coded = Network.chain(
        "coded", TensorType.codes(1, 1, 24, 2), {"fc1": Linear(weights(1, 9, 24))}
    )
    with pytest.raises(
        PlanError, match="is for linear layers of binary weights on several bipolar"
    ):
        Pipeline(coded, serial_plan(coded))


def test_a_setting_out_of_its_range_is_refused(serial: type, tmp_path: Path) -> None:
    net, file = network(), tmp_path / "plan.json"
    save_plan(serial_plan(net, results=65), file)
    with pytest.raises(
        PlanError, match="setting 'results' must be an integer from 1 to 64, not 65"
    ):
        load_plan(file, net)
