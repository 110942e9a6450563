"""Counters with flags that are known a cycle ahead."""

from collections.abc import Iterable, Sequence

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Counter", "lookup"]


def lookup(index: Value, table: Sequence[bool]) -> Value:
    """``table[index]``, by comparisons with constants; ``index`` below ``len(table)``.

    Cheap for tables of one or two runs, and for those whose even and odd parts are so.
    """
    starts = [k for k in range(len(table)) if table[k] and not (k and table[k - 1])]
    if all(table) or not starts:
        return Const(int(bool(starts)), 1)
    if len(starts) > 2:
        return (index[0] & lookup(index[1:], table[1::2])) | (
            ~index[0] & lookup(index[1:], table[::2])
        )
    runs: Value = Const(0, 1)
    for start in starts:
        end = next((k for k in range(start, len(table)) if not table[k]), len(table))
        above = (index >= start) if start else Const(1, 1)
        runs = runs | (above & (index < end) if end < len(table) else above)
    return runs


class Counter(wiring.Component):
    """Counts ``step`` from 0 to ``length - 1`` and round again.

    ``flags[t]`` is ``tables[t][count]``, from a register; ``last`` is high at ``length - 1``.
    """

    step: Signal
    count: Signal
    last: Signal
    flags: Signal

    def __init__(self, length: int, tables: Iterable[Iterable[bool]] = ()) -> None:
        self._length = length
        ends = [k == length - 1 for k in range(length)]
        self._tables = [[bool(x) for x in table] for table in tables] + [ends]
        super().__init__(
            {
                "step": In(1),
                "count": Out(range(length)),
                "last": Out(1),
                "flags": Out(len(self._tables) - 1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first = Const(sum(table[0] << t for t, table in enumerate(self._tables)))
        flags = Signal(len(self._tables), init=first.value)
        m.d.comb += [self.flags.eq(flags[:-1]), self.last.eq(flags[-1])]
        if self._length == 1:
            return m
        with m.If(self.step):
            m.d.sync += self.count.eq(self.count + 1)
            for t, table in enumerate(self._tables):
                m.d.sync += flags[t].eq(lookup(self.count, table[1:] + table[:1]))
            with m.If(flags[-1]):
                m.d.sync += [self.count.eq(0), flags.eq(first)]
        return m
