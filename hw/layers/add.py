"""Adding two streams."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import adder_cost, luts
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.streams.shapes import check_beat
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["AddUnit", "values"]


def values(kind: TensorType, stored: Ints) -> Ints:
    """What stored numbers of the type stand for."""
    return 2 * stored - kind.high if kind.encoding is Encoding.BIPOLAR else stored


@dataclass(frozen=True, kw_only=True)
class AddUnit(Unit):
    """``o = a * 2**shift_a + b * 2**shift_b`` for each element of two tensors, with the shifts of
    ``layer``.

    ``left``, ``right``: the types of the tensors on the streams ``a`` and ``b``, codes (the values
    that they stand for are added) or integers; both have one shape. ``lanes``: elements of each a
    beat: some channels of a pixel, whole pixels of a row, or whole rows. Output: integers of the
    layer's output type. Takes a beat of both streams in one cycle. Latency: 1 cycle. Interval:
    ``elements / lanes`` cycles, a beat a cycle.

    Raises PlanError where a beat of the tensors may not hold ``lanes`` elements, and NetworkError
    where the layer does not fit them.
    """

    component: ClassVar[str] = "subbit.hw.layers.add_rtl:Add"
    layer: Add
    left: TensorType
    right: TensorType
    lanes: int

    def __post_init__(self) -> None:
        check_beat(self.lanes, self.left)
        _ = self.o

    @property
    def i(self) -> Lanes:
        """Elements of the first operand."""
        return Lanes.of(self.left, self.lanes)

    @property
    def inputs(self) -> dict[str, Lanes]:
        """``a`` and ``b``, elements of the two operands."""
        return {"a": self.i, "b": Lanes.of(self.right, self.lanes)}

    @property
    def o(self) -> Lanes:
        """Integers of the layer's output type."""
        return Lanes.of(self.layer.infer((self.left, self.right)), self.lanes)

    def processes(self) -> tuple[Process, ...]:
        """A beat of each a cycle through an output register."""
        steps = np.full(self.left.elements // self.lanes, TAKE | GIVE, np.uint8)
        return (Process("add", steps),)

    def reference(self, beats: Beats) -> Beats:
        """The sum of the values, both operands' lanes side by side."""
        a = values(self.left, beats[:, : self.lanes]) << self.layer.shift_a
        b = values(self.right, beats[:, self.lanes :]) << self.layer.shift_b
        return a + b

    def cost(self) -> Cost:
        """An adder and a register a lane."""
        sums = adder_cost(self.o.bits) * self.lanes + Cost(flip_flops=self.o.width)
        return sums + luts(4) + Cost(flip_flops=1)
