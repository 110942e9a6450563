"""Width converters against their units."""

import numpy as np
import pytest

from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from tests.hw.harness import check_unit


@pytest.mark.parametrize(("lanes", "bits", "ratio"), [(1, 1, 2), (3, 2, 5), (2, 8, 1), (4, 1, 3)])
def test_upsize(lanes: int, bits: int, ratio: int) -> None:
    unit = UpsizeUnit(element=Lanes(lanes, bits), ratio=ratio, beats=4 * ratio)
    check_unit(unit, np.random.default_rng(ratio).integers(0, 1 << bits, (12 * ratio, lanes)))


@pytest.mark.parametrize(("lanes", "bits", "ratio"), [(1, 1, 2), (3, 2, 5), (2, 8, 1), (1, 8, 49)])
def test_upsize_in_one_register(lanes: int, bits: int, ratio: int) -> None:
    unit = UpsizeUnit(element=Lanes(lanes, bits), ratio=ratio, beats=4 * ratio, single=True)
    check_unit(unit, np.random.default_rng(ratio).integers(0, 1 << bits, (12 * ratio, lanes)))


@pytest.mark.parametrize(("lanes", "bits", "ratio"), [(2, 1, 2), (15, 2, 5), (2, 8, 1), (12, 1, 3)])
def test_downsize(lanes: int, bits: int, ratio: int) -> None:
    unit = DownsizeUnit(element=Lanes(lanes, bits), ratio=ratio, beats=5)
    check_unit(unit, np.random.default_rng(ratio).integers(0, 1 << bits, (15, lanes)))
