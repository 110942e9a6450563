"""XNOR-popcount: how many positions of an input word match each row's weights."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.fabric import fabric_of
from subbit.hw.pipe import registered
from subbit.hw.vendor.popcount import VendorPopcount
from subbit.sw.units.popcount import GROUP, ceil_log2
from subbit.sw.units.popcount import PopcountXnor as Shape

__all__ = ["PopcountXnor"]


class PopcountXnor(wiring.Component):
    """See :class:`subbit.sw.units.popcount.PopcountXnor` for what is counted, and the latency.

    ``x``: positions, each ``bits`` wide with its mask bit on top if there are masks, the first one
    lowest. ``w``: weight bits, ``position * rows + row``. ``count``: a number a row, the first one
    lowest. ``blanks``: positions with mask 0. Made for a part with the fabric that the shape is
    meant for, it consists of that vendor's cells, else of portable logic of the same latency.
    """

    x: Signal
    w: Signal
    count: Signal
    blanks: Signal

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        super().__init__(
            {
                "x": In(shape.simd * (shape.bits + shape.masked)),
                "w": In(shape.simd * shape.rows),
                "count": Out(shape.width * shape.rows),
                "blanks": Out(shape.simd.bit_length()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if fabric_of(platform) == self._shape.form:
            self._add_cells(m)
        else:
            self._add_logic(m)
        return m

    def _add_cells(self, m: Module) -> None:
        """The vendor's form."""
        shape = self._shape
        m.submodules.cells = cells = VendorPopcount(shape, shape.row, shape.latency)
        m.d.comb += [
            cells.x.eq(self.x),
            cells.w.eq(self.w),
            self.count.eq(cells.count),
            self.blanks.eq(cells.blanks),
        ]

    def _add_logic(self, m: Module) -> None:
        """The portable form."""
        shape, rows = self._shape, self._shape.rows
        lane = shape.bits + shape.masked
        positions = [self.x[at * lane : (at + 1) * lane] for at in range(shape.simd)]
        weights = [self.w[at * rows : (at + 1) * rows] for at in range(shape.simd)]
        planes = [
            [named(m, match(x, w, bit, shape)) for bit in range(shape.bits)]
            for x, w in zip(positions, weights, strict=True)
        ]
        if shape.bits == 1:
            raw = zip(positions, weights, strict=True)
            late = () if shape.masked or shape.constant else tuple(raw)[GROUP - 1 :: GROUP]
            counts, stages = count_ones(m, [plane[0] for plane in planes], rows, late)
        else:
            counts, stages = sum_codes(m, planes, rows)
        counts = [registered(m, count[: shape.width], shape.latency - stages) for count in counts]
        m.d.comb += self.count.eq(Cat(*counts))
        if shape.masked:
            [blanks], stages = count_ones(m, [~x[shape.bits] for x in positions], 1)
            m.d.comb += self.blanks.eq(registered(m, blanks, shape.latency - stages))


def match(x: Value, w: Value, bit: int, shape: Shape) -> Value:
    """For each row, whether bit ``bit`` of position ``x`` matches; 0 where masked out."""
    same = ~(x[bit].replicate(shape.rows) ^ w)
    return same & x[shape.bits].replicate(shape.rows) if shape.masked else same


def named(m: Module, value: Value) -> Value:
    """``value`` as a signal, so that using each of its parts does not compute the whole again."""
    signal = Signal(len(value), name="wires")
    m.d.comb += signal.eq(value)
    return signal


def full_add(a: Value, b: Value, c: Value) -> tuple[Value, Value]:
    """Sum and carry of three bits, for each place of the vectors."""
    return a ^ b ^ c, (a & b) | (c & (a ^ b))


def count_ones(
    m: Module, ones: list[Value], rows: int, raw: Sequence[tuple[Value, Value]] = ()
) -> tuple[list[Value], int]:
    """For each row the number of vectors that have a 1 there, and the register stages taken.

    Full adders, a whole vector at a time, count groups of 3 into two bits and groups of 7 into
    three; adder trees count those. ``raw``: the bit and the weights of every seventh position, for
    an xnor that costs nothing because it is part of an adder's lookup tables.
    """
    size = 3 if len(ones) <= 3 else GROUP
    groups = -(-len(ones) // size)
    padded = ones + [Const(0, rows)] * (groups * size - len(ones))
    columns = [Cat(*padded[place::size]) for place in range(size)]
    low, high = (registered(m, bits) for bits in full_add(*columns[:3]))
    bits, stages = [low, high], 1
    if size == GROUP:
        low2, high2 = (registered(m, bits) for bits in full_add(*columns[3:6]))
        seventh = late_xnor(m, raw) if raw else registered(m, columns[6])
        low, carry = full_add(low, low2, seventh)
        bits, stages = [registered(m, v) for v in (low, *full_add(high, high2, carry))], 2
    numbers: list[Value] = [Cat(*(plane[at] for plane in bits)) for at in range(groups * rows)]
    counts = [add_up(m, numbers[row::rows]) for row in range(rows)]
    return [count for count, _ in counts], stages + counts[0][1]


def late_xnor(m: Module, pairs: Sequence[tuple[Value, Value]]) -> Value:
    """The xnors of each pair's bit with all of its weights, side by side, behind registers."""
    bits = registered(m, Cat(*(bit for bit, _ in pairs)))
    weights = registered(m, Cat(*(weights for _, weights in pairs)))
    return ~(Cat(*(bit.replicate(len(weights) // len(pairs)) for bit in bits)) ^ weights)


def sum_codes(m: Module, planes: list[list[Value]], rows: int) -> tuple[list[Value], int]:
    """For each row the sum of its codes, whose bits are ``planes[position][bit][row]``."""
    counts = [
        add_up(m, [Cat(*(bits[row] for bits in plane)) for plane in planes]) for row in range(rows)
    ]
    if counts[0][1]:
        return [count for count, _ in counts], counts[0][1]
    return [registered(m, count) for count, _ in counts], 1


def add_up(m: Module, numbers: list[Value]) -> tuple[Value, int]:
    """The sum of the numbers, registered after every two adders and at the end; and the stages."""
    levels = ceil_log2(len(numbers))
    for level in range(levels):
        sums = [a + b for a, b in zip(numbers[::2], numbers[1::2], strict=False)]
        numbers = sums + numbers[len(sums) * 2 :]
        if level % 2 or level == levels - 1:
            numbers = [registered(m, number) for number in numbers]
    return numbers[0], -(-levels // 2)
