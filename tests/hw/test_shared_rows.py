"""Tiled layers whose rows are shared by several outputs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dots import affine, tiled
from harness import check_unit
from networks import small_network, threshold
from test_accelerator import Whole

from subbit.sw.errors import PlanError
from subbit.sw.golden.run import evaluate
from subbit.sw.ir import Conv2d, Encoding, Linear, Network, Padding, TensorType, TiledWeights
from subbit.sw.pipeline import Pipeline
from subbit.sw.plan import Plan, smallest_plan
from subbit.sw.stages.dot import DotStage
from subbit.sw.stages.shared_rows import sharing_advice


def conv_weights(outputs: int, channels: int, p: int, scaled: bool) -> TiledWeights:
    found = tiled(np.random.default_rng(p), outputs, channels * 9, p, scaled)
    assert isinstance(found, TiledWeights)
    return TiledWeights((outputs, channels, 3, 3), found.tile, found.scales)


def network(
    p: int,
    post: str = "threshold1",
    bits: int = 1,
    encoding: Encoding = Encoding.BIPOLAR,
    padding: Padding = Padding.ZERO,
    scaled: bool = False,
) -> Network:
    chance = np.random.default_rng(p + bits)
    x = TensorType.codes(4, 4, 4, bits, encoding)
    layers: dict[str, Any] = {"conv": Conv2d(conv_weights(8, 4, p, scaled), 1, padding)}
    if post == "affine":
        layers["end"] = affine(chance, 8)
    elif post != "none":
        layers["end"] = threshold(chance, 8, 12, int(post[-1]))
    return Network.chain("one", x, layers)


def planned(one: Network, **settings: Any) -> Plan:
    plan = smallest_plan(one)
    stage = replace(plan.stages[0], engine="shared_rows", **settings)
    return replace(plan, stages=(stage, *plan.stages[1:]))


def check(one: Network, **settings: Any) -> Whole:
    unit = Whole(Pipeline(one, planned(one, **settings)))
    shape, bits = one.input_type.shape, one.input_type.bits
    codes = np.random.default_rng(2).integers(0, 1 << bits, (2, *shape))
    wanted = evaluate(one, codes)[one.nodes[-1].name].numpy()
    beats = codes.reshape(-1, unit.i.lanes)
    np.testing.assert_array_equal(unit.reference(beats).ravel(), wanted.ravel())
    check_unit(unit, beats)
    return unit


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("post", ["none", "affine", "threshold1", "threshold2"])
@pytest.mark.parametrize(("p", "pe"), [(2, 2), (4, 2), (8, 1)])
def test_ends(p: int, pe: int, post: str, scaled: bool) -> None:
    check(network(p, post, scaled=scaled), pe=pe, simd=9)


@pytest.mark.parametrize(
    ("bits", "encoding", "padding"),
    [
        (2, Encoding.BIPOLAR, Padding.ZERO),
        (3, Encoding.UNSIGNED, Padding.ZERO),
        (1, Encoding.BIPOLAR, Padding.PLUS),
    ],
)
@pytest.mark.parametrize("post", ["affine", "threshold1"])
def test_inputs(bits: int, encoding: Encoding, padding: Padding, post: str) -> None:
    check(network(2, post, bits, encoding, padding, True), pe=4, simd=18)


def test_a_linear_layer() -> None:
    x = TensorType.codes(1, 1, 12, 1, Encoding.BIPOLAR)
    weights = tiled(np.random.default_rng(0), 8, 12, 4)
    one = Network.chain("one", x, {"fc": Linear(weights)})
    check(one, pe=1, simd=3)


@pytest.mark.parametrize("p", [2, 4, 8])
def test_p_times_fewer_cycles(p: int) -> None:
    shared = check(network(p, padding=Padding.MINUS), pe=1, simd=3)
    one = network(p, padding=Padding.MINUS)
    plan = planned(one, pe=1, simd=3)
    stages = (replace(plan.stages[0], engine="direct"), *plan.stages[1:])
    direct = Pipeline(one, replace(plan, stages=stages))
    ratio = direct.interval_cycles / shared.pipeline.interval_cycles
    assert 0.95 * p <= ratio <= p


@pytest.mark.parametrize(
    ("outputs", "p", "advice"),
    [
        (8, 4, ""),
        (8, 3, "p=3 does not divide the 8 outputs, so each output has a row of its own; p=2, 4, 8"),
        (64, 12, "p=12 does not divide the 64 outputs.*; p=4, 8, 16 would share rows"),
        (8, 1, "p=1 repeats nothing"),
    ],
)
def test_the_p_that_would_help(outputs: int, p: int, advice: str) -> None:
    weights = TiledWeights(
        (outputs, 3, 1, 1) if p != 3 else (outputs, 3),
        np.zeros(outputs * 3 // p, np.uint8),
        np.ones(p, np.int64),
    )
    said = sharing_advice(weights)
    assert bool(said) == bool(advice)
    if advice:
        one = Network.chain(
            "one",
            TensorType.codes(1, 1, 3, 1, Encoding.BIPOLAR),
            {"fc": Linear(TiledWeights((outputs, 3), weights.tile, weights.scales))},
        )
        with pytest.raises(PlanError, match=advice):
            Pipeline(one, planned(one))


def test_what_a_planner_may_choose() -> None:
    one = network(4, padding=Padding.MINUS)
    found = [
        stage
        for stage in smallest_plan(one).stages[0].variants(one)
        if isinstance(stage, DotStage) and stage.engine == "shared_rows"
    ]
    assert {stage.pe for stage in found} == {1, 2}
    for stage in found:
        plan = replace(smallest_plan(one), stages=(stage,))
        assert stage.least_cycles(one) <= Pipeline(one, plan).interval_cycles


def test_other_layers_have_no_tile() -> None:
    one = small_network("plain")
    stages = [
        replace(stage, engine="shared_rows") if isinstance(stage, DotStage) else stage
        for stage in smallest_plan(one).stages
    ]
    with pytest.raises(PlanError, match="is for tiled layers, not for binary ones"):
        Pipeline(one, replace(smallest_plan(one), stages=tuple(stages)))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"pe": 4, "simd": 9}, "pe=4 does not divide the rows of a tile, 2"),
        ({"pe": 2, "simd": 5}, "simd=5 does not divide"),
        ({"pixels": 2, "simd": 9}, "one pixel at a time"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], match: str) -> None:
    one = network(4)
    with pytest.raises(PlanError, match=match):
        Pipeline(one, planned(one, **settings))
