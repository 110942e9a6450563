"""Plans, their file, and the pipelines that they make."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import subbit
from subbit.boards import board
from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Beats, Unit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.sw import golden
from subbit.sw.cli.plan import plan_command
from subbit.sw.errors import PlanError
from subbit.sw.ir import (
    Argmax,
    BinaryWeights,
    Encoding,
    Flatten,
    Linear,
    Network,
    Node,
    TensorType,
    save_network,
)
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, load_plan, save_plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner import default_plan, planned
from tests.networks import NETWORKS, small_network


def logits_and_class(beats: Beats, argmax: Unit) -> Beats:
    """The logits and the class of three frames, of beats with a class each if of several lanes."""
    assert isinstance(argmax, ArgmaxUnit)
    if argmax.lanes == 1:
        return beats.reshape(3, -1)
    frames = beats.reshape(3, -1, argmax.lanes + 1)
    return np.hstack([frames[:, :, :-1].reshape(3, -1), frames[:, -1, -1:]])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("planner", [smallest_plan, default_plan])
def test_units_compute_what_the_golden_model_does(name: str, planner: Any) -> None:
    network = small_network(name)
    pipeline = Pipeline(network, planner(network))
    values = golden.evaluate(network, np.random.default_rng(2).integers(0, 16, (3, 8, 8, 1)))
    beats = np.asarray(values["input"]).reshape(-1, pipeline.i.lanes)
    seen = []
    for step in pipeline.steps:
        assert len(beats) == 3 * step.unit.i_beats
        beats = step.unit.reference(beats)
        assert len(beats) == 3 * step.unit.o_beats
        assert beats.shape[1] == step.unit.o.lanes
        if step.tensor:
            seen.append(step.tensor)
            wanted = np.asarray(values[step.tensor]).reshape(3, -1)
            found = beats.reshape(3, -1)
            if step.tensor == "argmax":
                found = logits_and_class(beats, step.unit)
                wanted = np.hstack(
                    [np.asarray(values[network.nodes[-1].inputs[0]]).reshape(3, -1), wanted]
                )
            np.testing.assert_array_equal(found, wanted, err_msg=step.name)
    assert seen[-1] == "argmax"
    assert pipeline.latency_cycles >= pipeline.interval_cycles > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_file_round_trip(name: str, tmp_path: Path) -> None:
    network = small_network(name)
    plan = default_plan(network)
    save_plan(plan, tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json", network) == plan


def test_a_plan_is_for_a_part(tmp_path: Path) -> None:
    """What counts as large is that part's; a plan without one is for a large ECP5."""
    network, file = small_network("plain"), tmp_path / "plan.json"
    plan = default_plan(network, board("ulx3s-25f"))
    assert plan.device == "LFE5U-25F"
    save_plan(plan, file)
    assert json.loads(file.read_text())["device"] == "LFE5U-25F"
    assert load_plan(file, network).limits == board("ulx3s-25f").device.limits
    save_plan(smallest_plan(network), file)
    assert "device" not in json.loads(file.read_text())
    assert load_plan(file, network).limits == SizeLimits()


class SmallPart(Plan):
    """A plan for a part on which engines of a few hundred XNORs are large."""

    @property
    def limits(self) -> SizeLimits:
        return SizeLimits(large_engine_xnors=288)


def test_limits_of_the_plans_part_reach_the_engines() -> None:
    network = small_network("plain")
    plan = smallest_plan(network)
    stages = tuple(
        replace(stage, pe=4, simd=72) if stage.layers[0] == "conv2" else stage
        for stage in plan.stages
    )
    for cls, late in ((SmallPart, 1), (Plan, 0)):
        steps = Pipeline(network, cls(network.digest, stages)).steps
        unit = next(step.unit for step in steps if step.name == "conv2_dot")
        assert isinstance(unit, DotUnit)
        assert unit.distance_stages == late


def test_an_edited_plan_changes_the_cycles(tmp_path: Path) -> None:
    network = small_network("plain")
    file = tmp_path / "plan.json"
    save_plan(smallest_plan(network), file)
    before = Pipeline(network, load_plan(file, network)).interval_cycles
    row = json.loads(file.read_text())
    row["stages"][2] |= {"pe": 4, "simd": 18, "fifo": 5}
    file.write_text(json.dumps(row))
    pipeline = Pipeline(network, load_plan(file, network))
    assert pipeline.interval_cycles < before
    assert "conv2_fifo" in [step.name for step in pipeline.steps]


def broken(edit: str) -> Any:
    """An edit of a plan's JSON, from its description."""
    where, _, value = edit.partition("=")

    def apply(row: Any) -> None:
        target = row
        *path, last = where.split(".")
        for key in path:
            target = target[int(key) if key.isdigit() else key]
        target[last] = json.loads(value)

    return apply


