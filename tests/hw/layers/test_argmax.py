"""ArgmaxUnit against numpy."""

import numpy as np
import pytest
import torch

from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.sw.cycles import run
from subbit.sw.errors import PlanError
from subbit.sw.golden.argmax import evaluate
from subbit.sw.ir.layers.argmax import Argmax
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


@pytest.mark.parametrize(
    ("shape", "lanes"),
    [
        ((2, 3, 4), 1),
        ((2, 3, 4), 2),
        ((1, 3, 4), 4),
        ((3, 1, 9), 3),
        ((2, 2, 1), 1),
        ((1, 2, 7), 7),
    ],
)
def test_a_class_for_each_pixel(shape: tuple[int, int, int], lanes: int) -> None:
    x = TensorType.integers(*shape, -9, 5)
    unit = ArgmaxUnit(input=x, lanes=lanes)
    logits = np.random.default_rng(lanes).integers(-9, 6, (3, *shape))
    logits[0] = -9
    beats = logits.reshape(-1, lanes)
    check_unit(unit, beats)
    kind = Argmax().infer((x,))
    assert (unit.o_beats, unit.o.bits) == (kind.elements, kind.bits)
    wanted = evaluate(Argmax(), (x,), torch.from_numpy(logits)).numpy()
    np.testing.assert_array_equal(unit.reference(beats).reshape(wanted.shape), wanted)
    assert run(list(unit.processes()), 3).interval_cycles == unit.interval_cycles


def test_a_beat_of_a_map_holds_no_more_than_a_pixel() -> None:
    with pytest.raises(PlanError, match="it may hold 1, 2, 4"):
        ArgmaxUnit(input=TensorType.integers(2, 2, 4, -9, 5), lanes=8)
