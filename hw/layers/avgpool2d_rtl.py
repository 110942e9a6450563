"""Average pooling as sums over windows."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Value

from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.sums_rtl import add_tree, outputs
from subbit.hw.layers.windowpool_rtl import WindowPool
from subbit.hw.streams.registers_rtl import Stage

__all__ = ["AvgPool2d"]


class AvgPool2d(WindowPool):
    """``o`` gives the sum over each window of the values of ``i``, ``unit.lanes`` elements a beat:
    codes or integers in, two's complement integers out.

    First sums along a row, then down the rows; windows that overlap have an accumulator each, a
    delay line with a word for each beat of a pixel, or of a row of windows. A register stands
    between the two and one behind them. Where a beat holds several pixels, a tree of
    ``unit.stages`` registers adds the columns of its windows in place of the first, and all numbers
    of a window where it holds several rows. Bipolar codes are added as stored, or where there is
    padding as the values that they stand for. Latency: 2 cycles after the last pixel of a window,
    or ``unit.stages + 1``. Interval: ``H * W * C / lanes`` cycles, or some more where several
    windows end in the padding. ``collision`` is high if a delay line reads a word while it writes
    it, which none ever does.
    """

    def __init__(self, *, unit: AvgPool2dUnit) -> None:
        self._sums, self._tree, self._by_value = unit.sums, unit.tree, unit.by_value
        super().__init__(unit=unit)

    @property
    def signed(self) -> bool:
        """Sums are."""
        return True

    def element(self, lane: int) -> Value:
        """See WindowPool: ``2u - (2**M - 1)`` of a bipolar code u is u with its highest bit
        inverted, as a signed number, and a 1 below.
        """
        stored = Value.cast(self.i.payload[lane])
        if not self._by_value:
            return stored
        return Cat(Const(1, 1), stored[:-1], ~stored[-1]).as_signed()

    def combined(self, held: Value, x: Value, first: Value, *, down: bool) -> Value:
        """The sum, which begins with that of no window down the rows."""
        return Mux(first, self._sums.start if down else 0, held) + x

    def tree(
        self, m: Module, windows: Sequence[Sequence[Value]], stage: Stage
    ) -> tuple[list[Value], Stage]:
        """See WindowPool."""
        return add_tree(m, self._tree, windows, stage)

    def beside(self, elements: Sequence[Value]) -> Value:
        """Padding adds 0."""
        return Const(0, 1)

    def finished(self, numbers: Sequence[Value], *, rows: bool) -> Value:
        """See WindowPool."""
        sums = self._sums
        if not rows:
            numbers = [(sums.start + number)[: sums.bits].as_signed() for number in numbers]
        return outputs(sums, numbers)
