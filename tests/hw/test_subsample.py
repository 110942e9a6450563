"""Subsampling against its unit."""

import numpy as np
import pytest
from harness import check_unit

from subbit.sw.ir.types import TensorType
from subbit.sw.units.subsample import Subsample


@pytest.mark.parametrize(("height", "width", "channels", "lanes"), [(4, 6, 4, 2), (5, 3, 2, 2), (1, 1, 3, 1)])
def test_subsample(height: int, width: int, channels: int, lanes: int) -> None:
    unit = Subsample(TensorType.codes(height, width, channels, 2), 2, lanes)
    beats = np.random.default_rng(width).integers(0, 4, (3 * unit.i_beats, lanes))
    check_unit(unit, beats)
