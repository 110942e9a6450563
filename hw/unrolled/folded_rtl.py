"""The unrolled engine, folded: inputs that move on bit by bit, and sums over several cycles."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.families.local_register import local_register
from subbit.hw.families.nets_rtl import NetRegisters
from subbit.hw.streams.credit_rtl import CreditQueue
from subbit.hw.streams.registers_rtl import valid_stages
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.hw.unrolled.folded import FoldedUnit
from subbit.hw.unrolled.unrolled_rtl import UnrolledCore, add_cells, add_network

__all__ = ["Folded", "FoldedCore"]


class FoldedCore(UnrolledCore):
    """All outputs ``y`` (out) of vectors whose bits come in ``unit.fold`` turns, ``unit.turn_bits``
    of each input in ``x`` (in), the lowest first, from the cycle after ``step`` (in) on.

    The outputs are there ``latency`` cycles after the first turn. Interval: a step every
    ``unit.fold`` cycles.
    """

    def __init__(self, *, unit: FoldedUnit) -> None:
        self._folded = unit
        super().__init__(unit=unit)

    def _results(
        self, m: Module, platform: object, x: Value, steps: Sequence[Value]
    ) -> list[Value]:
        """The words of one vector; each sum is kept in registers and added to in every turn."""
        unit, sums = self._folded, self._folded.accumulators
        raws = add_network(m, platform, unit.network, x, sums.raws)
        inputs: list[Value] = [Signal(name=f"i{at}") for at in range(sums.netlist.inputs)]
        pipeline = NetRegisters(m, sums.netlist, inputs)
        add_cells(m, platform, pipeline, sums.form)
        bits = [pipeline.output(bit) for bit in sums.netlist.outputs]
        kept: list[Value] = []
        totals: list[Value] = []
        for one in sums.kept:
            word, bits = Cat(*bits[: one.width]), bits[one.width :]
            below = Signal(one.below, name="below", reset_less=True)
            m.d.sync += below.eq(Cat(below, word[: unit.turn_bits])[unit.turn_bits :])
            kept.append(word[unit.turn_bits :])
            totals.append(Cat(below, word))
        first = steps[unit.network.latency]
        flags = [local_register(m, platform, first) for _ in range(sums.flags)]
        m.d.comb += Cat(*inputs).eq(Cat(*raws, *kept, *flags))
        return add_network(m, platform, unit.results, Cat(*totals), unit.results.words)


class Folded(wiring.Component):
    """``o[o] = post(sum over l of w[o, l] * i[l])`` for all outputs o of ``unit.pixels`` vectors a
    beat; ``o`` holds codes or two's complement integers.

    A beat is taken every ``unit.fold`` cycles, into registers that move on by ``unit.turn_bits``
    bits of every input a cycle. Credits in front and a queue of ``unit.depth`` places behind make
    room for every result. Latency: ``unit.stages + 1`` cycles. A fold of 2::

        cycle        0     1     2     3     4
        i.ready      1     0     1     0     1
        x            -     A low A high B low B high
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: FoldedUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.core = core = FoldedCore(unit=unit)
        m.submodules.queue = queue = CreditQueue(lanes=unit.o, depth=unit.depth)
        free, fire = Signal(init=1), Signal()
        valid = valid_stages(m, fire, unit.stages, "valid")
        m.d.comb += [
            self.i.ready.eq(queue.room & free),
            fire.eq(self.i.valid & self.i.ready),
            queue.issue.eq(fire),
            core.step.eq(fire),
            core.x.as_value().eq(self._turns(m, fire)),
            queue.push.eq(valid[-1]),
            queue.data.as_value().eq(core.y.as_value()),
        ]
        with m.If(fire):
            m.d.sync += free.eq(0)
        with m.Elif(valid[unit.fold - 1]):
            m.d.sync += free.eq(1)
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _turns(self, m: Module, fire: Value) -> Value:
        """Some bits of each input, the lowest in the cycle after ``fire``, then those above."""
        unit, size = self._unit, self._unit.turn_bits
        payload, lanes = self.i.payload.as_value(), range(unit.i.lanes)
        above: Value | None = None
        for turn in reversed(range(unit.fold)):
            starts = (lane * unit.bits + turn * size for lane in lanes)
            taken = Cat(*(payload[start : start + size] for start in starts))
            part = Signal(len(taken), name=f"turn{turn}", reset_less=True)
            m.d.sync += part.eq(taken if above is None else Mux(fire, taken, above))
            above = part
            if unit.signed and turn == unit.fold - 1:  # as unsigned numbers from 0 up
                above = part ^ Cat(*(Const(1 << (size - 1), size) for _ in lanes))
        assert above is not None
        return above
