"""Requantisation: the pipeline, and the same between two streams."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.post.requantise import RequantiseConfig, RequantiseUnit
from subbit.hw.streams.pipe_rtl import PipedCore
from subbit.hw.streams.registers_rtl import registered
from subbit.hw.streams.sequence_rtl import count_steps
from subbit.hw.tables.rom_rtl import Rom

__all__ = ["Requantise", "RequantiseCore"]


class RequantiseCore(wiring.Component):
    """``y[l] = min(max((scale[c][k] * x[l] + offset[c][k]) >> shift, low), high)`` (``y`` out,
    ``config.bits`` bits, two's complement; ``x`` in, ``config.x.bits`` bits, two's complement) for
    ``config.lanes`` channels c at a time; k is 1 where there are two lines and ``x[l] < knee[c]``.

    ``step`` (in): the numbers of the next group of channels are in ``x`` in the next cycle; their
    results are in ``y`` ``latency`` cycles after the numbers. A counter of the groups addresses the
    table of constants. Latency: 1 cycle for the multiplication, 1 for the addition, 1 more to
    choose between two lines, 1 more to limit what exceeds the limits, and 1 more with constants in
    block RAM. Interval: a step a cycle.
    """

    step: Signal
    x: data.View
    y: data.View

    def __init__(self, *, config: RequantiseConfig) -> None:
        self._config, self.latency = config, config.latency
        count = config.lanes * config.copies
        super().__init__(
            {
                "step": In(1),
                "x": In(data.ArrayLayout(signed(config.x.bits), count)),
                "y": Out(data.ArrayLayout(signed(config.bits), count)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        group = count_steps(m, self.step, config.table.depth)
        m.submodules.table = table = Rom(table=config.table, cycles=config.table_cycles)
        m.d.comb += table.addr.eq(group)
        for lane in range(config.lanes * config.copies):
            at = lane % config.lanes * config.word_bits
            word = table.data[at : at + config.word_bits]
            number = registered(m, self.x[lane], config.table_cycles - 1).as_signed()
            m.d.comb += self.y[lane].eq(self._result(m, number, word))
        return m

    def _result(self, m: Module, number: Value, word: Value) -> Value:
        """The result for a number and the constants of its channel."""
        config = self._config
        bits = [config.scale_bits] * config.layer.lines + [config.sum_bits] * config.layer.lines
        parts, at = [], 0
        for width in bits:
            parts.append(word[at : at + width].as_signed())
            at += width
        scale, offset = parts[0], parts[config.layer.lines]
        if config.bends:
            below = number < word[at:].as_signed()
            scale = registered(m, Mux(below, parts[1], parts[0])).as_signed()
            offset = registered(m, Mux(below, parts[3], parts[2])).as_signed()
            number = registered(m, number).as_signed()
        product = Signal(signed(config.sum_bits), reset_less=True)
        m.d.sync += product.eq(number * scale)
        total = Signal(signed(config.sum_bits), reset_less=True)
        moving = config.bends or config.table.style != "const"
        m.d.sync += total.eq(product + registered(m, offset, int(moving)).as_signed())
        return self._limited(m, total >> config.layer.shift)

    def _limited(self, m: Module, number: Value) -> Value:
        """The number within the limits, registered where it may be outside."""
        config = self._config
        beneath, above = config.limits
        result = number
        if beneath:
            result = Mux(number < config.layer.low, config.layer.low, result)
        if above:
            result = Mux(number > config.layer.high, config.layer.high, result)
        result = Value.cast(result)[: config.bits]
        return registered(m, result) if beneath or above else result


class Requantise(PipedCore):
    """``o[l] = min(max((scale[c][k] * i[l] + offset[c][k]) >> shift, low), high)`` for
    ``unit.lanes`` integers a beat, some channels of a pixel, whole pixels or rows; ``o`` holds
    two's complement integers of the layer's output type.

    A pipeline that never stops, with a register in front, and credits and a queue of ``unit.depth``
    places around it. Latency: 4 cycles, 1 more with two lines, 1 more where results are limited,
    1 more with constants in block RAM. Interval: a beat a cycle.
    """

    def __init__(self, *, unit: RequantiseUnit) -> None:
        super().__init__(unit=unit, core=RequantiseCore(config=unit.core), depth=unit.depth)
