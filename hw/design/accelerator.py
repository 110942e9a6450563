"""The accelerator: the units of a pipeline, one component each, joined by their streams."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, DomainRenamer, Module, ResetSignal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.families.local_register import has_local_registers, local_register
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.wiring import Step

__all__ = ["Accelerator", "tap_name"]


def tap_name(step: Step, branch: int) -> str:
    """The name of an output stream of a unit."""
    return step.name if len(step.unit.outputs) == 1 else f"{step.name}_{branch}"


class Accelerator(wiring.Component):
    """A whole network: the units of ``pipeline``, one component each, joined by their streams.

    ``i``: elements of the input tensor in the order row, column, channel, ``pipeline.i.lanes`` a
    beat. ``o``: the output tensor's elements; where the network ends in an argmax, the logits and
    then the class, in a beat of its own or, from an argmax of several lanes, beside the logits of
    each beat, of those so far. Latency and interval in cycles are those of ``pipeline``, by the
    cycle model of its units. ``taps`` names the output stream of every unit, for simulation; those
    of a fork have their number behind its name. ``local_resets``: on an ECP5 each unit gets the
    reset from a register of its own behind a register of them all, as units are far from each
    other.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, pipeline: Pipeline, local_resets: bool = False) -> None:
        self.pipeline, self._local_resets = pipeline, local_resets
        self._parts = {
            step.name: step.unit.load_component()(unit=step.unit) for step in pipeline.steps
        }
        self.taps: dict[str, stream.Interface] = {
            tap_name(step, branch): getattr(self._parts[step.name], port)
            for step in pipeline.steps
            for branch, port in enumerate(step.unit.outputs)
        }
        super().__init__({"i": In(stream_of(pipeline.i)), "o": Out(stream_of(pipeline.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        steps, parts = self.pipeline.steps, self._parts
        local_resets = self._local_resets and has_local_registers(platform)
        reset = local_register(m, platform, ResetSignal()) if local_resets else Const(0)
        for step in steps:
            part: Any = parts[step.name]
            if local_resets:
                m.domains += ClockDomain(f"of_{step.name}", local=True)
                m.d.comb += ClockSignal(f"of_{step.name}").eq(ClockSignal())
                m.d.comb += ResetSignal(f"of_{step.name}").eq(local_register(m, platform, reset))
                part = DomainRenamer(f"of_{step.name}")(part)
            m.submodules[step.name] = part
            for port, (source, branch) in zip(step.unit.inputs, step.feeds, strict=True):
                given: Any = wiring.flipped(self.i)
                if source >= 0:
                    given = self.taps[tap_name(steps[source], branch)]
                wiring.connect(m, given, getattr(parts[step.name], port))
        wiring.connect(m, self.taps[steps[-1].name], wiring.flipped(self.o))
        return m
