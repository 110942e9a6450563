"""Thresholds: the core that a dot engine ends in, and the same between two streams."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.post.threshold import ThresholdConfig, ThresholdUnit
from subbit.hw.streams.pipe_rtl import PipedCore
from subbit.hw.streams.registers_rtl import registered
from subbit.hw.streams.sequence_rtl import count_steps
from subbit.hw.tables.rom_rtl import Rom

__all__ = ["Threshold", "ThresholdCore"]


class ThresholdCore(wiring.Component):
    """``y[l] = #{k : x[l] >= threshold[c, k]}`` (``y`` out, M bits; ``x`` in, ``bits`` bits),
    inverted where the channel's comparison falls, for ``config.lanes`` channels c at a time.

    ``step`` (in): the numbers of the next group of channels are in ``x`` ``1 + config.lead_cycles``
    cycles later; their codes are in ``y`` ``latency`` cycles after the numbers. A search has a
    table and a comparator for each bit of the code; a tree has all comparators and makes a code of
    their bits. Latency: ``(t + 1) * M - 1`` cycles for a search, ``t`` for a tree and 1 more from M
    = 3 on, with ``t`` 2 where a table is block RAM, else 1. Interval: a step a cycle.

    A search with M = 2 and tables in logic, ``lead_cycles`` 0::

        cycle     0        1        2        3        4
        step      1        .        .        .        .
        x         .        x        .        .        .
        table     .        middle   .        quarter  .      chosen by the first bit
        bit       .        .        first    .        second
        y         .        .        .        .        code
    """

    step: Signal
    x: data.View
    y: data.View

    def __init__(self, *, config: ThresholdConfig, bits: int) -> None:
        self._config, self.latency = config, config.latency
        shape = signed(bits) if config.signed else unsigned(bits)
        super().__init__(
            {
                "step": In(1),
                "x": In(data.ArrayLayout(shape, config.lanes * config.copies)),
                "y": Out(data.ArrayLayout(config.bits, config.lanes * config.copies)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._config.tree:
            self._add_tree(m)
        else:
            self._add_search(m)
        return m

    def _add_tree(self, m: Module) -> None:
        """Comparators for all thresholds; the bits of a thermometer become a code."""
        config, cycles = self._config, self._config.table_cycles
        group = count_steps(m, self.step, config.groups)
        m.submodules.thresholds = rom = Rom(table=config.tree_rom, cycles=cycles)
        m.submodules.polarity = polarity = Rom(table=config.polarity_rom, cycles=cycles)
        m.d.comb += [rom.addr.eq(group), polarity.addr.eq(group)]
        stages = config.lead_cycles + int(config.polarity_rom.style != "const")
        falling = registered(m, polarity.data, stages)
        tables = registered(m, rom.data, config.lead_cycles)
        levels, width = config.thresholds.shape[1], config.width
        for at in range(config.lanes * config.copies):
            lane = at % config.lanes
            number = reinterpret(registered(m, self.x[at], cycles - 1), config)
            words = [
                reinterpret(tables[place * width : (place + 1) * width], config)
                for place in range(lane * levels, (lane + 1) * levels)
            ]
            reached = [
                registered(m, self._reaches(number, word, lane * levels + level))
                for level, word in enumerate(words)
            ]
            code = Cat(*code_of(reached)) ^ falling[lane].replicate(config.bits)
            m.d.comb += self.y[at].eq(registered(m, code, int(config.bits > 2)))

    def _add_search(self, m: Module) -> None:
        """A comparator a bit."""
        config, lanes = self._config, range(self._config.lanes * self._config.copies)
        group: Value = count_steps(m, self.step, config.groups)
        numbers = [self.x[lane] for lane in lanes]
        found: list[list[Value]] = [[] for _ in lanes]
        cycles = config.table_cycles
        for step in range(config.bits):
            stages = cycles + 1 if step else cycles - 1
            if step:
                group = registered(m, group, cycles + 1 + (config.lead_cycles if step == 1 else 0))
            numbers = [reinterpret(registered(m, x, stages), config) for x in numbers]
            for lane, threshold in enumerate(self._thresholds(m, step, group, found)):
                place = -1 if step else lane % config.lanes
                reached = registered(m, self._reaches(numbers[lane], threshold, place))
                older = [registered(m, bit, cycles + 1) for bit in found[lane]]
                found[lane] = [reached, *older]
        m.submodules.polarity = polarity = Rom(table=config.polarity_rom, cycles=cycles)
        m.d.comb += polarity.addr.eq(group)
        stages = int(config.polarity_rom.style != "const")
        falling = registered(
            m, polarity.data, stages + (config.lead_cycles if config.bits == 1 else 0)
        )
        for lane in lanes:
            codes = Cat(*found[lane]) ^ falling[lane % config.lanes].replicate(config.bits)
            m.d.comb += self.y[lane].eq(codes)

    def _reaches(self, number: Value, threshold: Value, place: int) -> Value:
        """Whether the number reaches the threshold, that at ``place`` of the first table; -1: of
        another one.
        """
        constants = self._config.constants if place >= 0 else ()
        return at_least(number, constants[place]) if constants else number >= threshold

    def _thresholds(
        self, m: Module, step: int, group: Value, found: list[list[Value]]
    ) -> list[Value]:
        """The thresholds of each lane, ``table_cycles`` after ``group`` and the bits found."""
        config = self._config
        if step == 0:  # every copy compares with the same
            m.submodules.thresholds0 = rom = Rom(
                table=config.rom(0, range(config.lanes)), cycles=config.table_cycles
            )
            m.d.comb += rom.addr.eq(group)
            table = registered(m, rom.data, config.lead_cycles)
            words = [
                table[lane * config.width : (lane + 1) * config.width]
                for lane in range(config.lanes)
            ]
            return [reinterpret(word, config) for word in words] * config.copies
        values: list[Value] = []
        for at, bits in enumerate(found):
            lane = at % config.lanes
            rom = Rom(table=config.rom(step, range(lane, lane + 1)), cycles=config.table_cycles)
            m.submodules[f"thresholds{step}_{at}"] = rom
            m.d.comb += rom.addr.eq(Cat(*bits, group))
            values.append(reinterpret(rom.data, config))
        return values


def code_of(reached: list[Value]) -> list[Value]:
    """The bits of the number of ones, the lowest first, of ones that all come before zeros."""
    middle = len(reached) // 2
    top = reached[middle]
    if not middle:
        return [top]
    halves = zip(code_of(reached[middle + 1 :]), code_of(reached[:middle]), strict=True)
    return [*(Mux(top, high, low) for high, low in halves), top]


def at_least(number: Value, least: int) -> Value:
    """Whether a number reaches a constant, as ANDs and ORs from its lowest bit up: a carry chain
    would take a cell for each bit, even of a constant.
    """
    bits = list(number.as_unsigned())
    if number.shape().signed:
        bits[-1], least = ~bits[-1], least + (1 << (len(bits) - 1))
    if least <= 0 or least >> len(bits):
        return Const(least <= 0, 1)
    first = (least & -least).bit_length() - 1
    found: Value = bits[first]
    for at in range(first + 1, len(bits)):
        found = found & bits[at] if least >> at & 1 else found | bits[at]
    return found


def reinterpret(value: Value, config: ThresholdConfig) -> Value:
    """The bits as a number of the config's sign."""
    return value.as_signed() if config.signed else value.as_unsigned()


class Threshold(PipedCore):
    """``o[l]`` is the M-bit code of ``i[l]``, the number of its channel's thresholds that it
    reaches, for ``unit.lanes`` integers a beat, some channels of a pixel, whole pixels or rows.

    A pipeline that never stops, with a register in front, and credits and a queue of ``unit.depth``
    places around it. Latency: ``2M + 1`` cycles for a search, 3 for a tree, 4 from M = 3 on; with
    thresholds in block RAM M or 1 more. Interval: a beat a cycle.
    """

    def __init__(self, *, unit: ThresholdUnit) -> None:
        super().__init__(
            unit=unit, core=ThresholdCore(config=unit.core, bits=unit.i.bits), depth=unit.depth
        )
