"""The engine of multipliers: weights, products, their sums, accumulators, thresholds."""

from collections.abc import Sequence
from itertools import zip_longest

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.dot_rtl import accumulated
from subbit.hw.dot.products import ProductsUnit
from subbit.hw.dot.source_rtl import Words
from subbit.hw.families.part import family_of
from subbit.hw.post.core_rtl import core_of
from subbit.hw.streams.credit_rtl import CreditQueue
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.sw.ir.types import Encoding

__all__ = ["Products"]


class Products(wiring.Component):
    """``o[p] = post(sum over l of w[p, l] * i[l])`` for ``unit.pe`` outputs p of each pass and
    ``unit.pixels`` vectors side by side, whose beats of ``simd`` codes or integers come on ``i``;
    ``o`` holds codes or two's complement integers.

    A pipeline that never stops: weights, multipliers with registers on both sides, a tree of adders
    with a register behind each, accumulators and thresholds. A pass's last beat enters if its
    result has room in the output queue, any other beat at once. On a known part multipliers are
    its cells; elsewhere a product between two registers. Latency: ``unit.stages + 1`` cycles from a
    pass's last beat to its output. Interval: a beat a cycle.

    Two beats a pass of simd 4, weights in logic; a0: beat 0 of pass a::

        cycle        0   1   2   3   4   5   6   7
        i           a0  a1  b0  b1   .   .   .   .
        weights      .  a0  a1  b0  b1   .   .   .
        operands     .   .  a0  a1  b0  b1   .   .    registers of the multiplier
        products     .   .   .  a0  a1  b0  b1   .
        sums of 2    .   .   .   .  a0  a1  b0  b1
        sums of 4    .   .   .   .   .  a0  a1  b0    then accumulators
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: ProductsUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit, ready = self._unit, self._unit.word_stages
        m.submodules.queue = queue = CreditQueue(lanes=unit.o, depth=unit.depth)
        take, last = Signal(), self._last(m)
        m.d.comb += [
            self.i.ready.eq(queue.room | ~last),
            take.eq(self.i.valid & self.i.ready),
            queue.issue.eq(take & last),
        ]
        valid = valid_stages(m, take, ready, "valid")
        done = valid_stages(m, take & last, unit.stages, "done")

        sums = self._sums(m, platform, take)
        if unit.words > 1:
            clear = Signal(init=1)  # after a reset too, which leaves the sums alone
            m.d.sync += clear.eq(done[ready - 1])
            sums = [accumulated(m, word, unit.raw_bits, valid[-1], clear, []) for word in sums]
            ready += 1
        m.submodules.core = core = core_of(unit.core, unit.raw_bits)
        m.d.comb += core.step.eq(done[ready - 1])
        for lane, raw in enumerate(sums):
            m.d.comb += core.x[lane].eq(raw)
        m.d.comb += [queue.push.eq(done[-1]), queue.data.as_value().eq(core.y.as_value())]
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _last(self, m: Module) -> Value:
        """Whether the next beat is the last of its pass, from a register."""
        if self._unit.words == 1:
            return Const(1)
        m.submodules.place = place = Counter(length=self._unit.words)
        m.d.comb += place.step.eq(self.i.valid & self.i.ready)
        return place.last

    def _sums(self, m: Module, platform: object, take: Value) -> list[Value]:
        """The sum of the products of a beat for each output of each pixel, ``unit.word_stages``
        cycles after it.
        """
        unit = self._unit
        m.submodules.weights = weights = Words(source=unit.source)
        m.d.comb += weights.step.eq(take)
        waiting = unit.source.latency - unit.i_payload_delay
        x = registered(m, self.i.payload.as_value(), waiting)
        width = unit.i.bits
        values = [self._value(x[at : at + width]) for at in range(0, len(x), width)]
        factors = self._factors(weights.w)
        sums: list[Value] = []
        for first in range(0, len(values), unit.simd):
            for row in range(0, unit.pe, unit.packed):
                rows = [factors[row + place] for place in range(unit.packed)]
                sums += self._row(m, platform, rows, values[first : first + unit.simd])
        return sums

    def _value(self, lane: Value) -> Value:
        """The two's complement value of an input lane: that of a code u of M bits is
        ``2*u - 2**M + 1``, with the mask in place of each 1 that is added.
        """
        unit = self._unit
        if unit.encoding is Encoding.INTEGER:
            return lane
        if unit.encoding is Encoding.UNSIGNED:
            return Cat(lane, Const(0, 1))
        inside: Value = lane[unit.bits] if unit.masked else Const(1, 1)
        code = lane[: unit.bits]
        return Cat(inside, code[:-1], inside & ~code[-1])

    def _factors(self, w: Value) -> list[list[Value]]:
        """For each row and position the bits of its stored factor, and the lowest one of those that
        are all odd; see Words.
        """
        unit, size = self._unit, self._unit.pe * self._unit.simd
        low, firsts = [Const(1, 1)] * unit.odd, range(0, len(w), size)
        return [
            [
                Cat(*low, *(w[first + at * unit.pe + row] for first in firsts))
                for at in range(unit.simd)
            ]
            for row in range(unit.pe)
        ]

    def _row(
        self, m: Module, platform: object, rows: Sequence[list[Value]], values: Sequence[Value]
    ) -> list[Value]:
        """The sums of outputs that share multipliers."""
        unit = self._unit
        fields = [unit.field_bits] * (unit.packed - 1) + [unit.factor_bits]
        terms: list[Value] = []
        for at, value in enumerate(values):
            parts = [extended(row[at], bits) for row, bits in zip(rows, fields, strict=True)]
            terms.append(product(m, platform, Cat(*parts), value, unit.sum_bits(1)))
        for level in unit.tree[1:]:
            pairs = zip_longest(terms[::2], terms[1::2], fillvalue=Const(0, 1))
            terms = [
                added(m, *pair, unit.sum_bits(count))
                for pair, count in zip(pairs, level, strict=True)
            ]
        return taken_apart(m, terms[0], unit.packed, unit.field_bits)


def extended(value: Value, bits: int) -> Value:
    """A two's complement number in so many bits."""
    return Cat(value, value[-1].replicate(bits - len(value)))


def product(m: Module, platform: object, a: Value, b: Value, bits: int) -> Value:
    """The low bits of the product of two's complement numbers, two cycles later."""
    found = Signal(signed(bits), name="product")
    family = family_of(platform)
    if family is not None:
        family.add_multiplier(m, a, b, found)
        return found
    operands = [registered(m, operand).as_signed() for operand in (a, b)]
    m.d.comb += found.eq(registered(m, (operands[0] * operands[1])[:bits]))
    return found


def added(m: Module, a: Value, b: Value, bits: int) -> Value:
    """The sum of two's complement numbers, in a register."""
    found = Signal(signed(bits), name="sum", reset_less=True)
    m.d.sync += found.eq(a.as_signed() + b.as_signed())
    return found


def taken_apart(m: Module, packed: Value, count: int, bits: int) -> list[Value]:
    """The ``count`` numbers whose multiples by ``2**(bits * j)`` were added up: a field, and 1 more
    where the number below it is negative.
    """
    if count == 1:
        return [packed]
    found: list[Value] = []
    for place in range(count):
        field = packed[place * bits : (place + 1) * bits].as_signed()
        carry = packed[place * bits - 1] if place else Const(0, 1)
        number = Signal(signed(bits), name="number", reset_less=True)
        m.d.sync += number.eq(field + carry)
        found.append(number)
    return found
