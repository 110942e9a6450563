"""ArgmaxUnit against numpy."""

import numpy as np
import pytest

from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.sw.cycles import run
from subbit.sw.ir.types import TensorType
from tests.hw.harness import check_unit


@pytest.mark.parametrize(
    ("classes", "low", "high"),
    [(1, 0, 0), (1, -3, 5), (2, -1, 0), (10, -2, 2), (10, -5000, 4000), (17, 0, 1), (5, -9, -7)],
)
def test_argmax(classes: int, low: int, high: int) -> None:
    unit = ArgmaxUnit(input=TensorType.integers(1, 1, classes, low, high))
    logits = np.random.default_rng(classes).integers(low, high + 1, (12 * classes, 1))
    check_unit(unit, logits)
    assert run(list(unit.processes()), 3).interval_cycles == unit.interval_cycles


def test_lowest_index_on_ties() -> None:
    unit = ArgmaxUnit(input=TensorType.integers(1, 1, 4, -8, 7))
    logits = np.array([[-8, -8, -8, -8], [1, 7, 7, 0], [-8, 0, -1, 0], [3, 2, 1, 3]])
    beats = logits.reshape(-1, 1)
    assert unit.reference(beats).reshape(4, 5)[:, 4].tolist() == [0, 1, 1, 0]
    check_unit(unit, beats)


def test_output_holds_logits_and_index() -> None:
    assert ArgmaxUnit(input=TensorType.integers(1, 1, 10, -1, 0)).o.bits == 5
    assert ArgmaxUnit(input=TensorType.integers(1, 1, 10, -5000, 0)).o.bits == 14
    assert ArgmaxUnit(input=TensorType.integers(1, 1, 10, -5000, 0)).o.signed
