"""The class with the greatest logit."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.blocks import first_of
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.streams.registers_rtl import Stage
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["Argmax"]


@dataclass(frozen=True)
class Best:
    """The greatest of some neighbouring logits, and the bits of its place among them."""

    logit: Value
    place: tuple[Value, ...] = ()

    def or_greater(self, right: "Best") -> "Best":
        """The greater of this and of the logits to its right; this one if they are equal."""
        greater = right.logit > self.logit
        pairs = zip(self.place, right.place, strict=True)
        place = tuple(Mux(greater, there, here) for here, there in pairs)
        return Best(Mux(greater, right.logit, self.logit), (*place, greater))

    def kept(self, stage: Stage) -> "Best":
        """The same in registers."""
        return Best(stage.kept(self.logit), tuple(stage.kept(bit) for bit in self.place))


class Argmax(wiring.Component):
    """``o`` gives the logits of ``i`` and ``min{k : logit[k] = max(logits)}``, the index of the
    first greatest one, as the last element of a frame of n logits.

    With one lane the index has a beat of its own behind the logits. A logit is compared in the step
    after its own, in the output's register, as logits that come from a queue's memory are there
    late in the cycle. ``i.ready`` is low in the step of the index. Latency: 1 cycle. Interval:
    ``n + 1`` cycles.

    With several lanes each beat has one element more, the index of the greatest of the frame so
    far. A tree compares the logits of a beat, with a register behind every comparison, where they
    stand beside it; the greatest of a beat is compared with that of those before it. Latency:
    ``ceil(log2(lanes))`` cycles, 1 more where a frame has several beats. Interval: ``n / lanes``
    cycles.

    Of a map the classes alone are given: a register, or the same tree without the logits beside it,
    and where a pixel has several beats the greatest so far; ``o`` has a beat behind the last of
    them, and while that waits no other is compared. Latency: ``max(ceil(log2(lanes)), 1)`` cycles,
    1 more where a pixel has several beats. Interval: ``H * W * n / lanes`` cycles.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: ArgmaxUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._unit.of_map:
            self._add_map(m)
        elif self._unit.lanes > 1:
            self._add_tree(m)
        else:
            self._add_counted(m)
        return m

    def _add_counted(self, m: Module) -> None:
        """One logit a beat."""
        classes = self._unit.input.channels
        steps = range(classes + 1)
        m.submodules.steps = count = Counter(
            length=classes + 1, tables=[[k == 1 for k in steps], [k == classes for k in steps]]
        )
        second, end = count.flags[0], count.flags[1]
        logit, best = self.o.payload[0], Signal.like(self.i.payload[0])
        place, index = Signal(self._unit.index_bits), Signal(self._unit.index_bits)
        better, found = Signal(), Signal(self._unit.index_bits)
        free = ~self.o.valid | self.o.ready
        m.d.comb += [
            self.i.ready.eq(free & ~end),
            count.step.eq(free & (self.i.valid | end)),
            better.eq(second | (logit > best)),
            found.eq(Mux(better, place, index)),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(count.step):
            m.d.sync += [
                logit.eq(Mux(end, found, self.i.payload[0])),
                self.o.valid.eq(1),
                place.eq(count.count),
                index.eq(found),
            ]
            with m.If(better):
                m.d.sync += best.eq(logit)

    def _add_tree(self, m: Module) -> None:
        """Several logits a beat."""
        unit = self._unit
        logits = [Value.cast(logit) for logit in self.i.payload]
        best = [Best(logit) for logit in logits]
        valid, ready = self.i.valid, self.i.ready
        while len(best) > 1:
            stage = Stage(m, valid, ready)
            valid, ready = stage.valid, stage.ready
            pairs = zip(best[::2], best[1::2], strict=False)
            rest = [Best(one.logit, (*one.place, Const(0, 1))) for one in best[len(best) & ~1 :]]
            best = [one.kept(stage) for one in (*(a.or_greater(b) for a, b in pairs), *rest)]
            logits = [stage.kept(logit) for logit in logits]
        found: Value = Cat(*best[0].place)
        if unit.chunks > 1:
            stage = Stage(m, valid, ready)
            valid, ready = stage.valid, stage.ready
            found = self._so_far(m, stage, best[0].logit, found)
            logits = [stage.kept(logit) for logit in logits]
        m.d.comb += [self.o.valid.eq(valid), ready.eq(self.o.ready)]
        for element, value in zip(self.o.payload, [*logits, found], strict=True):
            m.d.comb += element.eq(value)

    def _add_map(self, m: Module) -> None:
        """The class of each pixel of a map, without the logits."""
        unit = self._unit
        best = [Best(Value.cast(logit)) for logit in self.i.payload]
        valid, ready = self.i.valid, self.i.ready
        for _ in range(max(unit.levels, 1)):
            stage = Stage(m, valid, ready)
            valid, ready = stage.valid, stage.ready
            pairs = zip(best[::2], best[1::2], strict=False)
            rest = [Best(one.logit, (*one.place, Const(0, 1))) for one in best[len(best) & ~1 :]]
            best = [one.kept(stage) for one in (*(a.or_greater(b) for a, b in pairs), *rest)]
        place = Cat(*best[0].place)
        if unit.chunks == 1:
            m.d.comb += [self.o.valid.eq(valid), ready.eq(self.o.ready)]
            m.d.comb += self.o.payload[0].eq(place)
            return
        m.submodules.beats = count = Counter(length=unit.chunks, tables=[first_of(unit.chunks)])
        free = ~self.o.valid | self.o.ready
        load = valid & free
        m.d.comb += ready.eq(free)
        with m.If(free):
            m.d.sync += self.o.valid.eq(valid & count.last)
        index = self._best_so_far(m, count, load, best[0].logit, place)
        m.d.comb += self.o.payload[0].eq(index)

    def _so_far(self, m: Module, stage: Stage, logit: Value, place: Value) -> Value:
        """The index of the greatest logit of the frame up to the beat of ``stage``, of which
        ``logit`` is the greatest and ``place`` its place.
        """
        m.submodules.beats = count = Counter(
            length=self._unit.chunks, tables=[first_of(self._unit.chunks)]
        )
        return self._best_so_far(m, count, stage.load, logit, place)

    def _best_so_far(
        self, m: Module, count: Counter, load: Value, logit: Value, place: Value
    ) -> Value:
        """The same of beats that ``count`` counts, each of which comes with ``load``."""
        unit = self._unit
        base, index = (Signal(unit.index_bits, name=name) for name in ("base", "index"))
        best = Signal.like(logit, name="best", reset_less=True)
        better = count.flags[0] | (logit > best)
        m.d.comb += count.step.eq(load)
        with m.If(load):
            m.d.sync += base.eq(Mux(count.last, 0, base + unit.lanes))
            with m.If(better):
                m.d.sync += [best.eq(logit), index.eq(base + place)]
        return index
