"""Packets of any length give whole frames, one marked or sound result each, and resets lose none
half.
"""

import random
from typing import Any

import pytest
from amaranth.hdl import Cat, Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from subbit.hw.contract.unit import Lanes
from subbit.hw.ip.buses_rtl import PacketSignature
from subbit.hw.ip.framing_rtl import PacketGuard, ResultPackets
from subbit.hw.ip.shape import CoreShape
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.hw.streams.width_rtl import Downsize, Upsize

BEATS, PARTS = 6, 3
SHAPE = CoreShape(i=Lanes(1, 4), o=Lanes(2, 4), i_beats=BEATS, o_beats=PARTS, in_flight=2)


class Framed(wiring.Component):
    """An accelerator that gives its frames back, three beats of two elements, between a guard and
    what makes packets.
    """

    i: Any
    o: Any
    clear: Signal
    early: Signal
    late: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(PacketSignature(8)),
                "o": Out(PacketSignature(8, marked=True)),
                **{"clear": In(1), "early": Out(1), "late": Out(1)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        join = Upsize(unit=UpsizeUnit(element=Lanes(1, 4), ratio=BEATS, beats=BEATS))
        split = Downsize(unit=DownsizeUnit(element=Lanes(BEATS, 4), ratio=PARTS, beats=1))
        m.submodules.join = ResetInserter(self.clear)(join)
        m.submodules.split = ResetInserter(self.clear)(split)
        m.submodules.guard = guard = PacketGuard(shape=SHAPE)
        m.submodules.results = results = ResultPackets(shape=SHAPE)
        wiring.connect(m, wiring.flipped(self.i), guard.i)
        wiring.connect(m, guard.o, join.i)
        wiring.connect(m, join.o, split.i)
        wiring.connect(m, split.o, results.i)
        wiring.connect(m, results.o, wiring.flipped(self.o))
        m.d.comb += [
            guard.hold.eq(results.hold),
            guard.clear.eq(self.clear),
            results.clear.eq(self.clear),
            results.ended.eq(guard.ended),
            results.damaged.eq(guard.damaged),
            self.early.eq(guard.early),
            self.late.eq(guard.late),
        ]
        return m


class Run:
    """Packets through Framed: ``results``, each its beats and whether it was marked, ``counted``
    errors, and the cycle of each last beat.
    """

    def __init__(
        self, packets: list[list[int]], seed: int | None, clear_at: int | None = None
    ) -> None:
        self.dut = Framed()
        self.packets, self.chance, self.clear_at = packets, random.Random(seed), clear_at
        self.always = seed is None
        self.results: list[tuple[list[int], int]] = []
        self.counted, self.ends, self.taken = [0, 0], [], 0
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self.bench)
        simulator.run()

    async def bench(self, ctx: Any) -> None:
        dut, beats, held = self.dut, [], None
        flat = [(x, k == len(p) - 1) for p in self.packets for k, x in enumerate(p)]
        position, offered, cycle, idle = 0, False, 0, 0
        seen_all = Cat(dut.o.data, dut.o.last, dut.o.error)
        while idle < 40:
            offers = offered or self.always or self.chance.random() < 0.6
            offered = position < len(flat) and offers
            value, last = flat[position] if offered else (self.chance.getrandbits(4), 0)
            ready = self.always or self.chance.random() < 0.5
            ctx.set(dut.i.valid, offered)
            ctx.set(dut.i.data, value)
            ctx.set(dut.i.last, last)
            ctx.set(dut.o.ready, ready)
            ctx.set(dut.clear, cycle == self.clear_at)
            self.counted[0] += ctx.get(dut.early)
            self.counted[1] += ctx.get(dut.late)
            number = ctx.get(seen_all)
            seen = [number & 0xFF, number >> 8 & 1, number >> 9]
            valid = ctx.get(dut.o.valid)
            if held:
                assert valid, "valid fell before the beat was taken"
                assert seen == held, "a beat changed before it was taken"
            held = seen if valid and not ready else None
            if valid and ready:
                beats.append(seen[0])
                if seen[1]:
                    self.results.append((beats, seen[2]))
                    self.ends.append(cycle)
                    beats = []
            taken = offered and ctx.get(dut.i.ready)
            await ctx.tick()
            position, offered, cycle = position + taken, offered and not taken, cycle + 1
            idle = 0 if taken or valid else idle + 1
        assert position == len(flat), f"stuck at beat {position} of {len(flat)}"
        assert not beats, "a result without an end"


def packet(chance: random.Random, length: int) -> list[int]:
    return [chance.getrandbits(4) for _ in range(length)]


def result(frame: list[int]) -> list[int]:
    return [a | b << 4 for a, b in zip(frame[::2], frame[1::2], strict=True)]


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_each_packet_gives_one_result(seed: int | None) -> None:
    chance = random.Random(seed or 9)
    lengths = [chance.choice([BEATS, BEATS, BEATS, 1, BEATS - 1, BEATS + 1, 20]) for _ in range(40)]
    packets = [packet(chance, length) for length in lengths]
    run = Run(packets, seed)
    assert len(run.results) == len(packets)
    for sent, (beats, marked) in zip(packets, run.results, strict=True):
        assert marked == (len(sent) != BEATS)
        assert beats[-1] == SHAPE.damaged if marked else beats == result(sent)
    assert tuple(run.counted) == SHAPE.errors(lengths)
    assert min(run.counted) > 0


def test_sound_frames_come_at_full_rate() -> None:
    run = Run([packet(random.Random(5), BEATS) for _ in range(8)], None)
    assert {later - end for end, later in zip(run.ends, run.ends[1:], strict=False)} == {BEATS}


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize("clear_at", [3, 6, 9, 10, 11, 13, 14, 40])
def test_a_soft_reset_leaves_nothing_half(seed: int | None, clear_at: int) -> None:
    chance = random.Random(clear_at)
    packets = [packet(chance, BEATS) for _ in range(12)]
    run = Run(packets, seed, clear_at)
    sound = [beats for beats, marked in run.results if not marked]
    # Those before and those after the reset, in order, and none twice or made up.
    places = [packets.index(p) for p in packets if result(p) in sound]
    assert sound == [result(packets[place]) for place in places]
    assert sum(marked for _, marked in run.results) <= 1
    assert run.counted == [0, 0]
    assert places[-4:] == [8, 9, 10, 11]