MESSAGES = [
    ("subbit_plan=2", "plan version 2; this subbit reads version 1"),
    ("subbit_plan=true", "plan version True; this subbit reads version 1"),
    ("subbit_plan=1.0", "plan version 1.0; this subbit reads version 1"),
    (
        'queue={"a": 1}',
        "unknown key 'queue'; a plan has subbit_plan, network, device, stages, queues, memories",
    ),
    (
        "stages.0.pe=true",
        "stage 'conv1': setting 'pe' must be an integer from 0 to 1048576, not True",
    ),
    (
        "stages.0.fifo=18446744073709551617",
        "stage 'conv1': setting 'fifo' must be an integer from 0 to 1048576, not "
        "18446744073709551617",
    ),
    (
        f'stages.0.pe="{"x" * 4000}"',
        f"stage 'conv1': setting 'pe' must be an integer from 0 to 1048576, not '{'x' * 196}...",
    ),
    ("queues=[]", "'queues' must be an object of depths by stream"),
    (
        'network="00"',
        "the plan is for another network than 'plain'; make a new one with `subbit plan`",
    ),
    ("stages=3", "not a plan; make one with `subbit plan`"),
    ("device=5", "'device' must be the name of a part, not 5; or leave it out"),
    (
        'device="XC7A35T"',
        "'device' must be one of LFE5U-12F, LFE5U-25F, LFE5U-45F, LFE5U-85F, iCE40UP5K, not "
        "'XC7A35T'; or leave it out",
    ),
    (
        'stages.0.fill="block"',
        "stage 'conv1': engine 'direct' has no setting 'fill', only pe, simd, pixels, weights, "
        "window, popcount, input_pixels, output_pixels, x_branches, w_branches, blanks, compare; "
        "leave it at 'logic'",
    ),
    (
        'stages.0.engine="systolic"',
        "stage 'conv1': setting 'engine' must be one of direct, multipliers, lookup, block_lookup, "
        "shared_rows, unrolled, not 'systolic'",
    ),
    (
        "stages.0.stages=2",
        "stage 'conv1': unknown setting 'stages'; this stage has fifo, engine, pe, simd, pixels, "
        "weights, window, popcount, x_branches, w_branches, blanks, dot9, fill, input_pixels, "
        "output_pixels, compare",
    ),
    (
        "stages.0.pe=3",
        "stage 'conv1': pe=3 does not divide the layer's outputs, 8; it may be 1, 2, 4, 8",
    ),
    (
        "stages.0.simd=2",
        "stage 'conv1': simd=2 does not divide the weights of one output, 9; it may be 1, 3, 9",
    ),
    (
        'stages.0.pe="many"',
        "stage 'conv1': setting 'pe' must be an integer from 0 to 1048576, not 'many'",
    ),
    (
        'stages.0.weights="flash"',
        "stage 'conv1': setting 'weights' must be one of auto, block, logic, not 'flash'",
    ),
    (
        "stages.1.lanes=3",
        "stage 'pool1': lanes=3 does not fit 8x8 pixels of 8 channels; it may be 1, 2, 4, 8, 16, "
        "32, 64, 128, 256, 512",
    ),
    (
        "stages.5.lanes=3",
        "stage 'argmax': lanes=3 does not divide the classes, 10; it may be 1, 2, 5, 10",
    ),
    ("stages.1.pe=3", "stage 'pool1': unknown setting 'pe'; this stage has fifo, lanes"),
    ('stages.1.layers=["pool2"]', "the stage of the layers pool1 is missing or out of order"),
]


@pytest.mark.parametrize(("edit", "message"), MESSAGES)
def test_a_wrong_plan_is_refused(edit: str, message: str, tmp_path: Path) -> None:
    network, file = small_network("plain"), tmp_path / "plan.json"
    save_plan(smallest_plan(network), file)
    row = json.loads(file.read_text())
    broken(edit)(row)
    file.write_text(json.dumps(row))
    with pytest.raises(PlanError) as caught:
        Pipeline(network, load_plan(file, network))
    assert str(caught.value).removeprefix(f"{file}: ") == message


def test_beats_of_rows_are_settings_that_no_default_has(tmp_path: Path) -> None:
    network, file = small_network("plain"), tmp_path / "plan.json"
    plan = smallest_plan(network)
    _, pool, *_, argmax = plan.stages
    assert pool.axes(network) == {"lanes": [1, 2, 4, 8]}
    assert pool.wide_axes(network) == {"lanes": [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]}
    assert argmax.axes(network) == {}
    assert argmax.wide_axes(network) == {"lanes": [1, 2, 5, 10]}
    assert [replace(argmax, lanes=n).least_cycles(network) for n in (1, 2, 10)] == [11, 5, 1]
    assert argmax.to_json() == {"layers": ["argmax"], "fifo": 0, "lanes": 1}
    wide = replace(plan, stages=(*plan.stages[:-1], replace(argmax, lanes=10)))
    save_plan(wide, file)
    assert load_plan(file, network) == wide
    assert Pipeline(network, wide).o.lanes == 11


