"""Convolutions in groups of channels, on the direct engine: circuits against the golden model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import PlanError
from subbit.sw.ir import Conv2d, Encoding, Network, Padding, PlanesWeights, Weights
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner import default_plan
from tests.hw.pipelines import chain, check_plan
from tests.parts import binary, codebook, threshold, tiled

RNG = np.random.default_rng
ZERO, NONE = Padding.ZERO, Padding.NONE


def grouped(weights: Weights, groups: int, padding: Padding = ZERO, **rest: Any) -> Network:
    """The convolution and its thresholds."""
    layer = Conv2d(weights, rest.pop("stride", 1), padding, groups=groups)
    shape = (4, 4, weights.shape[1] * groups)
    return chain(layer, threshold(RNG(3), weights.shape[0], 6), shape=shape, **rest)


CASES: dict[str, tuple[Network, dict[str, int | str]]] = {
    "one output at a time": (grouped(binary(RNG(1), 4, 2, 3, 3), 2), {"simd": 9}),
    "all of a group": (grouped(binary(RNG(2), 6, 2, 3, 3), 3), {"pe": 2, "simd": 18}),
    "sums of the border": (
        grouped(binary(RNG(3), 4, 2, 3, 3), 2),
        {"pe": 2, "simd": 9, "blanks": "sums"},
    ),
    "a channel a group": (grouped(binary(RNG(4), 6, 1, 2, 3), 3, stride=2), {"simd": 6}),
    "several pixels": (
        grouped(binary(RNG(5), 4, 3, 1, 1), 2, NONE),
        {"pe": 2, "simd": 3, "pixels": 2},
    ),
    "a codebook": (grouped(codebook(RNG(6), 4, 2), 2), {"pe": 1, "simd": 9}),
    "a tile": (grouped(tiled(RNG(7), (4, 2, 3, 3), 2), 2), {"pe": 1, "simd": 18}),
    "parts of a kernel": (grouped(binary(RNG(8), 4, 2, 3, 3), 2), {"simd": 3}),
    "bits one by one": (
        grouped(PlanesWeights(tuple(binary(RNG(k), 4, 2, 3, 3) for k in (1, 2))), 2),
        {"pe": 2, "simd": 9, "w_branches": 1},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_cycles(name: str) -> None:
    network, settings = CASES[name]
    plan = smallest_plan(network)
    stages = [
        replace(stage, **settings) if isinstance(stage, DotStage) else stage
        for stage in plan.stages
    ]
    check_plan(network, replace(plan, stages=tuple(stages)))


def test_what_a_group_takes() -> None:
    network = CASES["all of a group"][0]
    (stage, *_) = smallest_plan(network).stages
    assert isinstance(stage, DotStage)
    with pytest.raises(PlanError, match="pe=3 does not divide the outputs of a group, 2"):
        replace(stage, pe=3, simd=9).units(network)
    with pytest.raises(PlanError, match="simd=27 does not divide the weights of one output, 18"):
        replace(stage, simd=27).units(network)


@pytest.mark.parametrize("engine", ["unrolled", "lookup", "block_lookup", "shared_rows"])
def test_engines_without_groups(engine: str) -> None:
    network = CASES["a tile" if engine == "shared_rows" else "a codebook"][0]
    stage = next(s for s in smallest_plan(network).stages if isinstance(s, DotStage))
    from_all = DotStage(layers=stage.layers, engine=engine)
    if engine in ("lookup", "block_lookup"):
        from_all = replace(from_all, simd=9)
    with pytest.raises(PlanError, match="has 2 groups; take 'direct'"):
        from_all.units(network)


def test_the_planner_takes_what_groups_have() -> None:
    network = CASES["a codebook"][0]
    stage = default_plan(network, lut4=3000).stages[0]
    assert isinstance(stage, DotStage)
    assert stage.engine == "direct"
    assert network.input_type.encoding is Encoding.BIPOLAR
