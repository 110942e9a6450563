"""Forks and additions: every branch gets every beat, and sums are those of the values."""

from typing import ClassVar

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream

from subbit.hw.contract.unit import Lanes
from subbit.hw.layers.add import AddUnit
from subbit.hw.layers.add_rtl import Add
from subbit.hw.streams.fork import ForkUnit
from subbit.hw.streams.fork_rtl import Fork
from subbit.sw import ir
from subbit.sw.errors import PlanError
from subbit.sw.ir.types import Encoding, TensorType
from tests.hw.ports import check_ports, random_operands, simulate_ports

CODES, INTEGERS = TensorType.codes, TensorType.integers
UNSIGNED = Encoding.UNSIGNED


@pytest.mark.parametrize("branches", [2, 3])
@pytest.mark.parametrize("lanes", [Lanes(1, 1), Lanes(3, 5, True)], ids=str)
def test_every_branch_gets_every_beat(branches: int, lanes: Lanes) -> None:
    unit = ForkUnit(element=lanes, branches=branches, beats=9)
    check_ports(unit, random_operands(unit, 3))


TYPES = [
    # both operands, shifts, lanes
    (CODES(2, 3, 4, 1), CODES(2, 3, 4, 1), (0, 0), 2),
    (CODES(2, 3, 4, 3), CODES(2, 3, 4, 3, UNSIGNED), (0, 0), 4),
    (CODES(2, 1, 3, 1), INTEGERS(2, 1, 3, -9, 40), (3, 0), 3),
    (INTEGERS(3, 2, 2, -100, 99), INTEGERS(3, 2, 2, 5, 7), (0, 2), 1),
    (INTEGERS(1, 1, 5, -(1 << 40), 0), CODES(1, 1, 5, 8, UNSIGNED), (0, 24), 1),
]


def in_range(beats: np.ndarray, unit: AddUnit) -> np.ndarray:
    """The beats with each operand limited to its type's range."""
    a, b = beats[:, : unit.lanes], beats[:, unit.lanes :]
    ranges = ((unit.left.low, unit.left.high), (unit.right.low, unit.right.high))
    return np.hstack([np.clip(x, *ends) for x, ends in zip((a, b), ranges, strict=True)])


@pytest.mark.parametrize(("left", "right", "shifts", "lanes"), TYPES)
def test_sums(left: TensorType, right: TensorType, shifts: tuple[int, int], lanes: int) -> None:
    unit = AddUnit(layer=ir.Add(*shifts), left=left, right=right, lanes=lanes)
    beats = in_range(random_operands(unit, 4), unit)
    check_ports(unit, beats)
    kind = unit.layer.infer((left, right))
    for ends in ((left.low, right.low), (left.high, right.high)):
        sums = unit.reference(np.repeat([ends], lanes, axis=1))
        assert sums.min() in (kind.low, kind.high)


def test_lanes_must_divide_the_channels() -> None:
    with pytest.raises(PlanError, match="a beat of 3 elements does not fit"):
        AddUnit(layer=ir.Add(), left=CODES(2, 3, 4, 1), right=CODES(2, 3, 4, 1), lanes=3)


class EarlyForkUnit(ForkUnit):
    """Says what Fork says."""

    component: ClassVar[str] = "tests.hw.streams.test_fork_add:EarlyFork"


class EarlyFork(Fork):
    """Takes the next beat once the first branch has taken this one."""

    o0: stream.Interface

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.i.ready.eq(~self.o0.valid | self.o0.ready)
        return m


class Lonely(AddUnit):
    """Says what Add says."""

    component: ClassVar[str] = "tests.hw.streams.test_fork_add:LonelyAdd"


class LonelyAdd(Add):
    """Takes a beat of its second stream although the first has none."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.b.ready.eq(~self.o.valid | self.o.ready)
        return m


@pytest.mark.parametrize(
    "unit",
    [
        EarlyForkUnit(element=Lanes(2, 4), branches=2, beats=30),
        Lonely(layer=ir.Add(), left=CODES(5, 6, 2, 4), right=CODES(5, 6, 2, 4), lanes=2),
    ],
    ids=["fork", "add"],
)
def test_a_beat_lost_while_another_stream_waits_is_caught(unit: ForkUnit | AddUnit) -> None:
    beats = random_operands(unit, 1)
    (whole, *_) = simulate_ports(unit, beats, len(beats), None)
    np.testing.assert_array_equal(np.array(whole.out), unit.reference(beats))
    with pytest.raises(AssertionError):
        check_ports(unit, beats)
