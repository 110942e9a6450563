"""Width converters against their units."""

import numpy as np
import pytest

from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sw.errors import PlanError
from tests.hw.harness import check_unit


@pytest.mark.parametrize(("lanes", "bits", "ratio"), [(1, 1, 2), (3, 2, 5), (2, 8, 1), (4, 1, 3)])
def test_upsize(lanes: int, bits: int, ratio: int) -> None:
    unit = UpsizeUnit(element=Lanes(lanes, bits), ratio=ratio, beats=4 * ratio)
    check_unit(unit, np.random.default_rng(ratio).integers(0, 1 << bits, (12 * ratio, lanes)))


@pytest.mark.parametrize(("lanes", "bits", "ratio"), [(2, 1, 2), (15, 2, 5), (2, 8, 1), (12, 1, 3)])
def test_downsize(lanes: int, bits: int, ratio: int) -> None:
    unit = DownsizeUnit(element=Lanes(lanes, bits), ratio=ratio, beats=5)
    check_unit(unit, np.random.default_rng(ratio).integers(0, 1 << bits, (15, lanes)))


@pytest.mark.parametrize(("lanes", "runs", "ratio"), [(6, 3, 2), (6, 6, 3), (4, 2, 1), (8, 2, 5)])
def test_upsize_run_by_run(lanes: int, runs: int, ratio: int) -> None:
    unit = UpsizeUnit(element=Lanes(lanes, 3), ratio=ratio, beats=2 * ratio, runs=runs)
    beats = np.random.default_rng(runs).integers(0, 8, (4 * ratio, lanes))
    parts = beats.reshape(4, ratio, runs, lanes // runs)
    wanted = np.stack([parts[:, :, run].reshape(4, -1) for run in range(runs)], axis=1)
    assert unit.reference(beats).tolist() == wanted.reshape(4, -1).tolist()
    check_unit(unit, beats)


def test_runs_divide_the_lanes() -> None:
    with pytest.raises(PlanError, match="runs must divide the 6 lanes of a beat, and 4 does not"):
        UpsizeUnit(element=Lanes(6, 1), ratio=2, beats=2, runs=4)
