"""Dealing pixels apart against the unit, and against what a transposition gives."""

import numpy as np
import pytest

from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.replay import ReplayUnit
from tests.hw.harness import check_unit


@pytest.mark.parametrize(
    ("lanes", "pixels", "passes", "pe"), [(2, 2, 3, 1), (3, 3, 1, 3), (1, 5, 2, 1), (6, 2, 4, 2)]
)
def test_deal(lanes: int, pixels: int, passes: int, pe: int) -> None:
    unit = DealUnit(pixel=Lanes(lanes, 2), passes=passes, groups=3, pixels=pixels, pe=pe)
    check_unit(unit, np.random.default_rng(pixels).integers(0, 4, (2 * unit.i_beats, unit.i.lanes)))


@pytest.mark.parametrize("pe", [1, 2])
def test_behind_a_replay_it_transposes(pe: int) -> None:
    deal = DealUnit(pixel=Lanes(2, 4), passes=4, groups=2, pixels=3, pe=pe)
    outputs = np.random.default_rng(0).integers(0, 16, (2, 4, 2 // pe, 3, pe))
    replayed = ReplayUnit(element=deal.i, words=4, folds=3, vectors=2).reference(
        outputs.reshape(2 * 4, 6)
    )
    wanted = np.moveaxis(outputs, 3, 1)
    assert deal.reference(replayed).tolist() == wanted.reshape(-1, 2).tolist()
