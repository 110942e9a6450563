"""DepthToSpace: the circuit is its unit, and the unit its layer."""

import numpy as np
import pytest

from subbit.hw.layers.depthtospace import DepthToSpaceUnit, depthtospace_sizes
from subbit.sw.errors import PlanError
from subbit.sw.ir import DepthToSpace, Encoding, TensorType
from tests.hw.layers.test_rearranged import check


@pytest.mark.parametrize("seed", range(24))
def test_random_blocks(seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows, columns = ((2, 2), (1, 2), (2, 1), (3, 2), (2, 4), (4, 1))[seed % 6]
    height, width, channels = (int(n) for n in chance.integers(1, 5, 3))
    shape = (height, width, rows * columns * channels)
    sums = TensorType.integers(*shape, -9, 5)
    x = sums if seed % 5 == 0 else TensorType.codes(*shape, 1 + seed % 3, Encoding.UNSIGNED)
    layer = DepthToSpace(rows, columns)
    sizes = depthtospace_sizes(layer, x)
    lanes = sizes[int(chance.integers(len(sizes)))]
    unit = DepthToSpaceUnit(layer=layer, input=x, lanes=lanes)
    check(layer, x, unit, seed)
    assert unit.o_beats * lanes == x.elements == len(unit.processes()[0].steps) * lanes


@pytest.mark.parametrize(
    ("shape", "factors", "lanes", "depth", "chunks"),
    [
        ((2, 3, 8), (2, 2), 1, 3, 4),  # an element a beat, a row of pixels in the memory
        ((2, 3, 8), (2, 2), 4, 3, 1),  # a pixel's part of an output row
        ((2, 4, 8), (2, 2), 8, 2, 1),  # those of two pixels
        ((2, 4, 8), (2, 2), 16, 1, 1),  # an output row
        ((2, 4, 8), (2, 2), 32, 1, 1),  # two of them: wires alone
        ((2, 2, 8), (2, 2), 32, 1, 1),  # the frame
        ((3, 1, 6), (3, 2), 1, 1, 2),  # a pixel a row
        ((3, 3, 4), (1, 2), 2, 1, 2),  # one row of a block: a change of width
    ],
)
def test_what_is_kept(
    shape: tuple[int, int, int], factors: tuple[int, int], lanes: int, depth: int, chunks: int
) -> None:
    x, layer = TensorType.codes(*shape, 2), DepthToSpace(*factors)
    unit = DepthToSpaceUnit(layer=layer, input=x, lanes=lanes)
    assert (unit.depth, unit.chunks) == (depth, chunks)
    check(layer, x, unit, 5)


def test_beats_that_do_not_fit() -> None:
    x = TensorType.codes(2, 3, 8, 1)
    assert depthtospace_sizes(DepthToSpace(2, 2), x) == [1, 2, 4, 12, 24, 48]
    with pytest.raises(PlanError, match="does not fit a tensor"):
        DepthToSpaceUnit(layer=DepthToSpace(2, 2), input=x, lanes=8)
