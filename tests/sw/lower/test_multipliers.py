"""Layers on the engine of multipliers: circuits against the golden model; what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.boards import board
from subbit.hw.contract.limits import SizeLimits
from subbit.hw.dot.products import ProductsUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir import Conv2d, Encoding, Linear, Network, Padding
from subbit.sw.ir.planes import odd_planes, signed_planes
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, load_plan, save_plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from tests.hw.pipelines import chain, check_plan
from tests.parts import binary, threshold

RNG = np.random.default_rng
ZERO, NONE, UNSIGNED = Padding.ZERO, Padding.NONE, Encoding.UNSIGNED
ENGINE = "multipliers"


def odd(seed: int, bits: int, *shape: int) -> Any:
    """Random odd weights."""
    top = (1 << bits) - 1
    return odd_planes(2 * RNG(seed).integers(0, top + 1, shape) - top, bits)


def conv(weights: Any, padding: Padding = ZERO, *, groups: int = 1, **rest: Any) -> Network:
    """A convolution and its thresholds."""
    layer = Conv2d(weights, rest.pop("stride", 1), padding, groups=groups)
    shape = rest.pop("shape", (4, 4, weights.shape[1] * groups))
    after = threshold(RNG(3), weights.shape[0], 300)
    return chain(layer, after, shape=shape, **rest)


WHOLE = signed_planes(RNG(9).integers(-8, 9, (4, 6)), 4)
CASES: dict[str, tuple[Network, dict[str, Any]]] = {
    "7x7 of bytes, stride 2": (
        conv(odd(1, 8, 2, 1, 7, 7), shape=(8, 8, 1), stride=2, bits=8, encoding=UNSIGNED),
        {"pe": 2, "simd": 49},
    ),
    "zeros around codes": (conv(odd(2, 4, 4, 2, 3, 3), bits=4), {"pe": 2, "simd": 9}),
    "two in one": (
        conv(odd(3, 3, 4, 2, 3, 3), bits=3),
        {"pe": 4, "simd": 9, "own": (("packed", 2),)},
    ),
    "pixels": (
        conv(odd(4, 4, 4, 2, 1, 1), NONE, bits=2),
        {"pe": 2, "simd": 2, "pixels": 2, "weights": "block"},
    ),
    "rows at once": (
        conv(odd(5, 2, 2, 1, 3, 3), bits=2, shape=(4, 4, 1)),
        {"pe": 2, "simd": 9, "pixels": 8, "input_pixels": 4, "output_pixels": 4},
    ),
    "groups": (conv(odd(6, 4, 4, 2, 3, 3), groups=2, bits=2), {"pe": 2, "simd": 9}),
    "parts of a kernel": (conv(odd(7, 4, 4, 2, 3, 3), bits=2), {"simd": 3}),
    "linear": (chain(Linear(WHOLE), shape=(1, 1, 6), bits=4), {"pe": 2, "simd": 3}),
}


def on_engine(network: Network, settings: dict[str, Any]) -> Plan:
    """The smallest plan, its layers of dot products on multipliers."""
    plan = smallest_plan(network)
    stages = [
        replace(stage, engine=ENGINE, **settings) if isinstance(stage, DotStage) else stage
        for stage in plan.stages
    ]
    return replace(plan, stages=tuple(stages))


@pytest.mark.parametrize("name", CASES)
def test_values_and_cycles(name: str) -> None:
    network, settings = CASES[name]
    whole = check_plan(network, on_engine(network, settings))
    assert any(isinstance(step.unit, ProductsUnit) for step in whole.pipeline.steps)


def test_a_plan_is_written_and_read(tmp_path: Any) -> None:
    network, settings = CASES["two in one"]
    plan = on_engine(network, settings)
    save_plan(plan, tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json", network) == plan


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pe": 3}, "pe=3 does not divide"),
        ({"pe": 2, "own": (("packed", 4),)}, "packed=4 does not divide the outputs at once, 2"),
        ({"w_branches": 1}, "engine 'multipliers' has no setting 'w_branches'"),
        ({"popcount": "ecp5"}, "engine 'multipliers' has no setting 'popcount'"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    network, _ = CASES["zeros around codes"]
    with pytest.raises(PlanError, match=message):
        Pipeline(network, on_engine(network, {"simd": 9, **settings}))


def test_weights_of_one_bit_are_refused() -> None:
    network = conv(binary(RNG(8), 4, 2, 3, 3))
    with pytest.raises(PlanError, match="for weights of several bits, not for binary ones"):
        Pipeline(network, on_engine(network, {}))


def test_a_part_without_multipliers_is_refused_and_not_tried() -> None:
    network, _ = CASES["zeros around codes"]
    stage = on_engine(network, {"simd": 9}).stages[0]
    assert isinstance(stage, DotStage)
    with pytest.raises(PlanError, match="the part has no multipliers"):
        stage.units(network, SizeLimits(operand_bits=0))
    assert board("icebreaker").device.limits.operand_bits == 16


def test_variants_come_from_several_bits_alone() -> None:
    network, _ = CASES["zeros around codes"]
    stage = smallest_plan(network).stages[0]
    names = [v.engine for v in stage.variants(network) if isinstance(v, DotStage)]
    assert names.count(ENGINE) > 10
    one = conv(binary(RNG(8), 4, 2, 3, 3))
    engines = {v.engine for v in smallest_plan(one).stages[0].variants(one)}  # type: ignore[attr-defined]
    assert ENGINE not in engines
