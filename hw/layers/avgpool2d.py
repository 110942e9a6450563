"""Average pooling as sums over windows."""

from dataclasses import dataclass
from typing import ClassVar

from subbit.hw.contract.blocks import luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.layers.add import values
from subbit.hw.layers.sums import Sums, SumTree, accumulators_cost
from subbit.hw.layers.windowpool import WindowPoolUnit, window_sizes, windows_view
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["AvgPool2dUnit", "window_sizes"]


@dataclass(frozen=True, kw_only=True)
class AvgPool2dUnit(WindowPoolUnit):
    """The sum over each window of ``layer``, of values of ``input``; padding adds 0, and the
    division belongs to what follows.

    ``input``: a tensor of codes, whose values are added, or integers. ``lanes``: elements a beat,
    one of ``window_sizes``. Output: integers, the channels of each window in order. First the sums
    of the columns of a row, then of those the sums of rows, in as many accumulators each as windows
    overlap; ``memory``: where those of rows live, one of ``auto``, ``block``, ``distributed``; or a
    tree of ``stages`` registers where a beat holds several pixels, see WindowPoolUnit.

    Latency: 2 cycles after the last pixel of a window; with a tree ``stages + 1``, with ``stages``
    of ``ceil(log2(n))`` for n numbers at once, with single bits 1 less, but at least 1. Interval:
    ``H * W * C / lanes`` cycles, a beat a cycle, and see WindowPoolUnit of several windows that end
    in the padding. Raises PlanError where ``lanes`` is none of ``window_sizes``, and NetworkError
    where the layer does not fit the tensor.
    """

    component: ClassVar[str] = "subbit.hw.layers.avgpool2d_rtl:AvgPool2d"
    layer: AvgPool2d
    input: TensorType
    lanes: int
    memory: str = "auto"

    @property
    def o(self) -> Lanes:
        """Integers of the layer's output type, all windows of a beat."""
        return self.sums.output(self.o_lanes)

    @property
    def by_value(self) -> bool:
        """Whether bipolar codes are added as the values that they stand for, since windows have
        more or fewer of them.
        """
        return any(self.layer.pads) and self.input.encoding is Encoding.BIPOLAR

    @property
    def numbers(self) -> TensorType:
        """What is added: the stored numbers, or values."""
        return (
            TensorType.integers(1, 1, 1, *self.input.value_range) if self.by_value else self.input
        )

    @property
    def tree(self) -> SumTree:
        """What adds the columns of a window, or all of it."""
        return SumTree(self.numbers, self.tree_count)

    @property
    def tree_stages(self) -> int:
        """See WindowPoolUnit."""
        return len(self.tree.stages)

    @property
    def sums(self) -> Sums:
        """The arithmetic of a whole window."""
        return Sums(self.numbers, self.layer.window.size)

    @property
    def row_bits(self) -> int:
        """Bits of the sum over a row of a window, as stored numbers and signed."""
        columns = self.layer.window.kernel[1]
        low, high = (columns * end for end in (self.numbers.low, self.numbers.high))
        return TensorType.integers(1, 1, 1, min(low, 0), max(high, 0)).bits

    @property
    def full_bits(self) -> int:
        """Bits of the sum over a window."""
        return self.sums.bits

    def reference(self, beats: Beats) -> Beats:
        """The sum over each window."""
        frames = values(self.input, beats).reshape(-1, *self.input.shape)
        pooled: Beats = windows_view(frames, self.layer, 0).sum(axis=(4, 5))
        return pooled.reshape(-1, self.o.lanes)

    def cost(self) -> Cost:
        """Accumulators, counters, the two registers between; or a tree."""
        if not self.stages:
            total = self.columns_cost() + self.rows_cost() + self.control_cost()
            return total + registers(self.o.width)
        if self.rows_within:
            total = self.tree.cost(self.o.lanes) + self.sums.end_cost * self.o.lanes
            return total + luts(2) + Cost(flip_flops=1)
        total = self.tree.cost(self.row_lanes) + self.rows_cost() + self.unused_cost()
        total += registers(self.sums.kept_bits * self.row_lanes)
        return total + luts(5) + Cost(flip_flops=1)

    def slots_cost(self, bits: int, slots: int) -> Cost:
        """Adders, each behind a choice."""
        return accumulators_cost(self.row_lanes, bits, slots)
