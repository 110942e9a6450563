"""The measurement of layers of wires: what it prints, and what it says without the peer."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subbit.sw.bench.da4ml import make_peer
from subbit.sw.bench.exact_sums import is_exact
from subbit.sw.bench.unrolled import bench_unrolled, direct_unit, unrolled_unit
from subbit.sw.errors import PlanError, SubbitError, ToolError
from tests.hw.dots import flipped


def test_figures_of_synthesis() -> None:
    [row] = bench_unrolled(("64x64-tiled",), seeds=())
    assert row["exact"]
    assert row["fmax_mhz"] is None
    assert row["lut4"] == row["synthesis_lut4"] < 800
    assert row["stages"] == unrolled_unit("64x64-tiled", "ecp5").stages


def test_a_wrong_weight_is_not_exact() -> None:
    unit = unrolled_unit("64x64-tiled", "ecp5")
    assert is_exact(unit)
    other = replace(unit, weights=flipped(unit.weights, 5))
    other.__dict__["network"] = unit.network
    assert not is_exact(other)


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SubbitError, match="no matrix '9x9'; choose from 64x64, "):
        unrolled_unit("9x9", "ecp5")
    monkeypatch.setitem(sys.modules, "da4ml.trace", None)
    signs = np.ones((2, 3), np.int64)
    with pytest.raises(ToolError, match=r"'pip install subbit\[peers\]' brings da4ml"):
        make_peer(signs, 1, np.zeros(2, np.int64), tmp_path)


def test_folded_beside_the_direct_engine() -> None:
    unit = unrolled_unit("27x64-pixels", "ecp5", fold=4)
    assert is_exact(unit)
    other = direct_unit(unit, 4)
    assert (other.pe, other.interval_cycles) == (16, 4)
    assert unit.cost().lut4 < 0.7 * other.cost().lut4
    assert direct_unit(unrolled_unit("27x64-pixels", "ecp5"), 1).pe == 64
    with pytest.raises(PlanError, match="no direct engine of 64 outputs takes 3 cycles"):
        direct_unit(unit, 3)
