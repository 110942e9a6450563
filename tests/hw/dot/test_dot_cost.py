"""What a direct engine says it costs, and what Yosys makes of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subbit.hw.dot.dot import DotUnit
from subbit.sw.ir import Encoding, Weights
from tests.hw.contract.test_costs import mapped
from tests.hw.dots import codebook, plain, planes, thresholds

RNG = np.random.default_rng(8)


@pytest.mark.parametrize(
    ("weights", "bits"),
    [(plain(RNG, 32, 144), 1), (codebook(RNG, 32, 16, 5), 1), (plain(RNG, 32, 36), 4)],
    ids=["block", "codebook", "logic"],
)
def test_estimates_are_near_what_is_mapped(weights: Weights, bits: int, tmp_path: Path) -> None:
    simd = weights.row_length // (8 if bits == 1 else 2)
    post = thresholds(RNG, weights.shape[0], 40, 1)
    unit = DotUnit(weights, Encoding.BIPOLAR, bits, False, 4, simd, 4, post, "auto")
    real, said = mapped(unit, tmp_path), unit.cost()
    assert said.lut4 == pytest.approx(real.lut4, rel=0.25)
    assert said.flip_flops == pytest.approx(real.flip_flops, rel=0.15)
    assert said.block_rams == real.block_rams


@pytest.mark.parametrize("series", [0, 1], ids=["parallel", "series"])
def test_estimates_of_several_bits_are_near_what_is_mapped(series: int, tmp_path: Path) -> None:
    weights, post = planes(RNG, 32, 72, 2), thresholds(RNG, 32, 200, 2)
    unit = DotUnit(weights, Encoding.BIPOLAR, 2, False, 4, 18, 4, post, "auto")
    unit = replace(unit, x_branches=series, w_branches=series)
    real, said = mapped(unit, tmp_path), unit.cost()
    assert said.lut4 == pytest.approx(real.lut4, rel=0.25)
    assert said.flip_flops == pytest.approx(real.flip_flops, rel=0.25)
    assert said.block_rams == real.block_rams
