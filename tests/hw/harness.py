"""Holding a component to its unit: every value, every cycle, under every kind of back-pressure."""

import random
from collections import deque
from typing import Any

import numpy as np
from amaranth.hdl import ClockDomain, Elaboratable, Module, Signal
from amaranth.sim import Simulator

from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.tables.packing import pack_elements

__all__ = ["check_unit", "simulate_unit", "unpack", "with_reset"]


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


def simulate_unit(
    unit: Unit, beats: Beats, expected: int, seed: int | None
) -> tuple[Beats, list[int]]:
    """Drive ``beats`` through the component until ``expected`` beats came out.

    With a seed, valid and ready are random and the payload is checked to hold while it waits.
    Returns the output beats and the cycle of each, counted from the first cycle in which input is
    offered.
    """
    component = unit.load_component()(unit=unit)
    chance = random.Random(seed)
    out: list[list[int]] = []
    cycles: list[int] = []
    shown = deque([0] * unit.i_payload_delay)  # payloads that come behind their valid
    waits = deque([(0, 0)] * unit.o_payload_delay)  # valid and ready whose payload has yet to come

    async def bench(ctx: Any) -> None:
        position, cycle, offered, held = 0, 0, False, None
        limit = (
            1000
            + 40 * (len(beats) + expected)
            + 4
            * sum(len(p.steps) for p in unit.processes())
            * (1 + len(beats) // max(unit.i_beats, 1))
        )
        i_payload, o_payload = component.i.payload.as_value(), component.o.payload.as_value()
        while len(out) < expected or (position < len(beats)):
            assert cycle < limit, f"stuck after {position} beats in, {len(out)} of {expected} out"
            offered = position < len(beats) and (offered or seed is None or chance.random() < 0.6)
            ctx.set(component.i.valid, int(offered))
            if offered:
                shown.append(pack_elements(beats[position], unit.i.bits))
            else:
                shown.append(chance.getrandbits(unit.i.width) if seed is not None else 0)
            ctx.set(i_payload, shown.popleft())
            ready = seed is None or chance.random() < 0.6
            ctx.set(component.o.ready, int(ready))
            took = offered and ctx.get(component.i.ready)
            waits.append((ctx.get(component.o.valid), ready))
            (valid, ready), payload = waits.popleft(), ctx.get(o_payload)
            if held is not None:
                assert valid, "valid fell before the beat was taken"
                assert payload == held, "the payload changed before the beat was taken"
            held = payload if valid and not ready else None
            if valid and ready:
                out.append(unpack(payload, unit.o))
                cycles.append(cycle - unit.o_payload_delay)
            await ctx.tick()
            position += bool(took)
            offered = offered and not took
            cycle += 1
        for _ in range(20):
            ctx.set(component.i.valid, 0)
            ctx.set(component.o.ready, 1)
            assert not ctx.get(component.o.valid), "a beat more than expected"
            await ctx.tick()

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return np.array(out, dtype=np.int64).reshape(-1, unit.o.lanes), cycles


def check_unit(unit: Unit, beats: Beats, seed: int = 0) -> None:
    """Compare the component with its unit: values and cycles without back-pressure, values with it.

    ``beats``: input beats of a whole number of frames, ``(n, unit.i.lanes)``.
    """
    frames, rest = divmod(len(beats), unit.i_beats)
    assert frames
    assert not rest, f"{len(beats)} beats are not whole frames of {unit.i_beats}"
    expected = unit.reference(beats)
    assert len(expected) == frames * unit.o_beats
    out, cycles = simulate_unit(unit, beats, len(expected), None)
    np.testing.assert_array_equal(out, expected)
    predicted = unit.trace(frames).taken[-1]
    np.testing.assert_array_equal(np.array(cycles), predicted, err_msg="cycles of the output beats")
    for trial in range(2):
        out, _ = simulate_unit(unit, beats, len(expected), seed + trial)
        np.testing.assert_array_equal(
            out, expected, err_msg=f"under back-pressure, seed {seed + trial}"
        )
