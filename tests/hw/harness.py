"""Holding a component to its unit: every value, every cycle, under every kind of back-pressure."""

import random
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Cat, ClockDomain, Elaboratable, Module, Signal
from amaranth.sim import Simulator

from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.tables.packing import pack_elements

__all__ = ["UnitSimulation", "check_unit", "simulate_unit", "unpack", "with_reset"]


def unpack(number: int, lanes: Lanes) -> list[int]:
    """The elements of a beat."""
    bits, mask = lanes.bits, (1 << lanes.bits) - 1
    values = [(number >> (bits * lane)) & mask for lane in range(lanes.lanes)]
    return [v - (1 << bits) if lanes.signed and v >> (bits - 1) else v for v in values]


def with_reset(component: Elaboratable, reset: Signal) -> Module:
    """The component in a domain whose reset is that signal."""
    m = Module()
    m.domains.sync = domain = ClockDomain("sync")
    m.d.comb += domain.rst.eq(reset)
    m.submodules.dut = component
    return m


class UnitSimulation:
    """The simulation of a unit's component: compiled once, and reset before each further run."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        component = unit.load_component()(unit=unit)
        # One value each way: the circuit settles once a cycle, not once for each signal.
        self._driven = Cat(component.i.valid, component.o.ready, component.i.payload.as_value())
        self._seen = Cat(component.o.valid, component.i.ready, component.o.payload.as_value())
        self._simulator = Simulator(component)
        self._simulator.add_clock(1e-6)
        self._simulator.add_testbench(self._bench)
        self._has_run = False

    def run(self, beats: Sequence[int], expected: int, seed: int | None) -> tuple[Beats, list[int]]:
        """Drive ``beats``, a number each, through the component until ``expected`` beats came out.

        With a seed, valid and ready are random and the payload is checked to hold while it waits.
        Returns the output beats and the cycle of each, counted from the first cycle in which input
        is offered.
        """
        self._beats, self._expected, self._seed = beats, expected, seed
        self._out: list[list[int]] = []
        self._cycles: list[int] = []
        if self._has_run:
            self._simulator.reset()
        self._has_run = True
        self._simulator.run()
        return np.array(self._out, dtype=np.int64).reshape(-1, self._unit.o.lanes), self._cycles

    @property
    def _limit(self) -> int:
        """Cycles after which the component is taken to be stuck."""
        unit, beats = self._unit, len(self._beats)
        steps = sum(len(process.steps) for process in unit.processes())
        frames = 1 + beats // max(unit.i_beats, 1)
        return 1000 + 40 * (beats + self._expected) + 4 * steps * frames

    async def _bench(self, ctx: Any) -> None:
        unit, beats, out, seed = self._unit, self._beats, self._out, self._seed
        chance, limit = random.Random(seed), self._limit
        shown = deque([0] * unit.i_payload_delay)  # payloads that come behind their valid
        waits = deque([(0, 0)] * unit.o_payload_delay)  # valid and ready, their payload to come
        position, cycle, offered, held = 0, 0, False, None
        while len(out) < self._expected or position < len(beats):
            assert cycle < limit, f"stuck: {position} beats in, {len(out)} out of {self._expected}"
            offered = position < len(beats) and (offered or seed is None or chance.random() < 0.6)
            if offered:
                shown.append(beats[position])
            else:
                shown.append(chance.getrandbits(unit.i.width) if seed is not None else 0)
            ready = seed is None or chance.random() < 0.6
            ctx.set(self._driven, offered | ready << 1 | shown.popleft() << 2)
            seen = ctx.get(self._seen)
            took = offered and bool(seen & 2)
            waits.append((seen & 1, ready))
            (valid, ready), payload = waits.popleft(), seen >> 2
            if held is not None:
                assert valid, "valid fell before the beat was taken"
                assert payload == held, "the payload changed before the beat was taken"
            held = payload if valid and not ready else None
            if valid and ready:
                out.append(unpack(payload, unit.o))
                self._cycles.append(cycle - unit.o_payload_delay)
            await ctx.tick()
            position += took
            offered = offered and not took
            cycle += 1
        for _ in range(20):
            ctx.set(self._driven[:2], 0b10)
            assert not ctx.get(self._seen) & 1, "a beat more than expected"
            await ctx.tick()


def packed(unit: Unit, beats: Beats) -> list[int]:
    """Input beats as numbers."""
    return [pack_elements(beat, unit.i.bits) for beat in beats.tolist()]


def simulate_unit(
    unit: Unit, beats: Beats, expected: int, seed: int | None
) -> tuple[Beats, list[int]]:
    """What :meth:`UnitSimulation.run` gives for one run."""
    return UnitSimulation(unit).run(packed(unit, beats), expected, seed)


def check_unit(unit: Unit, beats: Beats, seed: int = 0) -> None:
    """Compare the component with its unit: values and cycles without back-pressure, values with it.

    ``beats``: input beats of a whole number of frames, ``(n, unit.i.lanes)``.
    """
    frames, rest = divmod(len(beats), unit.i_beats)
    assert frames
    assert not rest, f"{len(beats)} beats are not whole frames of {unit.i_beats}"
    expected = unit.reference(beats)
    assert len(expected) == frames * unit.o_beats
    simulation, numbers = UnitSimulation(unit), packed(unit, beats)
    out, cycles = simulation.run(numbers, len(expected), None)
    np.testing.assert_array_equal(out, expected)
    predicted = unit.trace(frames).taken[-1]
    np.testing.assert_array_equal(np.array(cycles), predicted, err_msg="cycles of the output beats")
    for trial in range(2):
        out, _ = simulation.run(numbers, len(expected), seed + trial)
        np.testing.assert_array_equal(
            out, expected, err_msg=f"under back-pressure, seed {seed + trial}"
        )
