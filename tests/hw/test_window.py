"""Sliding windows against numpy, over shapes, paddings, strides, chunks and folds."""

import numpy as np
import pytest
from harness import check_unit

from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import TensorType
from subbit.sw.units.window import Window

NONE, ZERO, MINUS, PLUS = Padding.NONE, Padding.ZERO, Padding.MINUS, Padding.PLUS

CASES = [
    # height, width, channels, bits, kernel, stride, padding, at a time, folds
    (4, 5, 1, 1, 3, 1, NONE, 1, 1),
    (4, 5, 2, 1, 3, 1, ZERO, 2, 1),
    (4, 5, 2, 1, 3, 1, ZERO, 2, 3),
    (4, 5, 4, 1, 3, 1, ZERO, 2, 1),
    (4, 5, 4, 2, 3, 1, ZERO, 1, 3),
    (5, 4, 3, 1, 3, 2, ZERO, 1, 2),
    (6, 6, 2, 1, 3, 2, PLUS, 1, 2),
    (6, 6, 2, 3, 3, 2, PLUS, 2, 4),
    (6, 5, 2, 1, 3, 2, MINUS, 2, 1),
    (6, 6, 2, 1, 3, 2, NONE, 1, 2),
    (6, 7, 2, 1, 3, 2, NONE, 2, 1),
    (1, 1, 4, 1, 3, 1, ZERO, 4, 2),
    (1, 1, 4, 1, 3, 1, PLUS, 1, 2),
    (3, 1, 2, 2, 3, 1, ZERO, 2, 1),
    (1, 3, 2, 2, 3, 2, PLUS, 1, 1),
    (3, 3, 6, 1, 3, 1, NONE, 2, 2),
    (7, 6, 1, 8, 5, 1, ZERO, 1, 1),
    (5, 5, 2, 1, 5, 1, PLUS, 1, 2),
    (6, 7, 2, 1, 5, 2, ZERO, 1, 2),
    (8, 9, 2, 1, 5, 2, NONE, 1, 2),
    (1, 2, 1, 4, 5, 2, PLUS, 1, 3),
    (2, 1, 2, 7, 5, 1, MINUS, 1, 1),
    (3, 4, 4, 2, 1, 2, NONE, 2, 2),
    (3, 3, 2, 2, 1, 1, NONE, 2, 2),
]


def frames_of(unit: Window, frames: int, seed: int = 1) -> np.ndarray:
    """Random input beats."""
    x = unit.input
    shape = (frames * x.elements // unit.channels, unit.channels)
    return np.random.default_rng(seed).integers(0, 1 << x.bits, shape)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_window(case: tuple[int, int, int, int, int, int, Padding, int, int]) -> None:
    height, width, cin, bits, kernel, stride, padding, channels, folds = case
    tensor = TensorType.codes(height, width, cin, bits)
    unit = Window(tensor, kernel, stride, padding, channels, folds)
    check_unit(unit, frames_of(unit, 3))
