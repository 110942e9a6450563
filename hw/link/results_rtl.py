"""Logits and classes of an argmax of several lanes, one after the other."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.unit import Lanes
from subbit.hw.link.results import left_out
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.hw.streams.width import DownsizeUnit
from subbit.hw.streams.width_rtl import Downsize

__all__ = ["ResultSplitter"]


class ResultSplitter(wiring.Component):
    """``o`` gives for each frame its logits and then the class, an element a beat, from an argmax
    of several lanes.

    ``i``: payload ``results``, some logits and the class so far, ``beats`` of them a frame; only
    the class of the last one is passed on. Latency: 1 cycle. Interval: ``beats * results.lanes``
    cycles.

    Two beats of two logits, A B and C D::

        cycle        0    1    2    3    4    5    6
        i.payload   kBA  mDC  mDC  mDC   -    -    -
        i.ready      1    0    0    1    0    0    1
        o.valid      0    1    1    0    1    1    1
        o.payload    -    A    B    -    C    D    m
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, results: Lanes, beats: int) -> None:
        self._results, self._beats = results, beats
        one = Lanes(1, results.bits, results.signed)
        super().__init__({"i": In(stream_of(results)), "o": Out(stream_of(one))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self._results.lanes
        unit = DownsizeUnit(element=self._results, ratio=lanes, beats=self._beats)
        m.submodules.downsize = downsize = Downsize(unit=unit)
        unwanted = left_out(lanes=lanes, beats=self._beats)
        m.submodules.elements = count = Counter(length=len(unwanted), tables=[unwanted])
        wiring.connect(m, wiring.flipped(self.i), downsize.i)
        m.d.comb += [
            self.o.payload.eq(downsize.o.payload),
            self.o.valid.eq(downsize.o.valid & ~count.flags[0]),
            downsize.o.ready.eq(self.o.ready | count.flags[0]),
            count.step.eq(downsize.o.valid & downsize.o.ready),
        ]
        return m
