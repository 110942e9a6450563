"""Tiled layers whose rows are shared by several outputs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.contract.unit import Beats
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.sw.errors import PlanError
from subbit.sw.golden.run import evaluate
from subbit.sw.ir import Conv2d, Encoding, Linear, Network, Padding, TensorType, TiledWeights
from subbit.sw.lower.engines.shared_rows import distinct_rows, sharing, sharing_advice, short_tile
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from tests.hw.design import test_reset
from tests.hw.design.test_accelerator import Whole
from tests.hw.dots import affine, tiled
from tests.hw.harness import check_unit
from tests.hw.planted import Watched
from tests.networks import small_network
from tests.parts import threshold


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


@pytest.mark.parametrize(
    ("p", "sharers", "pe", "simd"),
    [
        (6, 2, 2, 12),  # a tile ends within a row, and outputs four apart begin at the same place
        (12, 4, 1, 6),  # a tile is shorter than a row
        (16, 8, 1, 18),  # all outputs have one row, of two tiles
    ],
)
@pytest.mark.parametrize("post", ["none", "affine", "threshold1"])
def test_tiles_that_do_not_end_with_rows(
    p: int, sharers: int, pe: int, simd: int, post: str
) -> None:
    one = network(p, post)
    conv = one.nodes[0].layer
    assert isinstance(conv, Conv2d)
    assert isinstance(conv.weights, TiledWeights)
    assert sharing(conv.weights) == sharers
    rows = distinct_rows(conv.weights).dense()
    np.testing.assert_array_equal(np.concatenate([rows] * sharers), conv.weights.dense())
    check(one, pe=pe, simd=simd)


def test_repeats_of_different_scales_within_rows() -> None:
    with pytest.raises(PlanError, match="p=6 does not divide the 8 outputs"):
        check(network(6, scaled=True), pe=1, simd=12)


def engine(p: int, pe: int, simd: int, post: str = "threshold1") -> SharedRowsUnit:
    """The engine of a stage, for streams without the window whose payload comes late."""
    one = network(p, post, padding=Padding.MINUS)
    _, unit = planned(one, pe=pe, simd=simd).stages[0].units(one)[-1]
    assert isinstance(unit, SharedRowsUnit)
    return replace(unit, dot=replace(unit.dot, payload_delay=0))


def vectors(unit: SharedRowsUnit) -> Beats:
    return np.random.default_rng(4).integers(0, 2, (2 * unit.i_beats, unit.i.lanes))


@pytest.mark.parametrize(
    ("p", "pe", "simd", "banks"), [(2, 1, 9, 2), (2, 2, 36, 4), (4, 2, 36, 4), (8, 1, 36, 2)]
)
def test_the_engine_alone(p: int, pe: int, simd: int, banks: int) -> None:
    unit = engine(p, pe, simd)
    assert unit.banks == banks
    check_unit(Watched(unit), vectors(unit))
    assert unit.trace(3).interval_cycles == unit.interval_cycles


def test_a_reset_in_the_middle() -> None:
    test_reset.test_reset_in_the_middle(engine(4, 1, 36))


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
        (64, 9, "p=9 does not divide the 64 outputs.*; p=2, 4, 8 would share rows"),
        (64, 12, ""),  # four outputs have each row
        (8, 1, "p=1 repeats nothing"),
    ],
)
def test_the_p_that_would_help(outputs: int, p: int, advice: str) -> None:
    weights = TiledWeights(
        (outputs, 9, 1, 1) if p != 3 else (outputs, 9),
        np.zeros(outputs * 9 // p, np.uint8),
        np.ones(p, np.int64),
    )
    said = sharing_advice(weights)
    assert bool(said) == bool(advice)
    if advice:
        one = Network.chain(
            "one",
            TensorType.codes(1, 1, 9, 1, Encoding.BIPOLAR),
            {"fc": Linear(TiledWeights((outputs, 9), weights.tile, weights.scales))},
        )
        with pytest.raises(PlanError, match=advice):
            Pipeline(one, planned(one))


@pytest.mark.parametrize(
    ("p", "scaled", "said"),
    [
        (8, False, ""),
        (
            12,
            False,
            "a tile of 24 weights is shorter than a row of 36, so that 2 of its 8 rows diff",
        ),
        (16, True, "so that all its rows are equal, apart from their scales; a smaller p would"),
    ],
)
def test_tiles_shorter_than_rows(p: int, scaled: bool, said: str) -> None:
    found = short_tile(conv_weights(8, 4, p, scaled))
    assert said in found if said else not found


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
        ({"pe": 4, "simd": 9}, "pe=4 does not divide the distinct rows of the tile, 2"),
        ({"pe": 2, "simd": 5}, "simd=5 does not divide"),
        ({"pixels": 3, "simd": 9}, "pixels=3 does not divide the output pixels of a row, 4"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], match: str) -> None:
    one = network(4)
    with pytest.raises(PlanError, match=match):
        Pipeline(one, planned(one, **settings))
