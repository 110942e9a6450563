"""The accelerator: the units of a pipeline, one component each, joined by their streams."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.shapes import stream_of
from subbit.sw.pipeline import Pipeline

__all__ = ["Accelerator"]


class Accelerator(wiring.Component):
    """A whole network: frames in, results out.

    ``i``: elements of the input tensor in the order row, column, channel. ``o``: the output
    tensor's elements; where the network ends in an argmax, the logits and then the class. Latency
    and interval in cycles are those of ``pipeline``. ``taps`` names the output stream of every
    unit, for simulation.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._parts = {step.name: step.unit.load_component()(step.unit) for step in pipeline.steps}
        self.taps: dict[str, stream.Interface] = {n: part.o for n, part in self._parts.items()}
        super().__init__({"i": In(stream_of(pipeline.i)), "o": Out(stream_of(pipeline.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source = wiring.flipped(self.i)
        for name, part in self._parts.items():
            m.submodules[name] = part
            wiring.connect(m, source, part.i)
            source = part.o
        wiring.connect(m, source, wiring.flipped(self.o))
        return m
