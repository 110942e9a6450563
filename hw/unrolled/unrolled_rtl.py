"""The unrolled engine: carry chains and lookup tables, and a register behind each."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.families.netlist import AddPlace, BitFunction, CarryChain, CarryTap, Lut
from subbit.hw.families.nets_rtl import NetRegisters
from subbit.hw.families.part import fabric_of
from subbit.hw.families.table import family
from subbit.hw.post.core_rtl import core_of
from subbit.hw.streams.pipe_rtl import PipedCore
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.shapes_rtl import lanes_layout
from subbit.hw.unrolled.network import AdderNetwork
from subbit.hw.unrolled.numbers import Bits
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.window.border import PaddingSumsConfig
from subbit.hw.window.border_rtl import PaddingSums

__all__ = ["Unrolled", "UnrolledCore", "add_cells", "add_network"]


class UnrolledCore(wiring.Component):
    """All outputs ``y`` (out) of the vectors ``x`` (in), a pipeline that never stops.

    ``step`` (in): the next vectors are in ``x`` in the next cycle; their outputs are in ``y``
    ``latency`` cycles after them. Interval: a step a cycle.
    """

    step: Signal
    x: data.View
    y: data.View

    def __init__(self, *, unit: UnrolledUnit) -> None:
        self._unit, self.latency = unit, unit.latency
        super().__init__(
            {"step": In(1), "x": In(lanes_layout(unit.x_lanes)), "y": Out(lanes_layout(unit.o))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit, ready = self._unit, self._unit.ready
        steps = valid_stages(m, self.step, unit.latency, "step")
        x, width = self.x.as_value(), unit.x_lanes.width // unit.pixels
        words: list[Value] = []
        for pixel in range(unit.pixels):
            words += self._results(m, platform, x[pixel * width : (pixel + 1) * width], steps)
        if unit.core is None:
            m.d.comb += self.y.as_value().eq(Cat(*words))
            return m
        if unit.padding_sums:
            words = self._with_padding_sums(m, unit.padding_sums, words, steps[ready - 1])
            ready += 1
        m.submodules.core = core = core_of(unit.core, unit.numbers.high.bit_length())
        m.d.comb += [core.step.eq(steps[ready]), self.y.as_value().eq(core.y.as_value())]
        for lane, word in enumerate(words):
            m.d.comb += core.x[lane].eq(word)
        return m

    def _results(
        self, m: Module, platform: object, x: Value, steps: Sequence[Value]
    ) -> list[Value]:
        """The words of one vector, ``unit.ready`` cycles after ``x``; ``steps[t]``: that a vector
        entered t cycles ago.
        """
        network = self._unit.network
        if self._unit.signed:  # as unsigned numbers from 0 up
            top = Const(1 << (self._unit.bits - 1), unsigned(self._unit.bits))
            x ^= top.replicate(self._unit.length)
        return add_network(m, platform, network, x, network.words)

    def _with_padding_sums(
        self, m: Module, config: PaddingSumsConfig, words: list[Value], step: Value
    ) -> list[Value]:
        """Twice each number, and what zero padding leaves out; the words come 2 after ``step``."""
        m.submodules.padding = padding = PaddingSums(sums=config)
        m.d.comb += padding.step.eq(step)
        bits, found = self._unit.numbers.high.bit_length(), []
        for at, word in enumerate(words):
            constant = padding.data[at * config.bits : (at + 1) * config.bits]
            found.append(registered(m, Cat(constant[0], word + constant[1:])[:bits]))
        return found


class Unrolled(PipedCore):
    """``o[o] = post(sum over l of w[o, l] * i[l])`` for all outputs o of ``unit.pixels`` vectors a
    beat; ``o`` holds codes or two's complement integers.

    A pipeline that never stops, with a register in front, and credits and a queue of ``unit.depth``
    places around it. Latency: ``unit.stages + 1`` cycles. Interval: a beat a cycle.
    """

    def __init__(self, *, unit: UnrolledUnit) -> None:
        super().__init__(unit=unit, core=UnrolledCore(unit=unit), depth=unit.depth)


def add_network(
    m: Module, platform: object, network: AdderNetwork, x: Value, words: Sequence[Bits]
) -> list[Value]:
    """The cells for one vector; returns ``words`` of the network's nets, from registers."""
    inputs: list[Value] = [Signal(name=f"x{at}") for at in range(len(x))]
    m.d.comb += Cat(*inputs).eq(x)
    pipeline = NetRegisters(m, network.netlist, inputs)
    add_cells(m, platform, pipeline, network.form)

    def output(bit: BitFunction) -> Value:
        value = pipeline.output(bit)
        return ~value if bit.nets and bit.table == 0b01 else value

    return [Cat(*map(output, word)) for word in words]


def add_cells(m: Module, platform: object, pipeline: NetRegisters, form: str) -> None:
    """The cells of a netlist, as those of the fabric ``form`` where the platform's part has them,
    as plain logic elsewhere.
    """
    for level, cell in pipeline.netlist.cells:
        if fabric_of(platform) == form:
            family(form).add_cell(m, pipeline, level, cell)
        else:
            add_portable(m, pipeline, level, cell)


def add_portable(m: Module, pipeline: NetRegisters, level: int, cell: Lut | CarryChain) -> None:
    """The cell as plain logic: a lookup table, or an adder from each carry-in of a chain on."""

    def value(bit: BitFunction) -> Value:
        if not bit.nets:
            return Const(bit.table, 1)
        nets = Cat(*(pipeline.used(net, level) for net in bit.nets))
        if len(bit.nets) == 1:
            return nets if bit.table == 0b10 else ~nets
        return Const(bit.table, unsigned(1 << len(nets))).bit_select(nets, 1)

    def add(places: list[AddPlace], inject: BitFunction, carry: int | None) -> None:
        u, v = Cat(*(value(place.u) for place in places)), Cat(*(value(p.v) for p in places))
        nets = [place.out for place in places] + ([] if carry is None else [carry])
        total = u + v
        if inject.nets:  # a place below the lowest one makes the carry
            one = value(inject)
            total = (Cat(one, u) + Cat(one, v))[1:]
        m.d.comb += Cat(*map(pipeline.drive, nets)).eq(total)

    if isinstance(cell, Lut):
        m.d.comb += pipeline.drive(cell.out).eq(value(cell.unit))
        return
    places: list[AddPlace] = []
    inject = BitFunction.constant(0)
    for place in (*cell.places, CarryTap(BitFunction.constant(0), None)):
        if isinstance(place, AddPlace):
            places.append(place)
        elif isinstance(place, CarryTap):
            if places:
                add(places, inject, place.out)
            places, inject = [], place.inject
