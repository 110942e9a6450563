"""Scale and offset: the core that a dot engine ends in, and the same between two streams."""

from amaranth.hdl import Module, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.post.affine import AffineConfig, AffineUnit
from subbit.hw.streams.pipe_rtl import PipedCore
from subbit.hw.streams.registers_rtl import registered
from subbit.hw.streams.sequence_rtl import count_steps
from subbit.hw.tables.rom_rtl import Rom

__all__ = ["Affine", "AffineCore"]


class AffineCore(wiring.Component):
    """``y[l] = mul[c] * x[l] + add[c]`` (``y`` out, ``config.bits`` bits, two's complement; ``x``
    in, ``bits`` bits) for ``config.lanes`` channels c at a time.

    ``step`` (in): the numbers of the next group of channels are in ``x`` in the next cycle; their
    results are in ``y`` ``latency`` cycles after the numbers. A counter of the groups addresses the
    tables of ``mul`` and ``add``. Latency: 1 cycle, 1 more with multipliers and 1 more with a table
    in block RAM. Interval: a step a cycle.
    """

    step: Signal
    x: data.View
    y: data.View

    def __init__(self, *, config: AffineConfig, bits: int) -> None:
        self._config, self.latency = config, config.latency
        shape = signed(bits) if config.signed else unsigned(bits)
        super().__init__(
            {
                "step": In(1),
                "x": In(data.ArrayLayout(shape, config.lanes * config.copies)),
                "y": Out(data.ArrayLayout(signed(config.bits), config.lanes * config.copies)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        group = count_steps(m, self.step, config.groups)
        m.submodules.mul = mul = Rom(table=config.mul_rom, cycles=config.table_cycles)
        m.submodules.add = add = Rom(table=config.add_rom, cycles=config.table_cycles)
        m.d.comb += [mul.addr.eq(group), add.addr.eq(group)]
        moving = config.shift is None and config.add_rom.style != "const"
        offsets = registered(m, add.data, int(moving))
        for lane in range(config.lanes * config.copies):
            at = lane % config.lanes
            offset = offsets[at * config.bits : (at + 1) * config.bits]
            result = (self._scaled(m, lane, mul) + offset)[: config.bits]
            m.d.comb += self.y[lane].eq(registered(m, result))
        return m

    def _scaled(self, m: Module, lane: int, mul: Rom) -> Value:
        """``mul * x`` modulo 2**bits, registered if there is a multiplier."""
        config = self._config
        number = registered(m, self.x[lane], config.table_cycles - 1)
        number = number.as_signed() if config.signed else number.as_unsigned()
        if config.shift is not None:
            return Value.cast(number << config.shift)
        at = lane % config.lanes
        factor = mul.data[at * config.mul_bits : (at + 1) * config.mul_bits].as_signed()
        product = Signal(signed(config.bits), reset_less=True)
        m.d.sync += product.eq(number * factor)
        return product


class Affine(PipedCore):
    """``o[l] = scale[c] * i[l] + offset[c]`` for ``unit.lanes`` integers a beat, some channels of a
    pixel, whole pixels or rows; ``o`` holds two's complement integers of the layer's output type.

    A pipeline that never stops, with a register in front, and credits and a queue of ``unit.depth``
    places around it. Latency: 3 cycles, 1 more with multipliers and 1 more with constants in block
    RAM. Interval: a beat a cycle.
    """

    def __init__(self, *, unit: AffineUnit) -> None:
        super().__init__(
            unit=unit, core=AffineCore(config=unit.core, bits=unit.i.bits), depth=unit.depth
        )
