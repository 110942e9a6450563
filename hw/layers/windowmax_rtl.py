"""Max pooling over any windows."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Value

from subbit.hw.layers.windowmax import WindowMaxUnit
from subbit.hw.layers.windowpool_rtl import WindowPool
from subbit.hw.streams.registers_rtl import Stage

__all__ = ["WindowMax"]


class WindowMax(WindowPool):
    """``o`` gives the greatest number in each window of ``i``, ``unit.lanes`` elements a beat:
    codes or integers like those of ``i``.

    First the greatest along a row, then down the rows; windows that overlap have a delay line each,
    with a word for each beat of a pixel, or of a row of windows. A register stands between the two
    and one behind them. Where a beat holds several pixels, a tree of ``unit.stages`` registers
    compares the columns of its windows in place of the first, and all numbers of a window where it
    holds several rows. Latency: 2 cycles after the last pixel of a window, or ``unit.stages + 1``.
    Interval: ``H * W * C / lanes`` cycles, or some more where several windows end in the padding.
    ``collision`` is high if a delay line reads a word while it writes it, which none ever does.
    """

    def __init__(self, *, unit: WindowMaxUnit) -> None:
        self._signed = unit.input.signed
        super().__init__(unit=unit)

    @property
    def signed(self) -> bool:
        """As elements are."""
        return self._signed

    def element(self, lane: int) -> Value:
        """See WindowPool."""
        return Value.cast(self.i.payload[lane])

    def combined(self, held: Value, x: Value, first: Value, *, down: bool) -> Value:
        """The greater one."""
        if len(x) == 1 and not self._signed:
            return x | (held & ~first)
        return Mux(first | (x > held), x, held)

    def tree(
        self, m: Module, windows: Sequence[Sequence[Value]], stage: Stage
    ) -> tuple[list[Value], Stage]:
        """See WindowPool."""
        rows = [list(window) for window in windows]
        level = 0
        while level == 0 or len(rows[0]) > 1:
            if level:
                stage = Stage(m, stage.valid, stage.ready)
            for row in rows:
                pairs = [row[at : at + 2] for at in range(0, len(row), 2)]
                row[:] = [stage.kept(greatest(pair)) for pair in pairs]
            level += 1
        return [row[0] for row in rows], stage

    def beside(self, elements: Sequence[Value]) -> Value:
        """Any real element of the window makes no difference."""
        return elements[0]

    def finished(self, numbers: Sequence[Value], *, rows: bool) -> Value:
        """See WindowPool."""
        return Cat(*numbers)


def greatest(numbers: Sequence[Value]) -> Value:
    """The one number, or the greater of two."""
    if len(numbers) == 1:
        return numbers[0]
    a, b = numbers
    if len(a) == 1 and not a.shape().signed:
        return a | b
    return Mux(a > b, a, b)
