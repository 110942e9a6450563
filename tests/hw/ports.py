"""Holding a component with several input or output streams to its unit."""

import random
from typing import Any

import numpy as np
from amaranth.sim import Simulator

from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.tables.packing import pack_elements
from subbit.sw.cycles import FRAME_INPUT, run
from tests.hw.harness import unpack

__all__ = ["PortsSimulation", "check_ports", "random_operands", "simulate_ports"]


class Source:
    """Drives one input stream."""

    def __init__(self, stream: Any, lanes: Lanes, beats: Beats) -> None:
        self.stream, self.lanes, self.beats = stream, lanes, beats
        self.payload, self.at, self.offered = stream.payload.as_value(), 0, False

    def offer(self, ctx: Any, chance: random.Random | None) -> None:
        left = self.at < len(self.beats)
        self.offered = left and (self.offered or chance is None or chance.random() < 0.6)
        ctx.set(self.stream.valid, int(self.offered))
        beat = pack_elements(self.beats[self.at], self.lanes.bits) if self.offered else 0
        ctx.set(self.payload, beat)

    def took(self, ctx: Any) -> bool:
        return bool(self.offered and ctx.get(self.stream.ready))

    def next(self, took: bool) -> None:
        self.at += took
        self.offered = self.offered and not took


class Sink:
    """Takes one output stream, and checks that its payload stays while it waits."""

    def __init__(self, stream: Any, lanes: Lanes) -> None:
        self.stream, self.lanes, self.payload = stream, lanes, stream.payload.as_value()
        self.held: int | None = None
        self.ready = False
        self.out: list[list[int]] = []
        self.cycles: list[int] = []

    def offer(self, ctx: Any, chance: random.Random | None) -> None:
        self.ready = chance is None or chance.random() < 0.6
        ctx.set(self.stream.ready, int(self.ready))

    def look(self, ctx: Any, cycle: int) -> None:
        valid, payload = ctx.get(self.stream.valid), ctx.get(self.payload)
        if self.held is not None:
            assert valid, "valid fell before the beat was taken"
            assert payload == self.held, "the payload changed before the beat was taken"
        self.held = payload if valid and not self.ready else None
        if valid and self.ready:
            self.out.append(unpack(payload, self.lanes))
            self.cycles.append(cycle)


class PortsSimulation:
    """The simulation of a unit's component: compiled once, and reset before each further run."""

    def __init__(self, unit: Unit) -> None:
        self._unit, self._component = unit, unit.load_component()(unit=unit)
        self._simulator = Simulator(self._component)
        self._simulator.add_clock(1e-6)
        self._simulator.add_testbench(self._bench)
        self._has_run = False

    def run(self, beats: Beats | list[Beats], expected: int, seed: int | None) -> list[Sink]:
        """Drive ``beats`` (all inputs side by side, or those of each) through the component; with a
        seed, each stream pauses in its own time. Fails where it takes too long.
        """
        self._chance = random.Random(seed) if seed is not None else None
        self._streams = beats if isinstance(beats, list) else apart(self._unit, beats)
        self._expected = expected
        if self._has_run:
            self._simulator.reset()
        self._has_run = True
        self._simulator.run()
        return self._sinks

    async def _bench(self, ctx: Any) -> None:
        chance, expected = self._chance, self._expected
        sources = [
            Source(getattr(self._component, port), lanes, beats)
            for (port, lanes), beats in zip(self._unit.inputs.items(), self._streams, strict=True)
        ]
        outputs = self._unit.outputs.items()
        sinks = [Sink(getattr(self._component, port), lanes) for port, lanes in outputs]
        ends: list[Source | Sink] = [*sources, *sinks]
        self._sinks = sinks
        for cycle in range(100 + 40 * (sum(map(len, self._streams)) + expected)):
            for end in ends:
                end.offer(ctx, chance)
            took = [source.took(ctx) for source in sources]
            for sink in sinks:
                sink.look(ctx, cycle)
            await ctx.tick()
            for source, moved in zip(sources, took, strict=True):
                source.next(moved)
            if all(len(sink.out) == expected for sink in sinks) and chance is None:
                break


def apart(unit: Unit, beats: Beats) -> list[Beats]:
    """The beats of each stream, of those of all side by side."""
    ends = np.cumsum([lanes.lanes for lanes in unit.inputs.values()])
    return np.split(beats, ends[:-1], axis=1)


def simulate_ports(
    unit: Unit, beats: Beats | list[Beats], expected: int, seed: int | None
) -> list[Sink]:
    """What :meth:`PortsSimulation.run` gives for one run."""
    return PortsSimulation(unit).run(beats, expected, seed)


def check_ports(unit: Unit, beats: Beats | list[Beats]) -> None:
    """Compare the component with its unit, as ``harness.check_unit`` does for one stream each.

    ``beats``: of all inputs side by side, or of each.
    """
    streams = beats if isinstance(beats, list) else apart(unit, beats)
    frames = len(streams[0]) // unit.i_beats
    expected, simulation = unit.joined(streams), PortsSimulation(unit)
    for seed in (None, 0, 1):
        for sink in simulation.run(beats, len(expected), seed):
            np.testing.assert_array_equal(np.array(sink.out), expected, err_msg=f"seed {seed}")
            if seed is None:
                feeds = [[FRAME_INPUT] * len(streams)]
                feeds += [[(k, 0)] for k in range(len(unit.processes()) - 1)]
                due = run(unit.processes(), frames, feeds).taken[-1]
                np.testing.assert_array_equal(np.array(sink.cycles), due)


def random_operands(unit: Unit, frames: int, seed: int = 0) -> Beats:
    """Input beats from the whole range of each stream's payload, the extremes included."""
    chance, columns = np.random.default_rng(seed), []
    for lanes in unit.inputs.values():
        low = -(1 << (lanes.bits - 1)) if lanes.signed else 0
        shape = (frames * unit.i_beats, lanes.lanes)
        column = chance.integers(low, low + (1 << lanes.bits), shape)
        column.flat[0], column.flat[-1] = low, low + (1 << lanes.bits) - 1
        columns.append(column)
    return np.hstack(columns)
