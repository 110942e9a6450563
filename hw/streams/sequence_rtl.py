"""Counters with flags that come from registers."""

from collections.abc import Iterable, Sequence

from amaranth.hdl import Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Counter", "count_steps", "lookup", "next_in_cycle"]


MAX_COMPARISONS = 4  # with elements of a table; where there are more, the table is split by parity


def lookup(index: Value, table: Sequence[bool]) -> Value:
    """``table[index]`` for an ``index`` below ``len(table)``. It takes few lookup tables where few
    elements are true, or few are false, or where that is so of the even and of the odd elements.
    """
    hits = [k for k, x in enumerate(table) if x]
    if len(hits) > len(table) // 2:
        return ~lookup(index, [not x for x in table])
    if len(hits) > MAX_COMPARISONS:
        odd, even = lookup(index[1:], table[1::2]), lookup(index[1:], table[::2])
        return Mux(index[0], odd, even)
    found: Value = Const(0, 1)
    for k in hits:
        found = found | (index == k)
    return found


class Counter(wiring.Component):
    """``count`` (out) is the number of cycles with ``step`` (in) so far, modulo ``length``.

    ``flags[t]`` (out) is ``tables[t][count]`` for each of the ``tables``, which have ``length``
    elements, and ``last`` (out) is ``count == length - 1``. Both come from registers: with each
    step they are set to what belongs to the next count. So they cost no time in the cycle in which
    they are used. Latency: 0 cycles. Interval: a step a cycle. All start again after a reset.

    ``exit``: with ``early`` (in), which is there then, high, the count starts again after that many
    steps already, and ``last`` is high where it does.

    Length 4, the table 1 0 0 1::

        cycle        0   1   2   3   4   5   6
        step         1   1   0   1   1   0   1
        count        0   1   2   2   3   0   0
        flags[0]     1   0   0   0   1   1   1
        last         0   0   0   0   1   0   0
    """

    step: Signal
    early: Signal
    count: Signal
    last: Signal
    flags: Signal

    def __init__(
        self, *, length: int, tables: Iterable[Iterable[bool]] = (), exit: int | None = None
    ) -> None:
        self._length, self._exit = length, exit
        ends = [k == length - 1 for k in range(length)]
        leaves = [] if exit is None else [[k == exit - 1 for k in range(length)]]
        self._tables = [[bool(x) for x in table] for table in (*tables, *leaves)] + [ends]
        super().__init__(
            {
                "step": In(1),
                **({} if exit is None else {"early": In(1)}),
                "count": Out(range(length)),
                "last": Out(1),
                "flags": Out(len(self._tables) - 1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first = Const(sum(table[0] << t for t, table in enumerate(self._tables)))
        flags = Signal(len(self._tables), init=first.value)
        last: Value = flags[-1]
        if self._exit is not None:
            last = last | (self.early & flags[-2])
        m.d.comb += [self.flags.eq(flags[:-1]), self.last.eq(last)]
        if self._length == 1:
            return m
        with m.If(self.step):
            m.d.sync += self.count.eq(self.count + 1)
            for t, table in enumerate(self._tables):
                changes = [x != y for x, y in zip(table, table[1:] + table[:1], strict=True)]
                m.d.sync += flags[t].eq(flags[t] ^ lookup(self.count, changes))
            with m.If(last):
                m.d.sync += [self.count.eq(0), flags.eq(first)]
        return m


def next_in_cycle(count: Signal, length: int) -> ValueLike:
    """The number after ``count`` in 0, 1, .., length - 1, 0, .."""
    if length & (length - 1) == 0:
        return count + 1
    return (count + 1) & (count != length - 1).replicate(len(count))


def count_steps(m: Module, step: Value, length: int, reset: Value | None = None) -> Signal:
    """The number of cycles with ``step`` before this one, modulo ``length``. ``reset``: a signal
    that sets it to 0 in place of the domain's reset.
    """
    count = Signal(range(length), reset_less=reset is not None)
    with m.If(step):
        m.d.sync += count.eq(next_in_cycle(count, length))
    if reset is not None:
        with m.If(reset):
            m.d.sync += count.eq(0)
    return count
