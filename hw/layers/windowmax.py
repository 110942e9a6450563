"""Max pooling over any windows."""

from dataclasses import dataclass
from typing import ClassVar

from subbit.hw.contract.blocks import comparator_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.layers.windowpool import WindowPoolUnit, windows_view
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.types import TensorType

__all__ = ["WindowMaxUnit", "greater_cost"]


def greater_cost(bits: int) -> Cost:
    """The greater of two numbers of that many bits."""
    return luts(bits) if bits <= 2 else comparator_cost(bits) + luts(bits)


@dataclass(frozen=True, kw_only=True)
class WindowMaxUnit(WindowPoolUnit):
    """The greatest number in each window of ``layer``; padding counts for nothing. Pooling of 2x2
    blocks has a unit of its own, :class:`.MaxPool2dUnit`.

    ``input``: a tensor of codes or integers; the output has its type. ``lanes``: elements a beat,
    one of ``window_sizes``. First the greatest of the columns of a row is found, then of those that
    of the rows, in as many registers or memories each as windows overlap; ``memory``: where those
    of rows live, one of ``auto``, ``block``, ``distributed``; or a tree of ``stages`` registers
    where a beat holds several pixels, see WindowPoolUnit.

    Latency: 2 cycles after the last pixel of a window; with a tree ``stages + 1``, with ``stages``
    of ``ceil(log2(n))`` for n numbers at once, but at least 1. Interval: ``H * W * C / lanes``
    cycles, a beat a cycle, and see WindowPoolUnit of several windows that end in the padding.
    Raises PlanError where ``lanes`` is none of ``window_sizes``, and NetworkError where the layer
    does not fit the tensor.
    """

    component: ClassVar[str] = "subbit.hw.layers.windowmax_rtl:WindowMax"
    layer: MaxPool2d
    input: TensorType
    lanes: int
    memory: str = "auto"

    @property
    def o(self) -> Lanes:
        """As the input, all windows of a beat."""
        return Lanes.of(self.input, self.o_lanes)

    @property
    def row_bits(self) -> int:
        """Those of an element."""
        return self.input.bits

    @property
    def full_bits(self) -> int:
        """Those of an element."""
        return self.input.bits

    @property
    def levels(self) -> list[int]:
        """Numbers that are left behind each register of the tree."""
        found = [-(-self.tree_count // 2)]
        while found[-1] > 1:
            found.append(-(-found[-1] // 2))
        return found

    @property
    def tree_stages(self) -> int:
        """See WindowPoolUnit."""
        return len(self.levels)

    def reference(self, beats: Beats) -> Beats:
        """The maximum over each window."""
        frames = beats.reshape(-1, *self.input.shape)
        pooled: Beats = windows_view(frames, self.layer, self.input.low).max(axis=(4, 5))
        return pooled.reshape(-1, self.o.lanes)

    def cost(self) -> Cost:
        """Comparisons, counters, the two registers between; or a tree."""
        if not self.stages:
            total = self.columns_cost() + self.rows_cost() + self.control_cost()
            return total + self.kept_cost(self.o.width)
        bits, lanes = self.input.bits, self.o.lanes if self.rows_within else self.row_lanes
        one = registers(bits * sum(self.levels))
        compared = greater_cost(bits) - registers(bits) + Cost(flip_flops=bits)
        one += compared * (self.tree_count - 1)
        total = one * lanes + (luts(2) + Cost(flip_flops=1)) * self.stages
        if self.rows_within:
            return total + registers(self.o.width + 1) + luts(2)
        behind = self.kept_cost(self.o.width + 1) + luts(5)
        return total + self.rows_cost() + self.unused_cost() + behind

    def kept_cost(self, bits: int) -> Cost:
        """A register behind tables: on an iCE40 it shares their cells."""
        return Cost(flip_flops=bits)

    def slots_cost(self, bits: int, slots: int) -> Cost:
        """Comparisons, each behind a choice, and the choice among their results."""
        one = (greater_cost(bits) + luts(bits)) * slots + luts(bits * (slots - 1))
        return one * self.row_lanes
