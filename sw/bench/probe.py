"""An engine alone between registers, for place-and-route."""

from amaranth.hdl import Cat, Elaboratable, Module, Signal

from subbit.hw.contract.unit import Unit

__all__ = ["EngineProbe"]


class EngineProbe(Elaboratable):
    """The circuit of ``unit`` between registers: a pin shifts into its input, its outputs go to
    pins.

    ``pins``: of the shift register, valid, and ready of the output.
    """

    def __init__(self, unit: Unit) -> None:
        self.engine = unit.load_component()(unit=unit)
        self.pins, self.out = Signal(3), Signal(unit.o.width + 2)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.engine = engine = self.engine
        payload = engine.i.payload.as_value()
        x, valid, ready = Signal(len(payload), reset_less=True), Signal(), Signal()
        m.d.sync += [x.eq(Cat(self.pins[0], x)), Cat(valid, ready).eq(self.pins[1:])]
        m.d.comb += [payload.eq(x), engine.i.valid.eq(valid), engine.o.ready.eq(ready)]
        m.d.sync += self.out.eq(Cat(engine.o.payload.as_value(), engine.o.valid, engine.i.ready))
        return m
