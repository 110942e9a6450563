"""Replaying vectors."""

import numpy as np
import pytest

from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.replay import ReplayUnit
from subbit.sw.cycles import run
from subbit.sw.errors import PlanError
from tests.hw.harness import check_unit

CASES = [
    # lanes, bits, words, folds, vectors
    (1, 1, 1, 1, 3),
    (2, 3, 1, 4, 3),
    (1, 1, 2, 1, 4),
    (3, 2, 2, 3, 3),
    (4, 1, 5, 2, 2),
    (1, 8, 9, 1, 1),
    (1, 4, 3, 7, 1),
]


@pytest.mark.parametrize("memory", ["distributed", "block", "registers"])
@pytest.mark.parametrize(("lanes", "bits", "words", "folds", "vectors"), CASES)
def test_replay(lanes: int, bits: int, words: int, folds: int, vectors: int, memory: str) -> None:
    if memory == "registers" and words > 1 and folds == 1:
        pytest.skip("vectors that are read once do not stay in registers")
    unit = ReplayUnit(
        element=Lanes(lanes, bits), words=words, folds=folds, vectors=vectors, memory=memory
    )
    shape = (words * vectors * 5, lanes)
    check_unit(unit, np.random.default_rng(words).integers(0, 1 << bits, shape))
    assert run(list(unit.processes()), 5).interval_cycles == unit.interval_cycles


def test_vectors_that_are_read_once_are_not_for_registers() -> None:
    with pytest.raises(PlanError, match="read only once"):
        ReplayUnit(element=Lanes(1, 1), words=2, folds=1, vectors=1, memory="registers")
