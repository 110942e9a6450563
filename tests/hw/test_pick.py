"""Picking pixels apart against the unit, and against what a transposition gives."""

import numpy as np
import pytest
from harness import check_unit

from subbit.sw.units.pick import Pick
from subbit.sw.units.replay import Replay
from subbit.sw.units.unit import Lanes


@pytest.mark.parametrize(("lanes", "pixels", "passes"), [(2, 2, 3), (3, 3, 1), (1, 5, 2)])
def test_pick(lanes: int, pixels: int, passes: int) -> None:
    unit = Pick(Lanes(lanes, 2), pixels, passes, 3)
    check_unit(unit, np.random.default_rng(pixels).integers(0, 4, (2 * unit.i_beats, unit.i.lanes)))


def test_behind_a_replay_it_transposes() -> None:
    pick = Pick(Lanes(2, 4), 3, 4, 2)
    beats = np.random.default_rng(0).integers(0, 16, (2 * 4, 6))
    replayed = Replay(pick.i, 4, 3, 2).reference(beats)
    wanted = beats.reshape(2, 4, 3, 2).swapaxes(1, 2)
    assert pick.reference(replayed).tolist() == wanted.reshape(-1, 2).tolist()
