"""Adding two streams."""

from amaranth.hdl import Cat, Const, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.layers.add import AddUnit
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["Add", "as_value"]


def as_value(stored: Value, kind: TensorType) -> Value:
    """What a stored number of the type stands for: wires alone.

    A bipolar code u of M bits is ``2u + 1 - 2**M``: in two's complement its top bit inverted, and a
    1 below.
    """
    if kind.encoding is Encoding.INTEGER:
        return stored.as_signed()
    if kind.encoding is Encoding.UNSIGNED:
        return stored.as_unsigned()
    return Cat(Const(1, 1), stored[:-1], ~stored[-1]).as_signed()


class Add(wiring.Component):
    """``o[l] = value(a[l]) * 2**shift_a + value(b[l]) * 2**shift_b`` for each of ``unit.lanes``
    lanes of ``a`` and ``b``, codes or integers; ``o`` holds two's complement integers.

    Both streams are taken from together, into an adder and the output register. Latency: 1 cycle.
    Interval: a beat a cycle.
    """

    a: stream.Interface
    b: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: AddUnit) -> None:
        self._unit = unit
        inputs = {port: In(stream_of(lanes)) for port, lanes in unit.inputs.items()}
        super().__init__({**inputs, "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        free = ~self.o.valid | self.o.ready
        m.d.comb += [
            self.a.ready.eq(free & self.b.valid),
            self.b.ready.eq(free & self.a.valid),
        ]
        with m.If(free):
            m.d.sync += self.o.valid.eq(self.a.valid & self.b.valid)
            for lane in range(unit.lanes):
                a = as_value(Value.cast(self.a.payload[lane]), unit.left) << unit.layer.shift_a
                b = as_value(Value.cast(self.b.payload[lane]), unit.right) << unit.layer.shift_b
                m.d.sync += self.o.payload[lane].eq(a + b)
        return m
