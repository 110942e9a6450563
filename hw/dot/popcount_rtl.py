"""XNOR-popcount: how many positions of an input word match each row's weights."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.popcount import CODE_BITS, GROUP, PopcountShape, ceil_log2
from subbit.hw.dot.tree_counter_rtl import VendorPopcount
from subbit.hw.families.part import fabric_of
from subbit.hw.streams.registers_rtl import registered

__all__ = ["PopcountXnor"]

Term = tuple[int, Value]  # a number and the exponent of the power of two that it counts


class PopcountXnor(wiring.Component):
    """``count[r] = sum over l, b, k of scales[k] * 2**b * (xnor(x[l, b], w[k, r, l]) & mask[l])``,
    an XNOR-popcount of ``shape.simd`` positions l for each of ``shape.rows`` rows r.

    ``x`` (in): positions, each ``bits`` wide with its mask bit on top if there are masks, the first
    one lowest. ``w`` (in): weight bits, ``(plane * simd + position) * rows + row``. ``count``
    (out): a number a row, the first one lowest. ``padding`` (out): positions with mask 0, 0 without
    masks.

    For a part whose fabric is ``shape.form`` it consists of that vendor's compressor trees, else of
    portable full adders and adder trees of the same latency. Latency: ``shape.latency`` cycles, the
    same for ``count`` and ``padding``. Interval: a word a cycle.
    """

    x: Signal
    w: Signal
    count: Signal
    padding: Signal

    def __init__(self, *, shape: PopcountShape) -> None:
        self._shape = shape
        super().__init__(
            {
                "x": In(shape.simd * (shape.bits + shape.masked)),
                "w": In(shape.simd * shape.rows * len(shape.scales)),
                "count": Out(shape.width * shape.rows),
                "padding": Out(shape.simd.bit_length()),
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
        m.submodules.cells = cells = VendorPopcount(
            shape=shape, form=shape.row, latency=shape.latency
        )
        m.d.comb += [
            cells.x.eq(self.x),
            cells.w.eq(self.w),
            self.count.eq(cells.count),
            self.padding.eq(cells.padding),
        ]

    def _add_logic(self, m: Module) -> None:
        """The portable form."""
        shape = self._shape
        lane = shape.bits + shape.masked
        positions = [self.x[at * lane : (at + 1) * lane] for at in range(shape.simd)]
        if shape.bits >= CODE_BITS:
            terms, stages = self._codes(m, positions)
        else:
            terms, stages = self._branches(m, positions)
        self._put_out(m, [add_shifted(m, found) for found in terms], stages)
        if shape.masked:
            [padding], stages = count_ones(m, [~x[shape.bits] for x in positions], 1)
            m.d.comb += self.padding.eq(registered(m, padding, shape.latency - stages))

    def _put_out(self, m: Module, sums: list[tuple[Value, int]], stages: int) -> None:
        """The counts of the rows, delayed to the latency of the shape: each took ``stages`` and
        then its own.
        """
        shape = self._shape
        counts = [
            registered(m, count[: shape.width], shape.latency - stages - more)
            for count, more in sums
        ]
        m.d.comb += self.count.eq(Cat(*(wide(count, shape.width) for count in counts)))

    def _weights(self, plane: int, position: int) -> Value:
        """The weights of all rows."""
        rows = self._shape.rows
        at = (plane * self._shape.simd + position) * rows
        return self.w[at : at + rows]

    def _codes(self, m: Module, positions: list[Value]) -> tuple[list[list[Term]], int]:
        """For each row the sum of its codes in each plane, ascending, and the stages taken."""
        shape = self._shape
        terms: list[list[Term]] = [[] for _ in range(shape.rows)]
        stages = 0
        for plane in sorted(range(len(shape.scales)), key=lambda plane: shape.scales[plane]):
            bits = [
                [
                    named(m, match(x, self._weights(plane, at), bit, shape))
                    for bit in range(shape.bits)
                ]
                for at, x in enumerate(positions)
            ]
            counts, stages = sum_codes(m, bits, shape.rows)
            for found, count in zip(terms, counts, strict=True):
                found.append((shape.scales[plane].bit_length() - 1, count))
        return terms, stages

    def _branches(self, m: Module, positions: list[Value]) -> tuple[list[list[Term]], int]:
        """For each row the matches of each weight, ascending, and the stages taken."""
        shape = self._shape
        terms: list[list[Term]] = [[] for _ in range(shape.rows)]
        for exponent, same in shape.branches.items():
            every = [
                (x, bit, self._weights(plane, at))
                for plane, bit in same
                for at, x in enumerate(positions)
            ]
            ones = [named(m, match(x, w, bit, shape)) for x, bit, w in every]
            raw = [(x[bit], w) for x, bit, w in every]
            sevenths = () if shape.masked or shape.constant else tuple(raw)[GROUP - 1 :: GROUP]
            counts, stages = count_ones(m, ones, shape.rows, sevenths)
            for found, count in zip(terms, counts, strict=True):
                found.append((exponent, registered(m, count, shape.branch_stages - stages)))
        return terms, shape.branch_stages


def wide(value: Value, bits: int) -> Value:
    """The value in exactly that many bits."""
    return Cat(value, Const(0, bits - len(value))) if len(value) < bits else value[:bits]


def match(x: Value, w: Value, bit: int, shape: PopcountShape) -> Value:
    """For each row, whether bit ``bit`` of position ``x`` matches; 0 where masked out."""
    same = ~(x[bit].replicate(shape.rows) ^ w)
    return same & x[shape.bits].replicate(shape.rows) if shape.masked else same


def named(m: Module, value: Value) -> Value:
    """``value`` as a signal, so that a use of one of its bits does not elaborate the whole
    again.
    """
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
        seventh = xnor_of_registers(m, raw) if raw else registered(m, columns[6])
        low, carry = full_add(low, low2, seventh)
        bits, stages = [registered(m, v) for v in (low, *full_add(high, high2, carry))], 2
    numbers: list[Value] = [Cat(*(plane[at] for plane in bits)) for at in range(groups * rows)]
    counts = [add_up(m, numbers[row::rows]) for row in range(rows)]
    return [count for count, _ in counts], stages + counts[0][1]


def xnor_of_registers(m: Module, pairs: Sequence[tuple[Value, Value]]) -> Value:
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


def add_shifted(m: Module, terms: list[Term]) -> tuple[Value, int]:
    """The sum of numbers times ``2**exponent``, ascending; registers as in add_up, and stages."""
    levels = ceil_log2(len(terms))
    for level in range(levels):
        sums = [joined(a, b) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = sums + terms[len(sums) * 2 :]
        if level % 2 or level == levels - 1:
            terms = [(exponent, registered(m, number)) for exponent, number in terms]
    [(exponent, total)] = terms
    return Cat(Const(0, exponent), total), -(-levels // 2)


def joined(low: Term, high: Term) -> Term:
    """The sum of two terms; bits below those of the higher one need no adder."""
    (exponent, a), (above, b) = low, high
    shift = above - exponent
    if shift >= len(a):
        return exponent, Cat(a, Const(0, shift - len(a)), b)
    return exponent, Cat(a[:shift], a[shift:] + b)
