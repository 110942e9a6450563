"""The engine of multipliers: dot products of numbers of several bits, not bit by bit."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.dot.checks import check_folding, check_inputs
from subbit.hw.dot.products_cost import products_cost
from subbit.hw.dot.source import WordSource
from subbit.hw.post.raw import Post, PostConfig, RawNumbers, lane_values, output_type, post_values
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.parts import TableParts
from subbit.hw.tables.rom import period, rom_of
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.linear import dot_type
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import Weights

__all__ = ["MULTIPLIER_CYCLES", "ProductsUnit", "signed_bits"]

MULTIPLIER_CYCLES = 2  # registers in front of a multiplier and behind it

Span = tuple[int, int]  # a least and a greatest number


def signed_bits(span: Span) -> int:
    """Bits of two's complement numbers of that span."""
    return 1 + max(span[1].bit_length(), (~span[0]).bit_length())


def times(span: Span, count: int) -> Span:
    """Of sums of so many numbers."""
    return span[0] * count, span[1] * count


def product_span(a: Span, b: Span) -> Span:
    """Of products of two numbers."""
    ends = [x * y for x in a for y in b]
    return min(ends), max(ends)


@dataclass(frozen=True, eq=False, kw_only=True)
class ProductsUnit(Unit):
    """``dot[v, o] = sum over l of w[o, l] * x[v, l]`` for input vectors x (output pixels) and the
    rows of ``weights``, and ``post`` on each output, by multipliers of whole numbers.

    Streams are those of a DotUnit: each of the ``vectors`` vectors of a frame arrives ``repeats``
    times, each time in ``words = N / simd`` beats of ``simd`` positions; ``encoding``, ``bits``,
    ``span`` and ``masked`` tell what a position is, and one whose mask is 0 has the code 0; pass g
    gives a beat of the outputs ``g*pe .. g*pe + pe - 1``; ``pixels`` vectors go side by side with
    the same weights. ``memory``, ``payload_delay``, ``known``, ``limits``: as in DotUnit.

    ``packed`` n outputs share a multiplier, a divisor of ``pe``: its first operand is
    ``sum over j of w[j] * 2**(k*j)``, with fields of ``k`` bits in which the sum over a beat fits,
    and its products are added up together and taken apart behind the sum. That asks for
    ``(n - 1) * k`` bits and those of a weight within ``limits.operand_bits``. The engine takes
    ``pixels * pe / n * simd`` multipliers. Raw numbers are dot products divided by the greatest
    common divisor of all weights.

    Latency: ``stages + 1`` cycles from a pass's last input beat to its output. Interval:
    ``vectors * repeats * words`` cycles, with ``repeats = outputs / pe``. Raises PlanError where
    settings and numbers do not fit each other or the multipliers.
    """

    component: ClassVar[str] = "subbit.hw.dot.products_rtl:Products"
    weights: Weights
    encoding: Encoding
    bits: int
    masked: bool
    pe: int
    simd: int
    vectors: int
    post: Post = None
    memory: str = "auto"
    pixels: int = 1
    packed: int = 1
    payload_delay: int = 0
    limits: SizeLimits = MEASURED
    span: Span | None = None
    known: bool = False

    def __post_init__(self) -> None:
        check_folding(
            self.weights, pe=self.pe, simd=self.simd, vectors=self.vectors, pixels=self.pixels
        )
        check_inputs(self.encoding, self.bits, self.span, masked=self.masked, bordered=False)
        check_operands(self)
        _ = self.o

    @cached_property
    def x_type(self) -> TensorType:
        """Type of the input, as a flat vector."""
        length = self.weights.row_length
        if self.span is not None:
            return TensorType.integers(1, 1, length, *self.span)
        return TensorType.codes(1, 1, length, self.bits, self.encoding)

    @cached_property
    def dot_type(self) -> TensorType:
        """Type of the dot products, as the network's rule for the layer has it."""
        return dot_type(self.weights, self.x_type, 1, 1)

    @property
    def i(self) -> Lanes:
        """``simd`` inputs a pixel, codes with a mask bit on top if there are masks."""
        signed = self.encoding is Encoding.INTEGER
        return Lanes(self.pixels * self.simd, self.bits + self.masked, signed)

    @property
    def i_range(self) -> Span:
        """``span`` where the inputs are integers."""
        return self.span or self.i.range

    @property
    def i_payload_delay(self) -> int:
        """``payload_delay``, but no more than the weights' table takes."""
        return min(self.payload_delay, self.source.latency)

    @property
    def o(self) -> Lanes:
        """``pe`` outputs a pixel: codes, or integers of the layer's type."""
        return Lanes.of(output_type(self.post, self.dot_type), self.pixels * self.pe)

    @property
    def words(self) -> int:
        """U, input beats of a pass."""
        return self.weights.row_length // self.simd

    @property
    def passes(self) -> int:
        """G, passes of a vector: how often the vectors of a frame arrive, one after the other."""
        return self.weights.shape[0] // self.pe

    @property
    def repeats(self) -> int:
        """The same."""
        return self.passes

    @property
    def multipliers(self) -> int:
        """How many the engine takes."""
        return self.pixels * self.pe // self.packed * self.simd

    @cached_property
    def divisor(self) -> int:
        """The greatest common divisor of the weights."""
        return int(np.gcd.reduce(self.weights.dense(), axis=None)) or 1

    @cached_property
    def factors(self) -> Ints:
        """``(outputs, N)``: what the inputs are multiplied with."""
        dense = self.weights.dense()
        return dense.reshape(len(dense), -1) // self.divisor

    @cached_property
    def factor_span(self) -> Span:
        """Of factors; a shared multiplier takes one less, for the sign of those below."""
        return int(self.factors.min()) - (self.packed > 1), int(self.factors.max())

    @cached_property
    def x_span(self) -> Span:
        """Of the inputs' values."""
        top = (1 << self.bits) - 1
        if self.span is not None:
            return self.span
        return (-top, top) if self.encoding is Encoding.BIPOLAR else (0, top)

    @property
    def x_bits(self) -> int:
        """Bits of an input's value, two's complement."""
        return signed_bits(self.x_span)

    @property
    def factor_bits(self) -> int:
        """Bits of a stored factor, two's complement."""
        return signed_bits(self.factor_span)

    def sum_span(self, count: int) -> Span:
        """Of the sum of so many products, and one less where multipliers are shared."""
        low, high = times(product_span(self.factor_span, self.x_span), count)
        return low - (self.packed > 1), high

    @property
    def field_bits(self) -> int:
        """k, from one output of a shared multiplier to the next."""
        return signed_bits(self.sum_span(self.simd))

    @property
    def operand_bits(self) -> int:
        """Bits of the operand made of the weights of ``packed`` outputs."""
        return (self.packed - 1) * self.field_bits + self.factor_bits

    def sum_bits(self, count: int) -> int:
        """Bits of the sum of so many products, those of outputs that share multipliers side by
        side.
        """
        return (self.packed - 1) * self.field_bits + signed_bits(self.sum_span(count))

    @cached_property
    def tree(self) -> tuple[tuple[int, ...], ...]:
        """How many products each sum of each level adds up: those of a beat first, one each."""
        levels = [(1,) * self.simd]
        while len(levels[-1]) > 1:
            last = levels[-1]
            levels.append(tuple(sum(last[at : at + 2]) for at in range(0, len(last), 2)))
        return tuple(levels)

    @property
    def odd(self) -> bool:
        """Whether all factors are odd, so that their lowest bit is not stored."""
        return self.packed == 1 and bool((self.factors % 2 == 1).all())

    @cached_property
    def source(self) -> WordSource:
        """Where the factors come from: each of their bits is a bit plane."""
        rows = (-1, self.pe, self.words, self.simd)
        steps = self.stored.reshape(rows).transpose(0, 2, 1, 3).reshape(-1, self.pe * self.simd)
        places = np.arange(int(self.odd), self.factor_bits)
        bits = (steps[:, None] >> places[:, None] & 1).astype(np.uint8)
        words = [pack_elements(row, 1) for row in bits.reshape(len(steps), -1).tolist()]
        rom = rom_of(words[: period(words)], self.pe * self.simd * len(places), self.memory)
        limits = self.limits if TableParts(rom, self.limits).is_large else None
        planes = len(places)
        return WordSource(rows=self.pe, simd=self.simd, rom=rom, planes=planes, limits=limits)

    @property
    def stored(self) -> Ints:
        """``(outputs, N)``: factors, one less where the sum of those below them is negative."""
        shape = (-1, self.packed, self.weights.row_length)
        found = self.factors.reshape(shape).copy()
        below = found[:, 0].copy()
        for place in range(1, self.packed):
            shifted = found[:, place] << (self.field_bits * place)
            found[:, place] -= below < 0
            below += shifted
        return found.reshape(self.factors.shape)

    @cached_property
    def raw(self) -> RawNumbers:
        """Dot products, divided by ``divisor``."""
        ends = [self.factors * x for x in self.x_span]
        high = int(np.maximum(*ends).sum(axis=1).max())
        low = int(np.minimum(*ends).sum(axis=1).min())
        outputs = self.weights.shape[0]
        a = np.full(outputs, self.divisor, np.int64)
        return RawNumbers(a, np.zeros(outputs, np.int64), max(high, 0), min(low, -1))

    @property
    def raw_bits(self) -> int:
        """Bits of a raw number, two's complement."""
        return signed_bits((self.raw.low, self.raw.high))

    @cached_property
    def core(self) -> PostConfig:
        """What turns raw numbers into outputs."""
        return self.raw.core(self.post, self.pe, self.o.bits, self.pixels, known=self.known)

    @property
    def word_stages(self) -> int:
        """Register stages from an input beat to the sum of its products, of each output."""
        levels = len(self.tree) - 1
        return self.source.latency + MULTIPLIER_CYCLES + levels + (self.packed > 1)

    @property
    def stages(self) -> int:
        """Register stages from an input beat to the output queue."""
        return self.word_stages + (self.words > 1) + self.core.latency

    @property
    def depth(self) -> int:
        """Beats that the output queue holds: enough for an input beat every cycle."""
        return -(-(self.stages + 2) // self.words)

    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        return products_cost(self)

    def processes(self) -> tuple[Process, ...]:
        """Takes a beat a cycle; the last one of each pass gives one."""
        steps = np.full(self.words, TAKE, np.uint8)
        steps[-1] |= GIVE
        steps = np.tile(steps, self.passes * self.vectors)
        return (Process("products", steps, self.stages + 1, self.depth, 1),)

    def reference(self, beats: Beats) -> Beats:
        """The layers' own definition, from the dense weights."""
        shape = (-1, self.passes, self.words, self.pixels, self.simd)
        groups = np.moveaxis(beats.reshape(shape), 3, 1)
        passes = groups.reshape(-1, self.passes, self.words * self.simd)
        values = lane_values(passes, self.bits, self.encoding, self.masked)
        dense = self.weights.dense().reshape(self.passes, self.pe, -1)
        dots: Ints = np.einsum("vgn,gpn->vgp", values, dense).reshape(-1, self.weights.shape[0])
        outputs = post_values(self.post, dots).reshape(-1, self.pixels, self.passes, self.pe)
        return outputs.swapaxes(1, 2).reshape(-1, self.o.lanes)


def check_operands(unit: ProductsUnit) -> None:
    """Raise PlanError where the part has no multipliers for the numbers."""
    bits = unit.limits.operand_bits
    if not bits:
        raise PlanError("the part has no multipliers for an engine")
    if unit.packed < 1 or unit.pe % unit.packed:
        raise PlanError(f"packed must divide PE, {unit.pe}, and {unit.packed} does not")
    if unit.x_bits > bits:
        raise PlanError(f"inputs of {unit.x_bits} bits are more than multipliers take, {bits}")
    if unit.operand_bits > bits:
        raise PlanError(
            f"packed={unit.packed} outputs in a multiplier take operands of {unit.operand_bits} "
            f"bits with simd={unit.simd}, and multipliers take {bits}"
        )