def test_a_plan_without_lanes_of_its_argmax_has_one(tmp_path: Path) -> None:
    network, file = small_network("plain"), tmp_path / "plan.json"
    save_plan(smallest_plan(network), file)
    row = json.loads(file.read_text())
    del row["stages"][5]["lanes"]
    file.write_text(json.dumps(row))
    assert load_plan(file, network) == smallest_plan(network)


def test_a_plan_may_name_its_device(tmp_path: Path) -> None:
    network, file = small_network("plain"), tmp_path / "plan.json"
    save_plan(smallest_plan(network), file)
    row = json.loads(file.read_text()) | {"device": "LFE5U-85F"}
    file.write_text(json.dumps(row))
    assert load_plan(file, network) == replace(smallest_plan(network), device="LFE5U-85F")


@pytest.mark.parametrize("key", ["network", "stages", "pe"])
def test_a_key_that_occurs_twice_is_refused(key: str, tmp_path: Path) -> None:
    network, file = small_network("plain"), tmp_path / "plan.json"
    save_plan(smallest_plan(network), file)
    text = file.read_text().replace(f'"{key}": ', f'"{key}": 1, "{key}": ', 1)
    file.write_text(text)
    with pytest.raises(PlanError) as caught:
        load_plan(file, network)
    assert f"'{key}' occurs twice" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_foreign_files_are_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(PlanError, match=r"make one with|make a plan with"):
        load_plan(file, small_network("plain"))
    with pytest.raises(PlanError, match="cannot read the plan"):
        load_plan(tmp_path / "none.json", small_network("plain"))


def test_a_beat_has_no_more_bits_than_a_signal() -> None:
    """A frame of 8,193 bytes is one byte too many."""
    for pixels, fits in ((8192, True), (8193, False)):
        x = TensorType.codes(1, pixels, 1, 8, Encoding.UNSIGNED)
        weights = BinaryWeights(np.ones((2, pixels), np.uint8))
        layers = {"flatten": Flatten(), "fc": Linear(weights), "argmax": Argmax()}
        network = Network.chain("long", x, layers)
        first, *rest = smallest_plan(network).stages
        assert isinstance(first, DotStage)
        stages = (replace(first, simd=pixels), *rest)
        plan = replace(smallest_plan(network), stages=stages)
        if fits:
            assert Pipeline(network, plan).i.width == 65_536
            continue
        with pytest.raises(PlanError) as caught:
            Pipeline(network, plan)
        assert str(caught.value) == (
            "stage 'fc': a beat of 8,193 elements has 65,544 bits, and a stream at most 65,536; "
            "plan fewer elements or pixels a beat"
        )


def test_only_chains_can_be_built() -> None:
    chance = np.random.default_rng(0)
    fc = Linear(BinaryWeights(chance.integers(0, 2, (4, 4))))
    x = TensorType.codes(1, 1, 4, 1)
    network = Network("loop", x, (Node("one", fc, ("input",)),))
    assert [type(stage) for stage in smallest_plan(network).stages] == [DotStage]
    pipeline = Pipeline(network, smallest_plan(network))
    with pytest.raises(PlanError, match="stage 1 must be of the layers"):
        Pipeline(small_network("plain"), pipeline.plan)


def test_the_default_plan_spends_its_budget_on_rate() -> None:
    network, large = small_network("plain"), board("ulx3s-85f")
    budgets = (0, 1000, 2500, 20_000)
    plans = [default_plan(network, large, lut4) for lut4 in budgets]
    found = [planned(network, large, plan) for plan in plans]
    intervals = [row.timing.interval_cycles for row in found]
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[-1] < intervals[0] / 8
    assert all(row.cost.lut4 <= lut4 for lut4, row in list(zip(budgets, found, strict=True))[1:])
    # Where nothing fits, everything is folded as far as it goes.
    least = [stage.with_popcount("ecp5") for stage in smallest_plan(network).stages]
    assert plans[0] == Plan(network.digest, tuple(least), device="LFE5U-85F")


def test_a_call_gives_the_plan_of_the_command(tmp_path: Path) -> None:
    network, file = small_network("codebook"), tmp_path / "net.safetensors"
    save_network(network, file)
    for options, where in (([], None), (["--board", "ulx3s-12f"], board("ulx3s-12f"))):
        command = [*map(str, (file, "--out", tmp_path / "plan.json")), *options]
        CliRunner().invoke(plan_command, command, standalone_mode=False)
        written = load_plan(tmp_path / "plan.json", network)
        assert subbit.default_plan(network, where) == written


def test_planning_is_reproducible() -> None:
    network = small_network("tiled")
    assert default_plan(network) == default_plan(network)
    stage = default_plan(network).stages[0]
    assert isinstance(stage, DotStage)
    assert replace(stage, fifo=1) != stage
