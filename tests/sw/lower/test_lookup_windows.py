"""Codebook convolutions of other windows than 3x3 with padding of 1, on engines that look up."""

from dataclasses import replace

import numpy as np
import pytest

from subbit.sw.errors import PlanError
from subbit.sw.ir import CodebookWeights, Conv2d, Network, Padding
from subbit.sw.ir.window import Pads, Side
from subbit.sw.lower.engines.table import engine_of
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from tests.hw.pipelines import chain, check_plan
from tests.parts import threshold

Case = tuple[tuple[int, int], Side, Pads, Side]


def network_of(case: Case) -> Network:
    """A convolution with nine weights a kernel, and thresholds."""
    sides, stride, pads, dilation = case
    draw = np.random.default_rng(5)
    words = draw.integers(0, 2, (4, *sides), np.uint8)
    weights = CodebookWeights(words, draw.integers(0, 4, (4, 2)))
    layer = Conv2d(weights, stride, Padding.ZERO, pads, dilation)
    return chain(layer, threshold(draw, 4, 6), shape=(6, 7, 2))


CASES: dict[str, tuple[str, Case]] = {
    "lookup, dilated": ("lookup", ((3, 3), 1, (2, 2, 2, 2), 2)),
    "lookup, strides": ("lookup", ((3, 3), (1, 3), (1, 0, 1, 1), 1)),
    "block_lookup, padded": ("block_lookup", ((3, 3), 2, (2, 1, 2, 0), 1)),
    "block_lookup, oblong": ("block_lookup", ((1, 9), 1, (0, 4, 0, 4), 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_cycles(name: str) -> None:
    engine, case = CASES[name]
    network = network_of(case)
    plan = smallest_plan(network)
    stages = [
        engine_of(engine).on(stage, simd=9) if isinstance(stage, DotStage) else stage
        for stage in plan.stages
    ]
    check_plan(network, replace(plan, stages=tuple(stages)))


@pytest.mark.parametrize(
    "case",
    [((3, 3), 1, (2, 1, 1, 1), 1), ((1, 9), 1, (0, 4, 0, 4), 1), ((3, 3), 1, (1, 1, 2, 1), (1, 2))],
)
def test_windows_whose_middle_may_lie_outside(case: Case) -> None:
    network, lookup = network_of(case), engine_of("lookup")
    stage = next(s for s in smallest_plan(network).stages if isinstance(s, DotStage))
    with pytest.raises(PlanError, match="by the middle of 3x3 kernels"):
        lookup.on(stage, simd=9).units(network)
    assert list(lookup.variants(stage, network)) == []
