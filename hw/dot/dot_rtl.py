"""The direct engine: weights, XNOR-popcount, accumulators, thresholds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.unit import Lanes
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.popcount_rtl import PopcountXnor
from subbit.hw.dot.source_rtl import weights_of
from subbit.hw.families.local_register import local_register
from subbit.hw.post.core_rtl import core_of
from subbit.hw.post.raw import PostConfig
from subbit.hw.streams.credit_rtl import CreditQueue
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.hw.tables.rom_rtl import RomSequence
from subbit.hw.window.border import PaddingSumsConfig
from subbit.hw.window.border_rtl import PaddingSums

__all__ = ["Dot"]

SUM_BITS_PER_ENABLE = 128  # of sums in a large engine that have the same enable and clear register


class Dot(wiring.Component):
    """``o[p] = post(sum over l of w[p, l] * i[l])`` for ``unit.pe`` outputs p of each pass and
    ``unit.pixels`` vectors side by side, whose beats of ``simd`` codes come on ``i``; ``o`` holds
    codes or two's complement integers. ``o`` and ``core``, the arguments, are another payload for a
    subclass's output, and other thresholds or scales, maybe of several outputs for each row.

    A pipeline that never stops: weights, XNOR-popcounts, scales, accumulators and thresholds follow
    one behind the other, each behind a register. A pass's last beat enters if its result has room
    in the output queue, any other beat at once. Latency: ``unit.stages + 1`` cycles from a pass's
    last beat to its output. Interval: a beat in ``unit.bit_steps`` cycles.

    Two beats a pass, ``stages`` 6; a0: beat 0 of pass a::

        cycle        0   1   2   3   4   5   6   7   8   9  10
        i           a0  a1  b0  b1  c0  c1  d0  d1   .   .   .
        weights      .   .  a0  a1  b0  b1  c0  c1  d0  d1   .     two cycles for a block RAM
        o            .   .   .   .   .   .   .   .   a   .   b

    Two bit steps a beat (M = 4, ``x_branches`` 2): the high bits in the first cycle, the low ones
    in the second, in which the beat is taken::

        cycle        0   1   2   3   4   5
        i           a0  a0  a1  a1  b0  b0
        i.ready      0   1   0   1   0   1
        bits         h   l   h   l   h   l       sum = (sum of h) * 4 + (sum of l)
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(
        self, *, unit: DotUnit, o: Lanes | None = None, core: PostConfig | None = None
    ) -> None:
        self._unit, self._core = unit, core or unit.core
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(o or unit.o))})

    def end(self) -> CreditQueue | Any:
        """The component that takes the raw results: a CreditQueue, or one with the same ports."""
        return CreditQueue(lanes=self._unit.o, depth=self._unit.depth)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.queue = queue = self.end()
        bit_step, ends = self._bit_step(m)
        last, shifts = self._place_in_pass(m)
        take = Signal()
        m.d.comb += [
            self.i.ready.eq(ends & (queue.room | ~last)),
            take.eq(self.i.valid & self.i.ready),
            queue.issue.eq(take & last),
        ]
        fire = take if unit.bit_steps == 1 else self.i.valid & (self.i.ready | ~ends)
        valid = valid_stages(m, take, unit.word_stages, "valid")
        stages = unit.stages - unit.core.latency + self._core.latency
        done = valid_stages(m, take & last, stages, "done")

        words = self._words(m, platform, bit_step, fire, valid)
        ready = unit.word_stages - (unit.beats == 1)  # the stage before the one with raw numbers
        if unit.beats > 1:
            flags = [
                (valid_stages(m, take & flag, unit.word_stages, f"shift{by}")[-1], by)
                for by, flag in shifts.items()
            ]
            bits = unit.raw_max.bit_length()
            steps = valid[-2], done[ready - 2]
            words = self._accumulated(m, platform, words, bits, steps, flags)
        if unit.padding_sums:
            words = self._with_padding_sums(m, unit.padding_sums, words, done[ready - 1])
            ready += 1
        self._put_out(m, queue, words, done, ready)
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _put_out(
        self, m: Module, queue: CreditQueue | Any, words: list[Value], done: list[Value], ready: int
    ) -> None:
        """Raw numbers through thresholds or scales into the queue."""
        unit, config = self._unit, self._core
        m.submodules.core = core = core_of(config, unit.final_max.bit_length())
        m.d.comb += core.step.eq(done[ready - config.lead_cycles])
        rows, lanes = len(words) // unit.pixels, config.lanes
        for pixel in range(unit.pixels):
            for lane in range(lanes):
                m.d.comb += core.x[pixel * lanes + lane].eq(words[pixel * rows + lane % rows])
        found = registered(m, core.y.as_value(), unit.distance_stages)
        m.d.comb += [queue.push.eq(done[-1]), queue.data.as_value().eq(found)]

    def _with_padding_sums(
        self, m: Module, config: PaddingSumsConfig, words: list[Value], step: Value
    ) -> list[Value]:
        """Twice each number, and what zero padding leaves out; the words come 2 after ``step``."""
        m.submodules.padding = padding = PaddingSums(sums=config)
        m.d.comb += padding.step.eq(step)
        bits = self._unit.final_max.bit_length()
        found = []
        for at, word in enumerate(words):
            constant = padding.data[at * config.bits : (at + 1) * config.bits]
            found.append(registered(m, Cat(constant[0], word + constant[1:])[:bits]))
        return found

    def _bit_step(self, m: Module) -> tuple[Value, Value]:
        """The bit step of the beat, and whether it is its last one, from a register."""
        bit_steps = self._unit.bit_steps
        if bit_steps == 1:
            return Const(0, 0), Const(1)
        m.submodules.bit_step = bit_step = Counter(length=bit_steps)
        m.d.comb += bit_step.step.eq(self.i.valid & (self.i.ready | ~bit_step.last))
        return bit_step.count, bit_step.last

    def _place_in_pass(self, m: Module) -> tuple[Value, dict[int, Value]]:
        """From registers: whether the next beat is the last of its pass, and for each shift between
        two groups of bit planes whether that shift follows the next beat.
        """
        unit = self._unit
        if unit.beats == 1:
            return Const(1), {}
        ends = {(g + 1) * unit.words - 1: by for g, by in enumerate(unit.groups.shifts)}
        shifts = sorted(set(unit.groups.shifts) - {0})
        tables = [[ends.get(beat) == by for beat in range(unit.beats)] for by in shifts]
        m.submodules.place = place = Counter(length=unit.beats, tables=tables)
        m.d.comb += place.step.eq(self.i.valid & self.i.ready)
        return place.last, {by: place.flags[at] for at, by in enumerate(shifts)}

    def _words(
        self, m: Module, platform: object, bit_step: Value, fire: Value, valid: list[Value]
    ) -> list[Value]:
        """The raw number of each pixel's rows, valid with ``valid[unit.word_stages]``."""
        unit = self._unit
        source = unit.source
        m.submodules.weights = weights = weights_of(source)
        m.d.comb += weights.step.eq(valid[0])
        delay = unit.i_payload_delay  # of the beat and so of its bit step
        bit_step = registered(m, bit_step, delay) if unit.bit_steps > 1 else bit_step
        x = registered(
            m, self._branches(bit_step), unit.weight_stages - delay - unit.distance_stages
        )
        w = registered(m, weights.w, unit.distance_stages)
        width = len(x) // unit.pixels
        words: list[Value] = []
        for pixel in range(unit.pixels):
            part = x[pixel * width : (pixel + 1) * width]
            words += self._counted(m, platform, pixel, part, w)
        if unit.bit_steps > 1:
            bits, always = unit.beat_max.bit_length(), [(Const(1), unit.x_bits)]
            step = valid_stages(m, fire, unit.count_stages - 1, "step")[-1]
            steps = step, valid[unit.count_stages - 2]
            words = self._accumulated(m, platform, words, bits, steps, always)
        if unit.crossing:
            m.submodules.scales = scales = RomSequence(table=unit.scale_rom, cycles=2)
            m.d.comb += scales.step.eq(valid[unit.word_stages - 3])
            bits = unit.scale_bits
            factors = [scales.data[lane * bits : (lane + 1) * bits] for lane in range(unit.pe)]
            pairs = zip(words, factors * unit.pixels, strict=True)
            words = [registered(m, word * factor) for word, factor in pairs]
        return words

    def _accumulated(
        self,
        m: Module,
        platform: object,
        words: list[Value],
        bits: int,
        steps: tuple[Value, Value],
        shifts: Sequence[tuple[Value, int]],
    ) -> list[Value]:
        """The sums of the words of a pass. ``steps``: a word is valid in the next cycle, and the
        pass is complete in two cycles. In a large engine every few sums of a pixel have registers
        of these signals.
        """
        unit, size = self._unit, len(words)
        if unit.distance_stages:
            size = min(size // unit.pixels, -(-SUM_BITS_PER_ENABLE // bits))
        clear = Signal(name="clear", init=1)  # after a reset too, which leaves the sums alone
        m.d.sync += clear.eq(steps[1])
        sums = []
        for first in range(0, len(words), size):
            valid, last = (local_register(m, platform, flag) for flag in (steps[0], clear))
            some = words[first : first + size]
            sums += [accumulated(m, word, bits, valid, last, shifts) for word in some]
        return sums

    def _branches(self, bit_step: Value) -> Value:
        """The bits of each position in a bit step, the high ones first, and its mask; the highest
        bit of an integer turned over, which makes it an unsigned number.
        """
        unit = self._unit
        x: Value = self.i.payload.as_value()
        if unit.signed:
            top = Const(1 << (unit.bits - 1), unsigned(unit.bits))
            x ^= top.replicate(unit.pixels * unit.simd)
        size = unit.x_bits
        if unit.bit_steps == 1:
            return x
        lanes = [x[at : at + unit.i.bits] for at in range(0, len(x), unit.i.bits)]
        parts = []
        for first in reversed(range(0, unit.bits, size)):
            part = [Cat(lane[first : first + size], lane[unit.bits :]) for lane in lanes]
            parts.append(Cat(*part))
        return Cat(Array(parts)[bit_step])

    def _counted(self, m: Module, platform: object, pixel: int, x: Value, w: Value) -> list[Value]:
        """The raw number of each row of one pixel, before its scale.

        In a large engine every few rows have registers of the inputs, which come a cycle earlier
        for that.
        """
        unit, all_rows, size = self._unit, self._unit.source.rows, self._unit.popcount.width
        words: list[Value] = []
        padding: Value = Const(0)
        for first in range(0, all_rows, unit.rows_per_input_copy):
            rows = min(unit.rows_per_input_copy, all_rows - first)
            popcount = PopcountXnor(shape=replace(unit.popcount, rows=rows))
            m.submodules[f"popcount{pixel}_{first}"] = popcount
            m.d.comb += popcount.x.eq(local_register(m, platform, x) if unit.distance_stages else x)
            weights = (w[at : at + rows] for at in range(first, len(w), all_rows))
            m.d.comb += popcount.w.eq(Cat(*weights))
            words += [popcount.count[row * size : (row + 1) * size] for row in range(rows)]
            padding = padding if first else popcount.padding
        if unit.masked:
            padding = times(padding, (1 << unit.x_bits) - 1)
            padding = times(padding, sum(unit.groups.scales))
            words = [
                registered(m, ((word << 1) + padding)[: unit.word_max.bit_length()])
                for word in words
            ]
        return words


def times(value: Value, factor: int) -> Value:
    """A product without a multiplier; one subtraction for factors below a power of two."""
    shift = factor.bit_length()
    if factor > 1 and factor + 1 == 1 << shift:
        return ((value << shift) - value)[: len(value) + shift]
    places = [value << place for place in range(shift) if factor >> place & 1]
    return sum(places[1:], places[0])


def accumulated(
    m: Module,
    word: Value,
    bits: int,
    valid: Value,
    clear: Value,
    shifts: Sequence[tuple[Value, int]],
) -> Value:
    """The sum of the words since the last ``clear``, in the cycle after the next one.

    ``valid``: there is a word. ``clear``: it is the last one. ``shifts``: flags with which the sum
    so far, that word included, is multiplied by ``2**shift`` (Horner's scheme), at most one of them
    at a time.
    """
    partial, total = Signal(bits, reset_less=True), Signal(bits, reset_less=True)
    added = (partial + word)[:bits]
    m.d.sync += total.eq(added)
    kept_sum: Value = added
    for flag, shift in shifts:
        kept_sum = Mux(flag, (added << shift)[:bits], kept_sum)
    with m.If(valid):
        m.d.sync += partial.eq(kept_sum)
    with m.If(clear):
        m.d.sync += partial.eq(0)
    return total
