"""The direct engine: weights, XNOR-popcount, accumulators, thresholds."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.affine import AffineCore
from subbit.hw.credit import CreditQueue
from subbit.hw.pipe import Core, registered, valid_stages
from subbit.hw.popcount import PopcountXnor
from subbit.hw.rom import RomSequence, next_in_cycle
from subbit.hw.shapes import stream_of
from subbit.hw.threshold import ThresholdCore
from subbit.hw.weights import weights_of
from subbit.sw.units.dot import Dot as DotUnit
from subbit.sw.units.threshold import ThresholdCore as ThresholdConfig

__all__ = ["Dot"]


class Dot(wiring.Component):
    """See :class:`subbit.sw.units.dot.Dot` for what is computed, and the cycles.

    A pipeline that never stops: a beat enters if its result has room in the output queue. Weights,
    counts, scales and accumulators follow one behind the other, each behind a register.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, unit: DotUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.queue = queue = CreditQueue(unit.o, unit.depth)
        last = self._last_of_pass(m)
        fire = Signal()
        m.d.comb += [self.i.ready.eq(queue.room | ~last), fire.eq(self.i.valid & self.i.ready)]
        m.d.comb += queue.issue.eq(fire & last)
        valid = valid_stages(m, fire, unit.word_stages, "valid")
        done = valid_stages(m, fire & last, unit.stages, "done")

        words = self._words(m, fire, valid)
        ready = unit.word_stages - (unit.words == 1)  # the stage before the one with raw numbers
        if unit.words > 1:
            words = [self._accumulated(m, word, valid[-1], done[ready]) for word in words]
        config = unit.core
        bits = unit.raw_top.bit_length()
        core: Core
        if isinstance(config, ThresholdConfig):
            m.submodules.core = core = ThresholdCore(config, bits)
        else:
            m.submodules.core = core = AffineCore(config, bits)
        m.d.comb += core.step.eq(done[ready])
        rows = len(words) // unit.pixels
        for pixel in range(unit.pixels):
            for pe in range(unit.pe):
                m.d.comb += core.x[pixel * unit.pe + pe].eq(words[pixel * rows + pe % rows])
        m.d.comb += [queue.push.eq(done[-1]), queue.data.as_value().eq(core.y.as_value())]
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _last_of_pass(self, m: Module) -> Value:
        """Whether the next beat is the last one of its pass, from a register."""
        words = self._unit.words
        last = Signal(init=words == 1)
        if words > 1:
            count = Signal(range(words))
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += [count.eq(next_in_cycle(count, words)), last.eq(count == words - 2)]
        return last

    def _words(self, m: Module, fire: Signal, valid: list[Value]) -> list[Value]:
        """The raw number of each pixel's rows, valid with ``valid[unit.word_stages]``."""
        unit = self._unit
        source = unit.source
        m.submodules.weights = weights = weights_of(source)
        m.d.comb += weights.step.eq(fire)
        x = registered(m, self.i.payload.as_value(), source.latency)
        width = len(x) // unit.pixels
        words: list[Value] = []
        for pixel in range(unit.pixels):
            words += self._counted(m, pixel, x[pixel * width : (pixel + 1) * width], weights.w)
        if unit.crossing:
            m.submodules.scales = scales = RomSequence(unit.scale_rom, 2)
            m.d.comb += scales.step.eq(valid[unit.word_stages - 3])
            bits = unit.scale_bits
            factors = [scales.data[lane * bits : (lane + 1) * bits] for lane in range(unit.pe)]
            pairs = zip(words, factors * unit.pixels, strict=True)
            words = [registered(m, word * factor) for word, factor in pairs]
        return words

    def _counted(self, m: Module, pixel: int, x: Value, w: Value) -> list[Value]:
        """The raw number of each row of one pixel, before its scale."""
        unit = self._unit
        m.submodules[f"popcount{pixel}"] = popcount = PopcountXnor(unit.popcount)
        m.d.comb += [popcount.x.eq(x), popcount.w.eq(w)]
        size = unit.popcount.width
        words: list[Value] = [
            popcount.count[row * size : (row + 1) * size] for row in range(unit.source.rows)
        ]
        if unit.masked:
            blanks = (popcount.blanks << unit.bits) - popcount.blanks
            words = [
                registered(m, ((word << 1) + blanks)[: unit.word_top.bit_length()])
                for word in words
            ]
        return words

    def _accumulated(self, m: Module, word: Value, valid: Value, done: Value) -> Value:
        """The sum of a pass, in the cycle after ``done``."""
        bits = self._unit.raw_top.bit_length()
        partial, total = Signal(bits), Signal(bits, reset_less=True)
        added = (partial + word)[:bits]
        m.d.sync += total.eq(added)
        with m.If(valid):
            m.d.sync += partial.eq(added)
        with m.If(done):
            m.d.sync += partial.eq(0)
        return total
