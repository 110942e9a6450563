"""The serial receiver and transmitter at whole and broken numbers of cycles per bit."""

import random
from math import ceil
from typing import Any

import pytest

from subbit.hw.link.uart_rtl import UartRx, UartTx, phase_step
from tests.hw.link.link_streams import send, simulate

RATES = [(25_000_000, 3_000_000), (12_000_000, 3_000_000), (25_000_000, 921_600)]


def line_bits(byte: int, stop: int = 1) -> list[int]:
    return [0, *(byte >> bit & 1 for bit in range(8)), stop]


@pytest.mark.parametrize(("clock_hz", "baud"), [*RATES, (25_000_000, 115_200), (80_000_000, 9600)])
def test_phase_step_is_exact_to_a_thousandth(clock_hz: int, baud: int) -> None:
    step, bits = phase_step(clock_hz, baud)
    assert step * clock_hz / (baud << bits) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("baud", [0, -1, 6_250_001, 1])
def test_impossible_rates_are_refused(baud: int) -> None:
    with pytest.raises(ValueError, match=r"at least 4 cycles|too slow"):
        phase_step(25_000_000, baud)


@pytest.mark.parametrize(("clock_hz", "baud"), RATES)
@pytest.mark.parametrize("drift", [-0.9, 0, 0.9])
def test_receiver(clock_hz: int, baud: int, drift: float) -> None:
    """Bytes back to back and apart, from a sender at up to nine tenths of the stated tolerance."""
    cycles = clock_hz / baud
    bit = 1 / baud * (1 + drift * (cycles / 2 - 1) / (9.5 * cycles))
    chance = random.Random(baud)
    sent = [0x00, 0xFF, 0x55, *(chance.randrange(256) for _ in range(30))]
    got: list[tuple[int, int]] = []
    dut = UartRx(clock_hz=clock_hz, baud=baud)
    done = False

    async def line(ctx: Any) -> None:
        nonlocal done
        ctx.set(dut.rx, 1)
        await ctx.delay(3 * bit)
        for number, byte in enumerate(sent):
            for level in line_bits(byte):
                ctx.set(dut.rx, level)
                await ctx.delay(bit)
            if number % 3 == 0:
                await ctx.delay(chance.random() * 2 * bit)
        await ctx.delay(2 * bit)
        done = True

    async def watch(ctx: Any) -> None:
        while not done:
            *_, valid, payload = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                got.append((payload.data, payload.error))

    simulate(dut, [line, watch], sync=1 / clock_hz)
    assert got == [(byte, 0) for byte in sent]


def test_receiver_survives_disturbances_and_breaks() -> None:
    """A short pulse is no byte; a break is one byte with an error; the next byte is right."""
    bit = 1 / 3_000_000
    got: list[tuple[int, int]] = []
    dut = UartRx(clock_hz=25_000_000, baud=3_000_000)
    levels: list[tuple[int, float]] = [(1, 5), (0, 0.3), (1, 5), (0, 40), (1, 2)]
    levels += [(level, 1) for level in line_bits(0xA5)] + [(1, 3)]
    done = False

    async def line(ctx: Any) -> None:
        nonlocal done
        for level, bits in levels:
            ctx.set(dut.rx, level)
            await ctx.delay(bits * bit)
        done = True

    async def watch(ctx: Any) -> None:
        while not done:
            *_, valid, payload = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                got.append((payload.data, payload.error))

    simulate(dut, [line, watch], sync=40e-9)
    assert got == [(0, 1), (0xA5, 0)]


@pytest.mark.parametrize(("clock_hz", "baud"), RATES)
def test_transmitter(clock_hz: int, baud: int) -> None:
    """Bytes come out right, back to back, ten bits each to within a cycle over the whole run."""
    chance = random.Random(baud)
    sent = [chance.randrange(256) for _ in range(20)]
    dut = UartTx(clock_hz=clock_hz, baud=baud)
    levels: list[int] = []
    cycles = clock_hz / baud

    async def source(ctx: Any) -> None:
        await send(ctx, dut.i, sent, None)

    async def watch(ctx: Any) -> None:
        while len(levels) < (10 * len(sent) + 3) * cycles:
            levels.append(ctx.get(dut.tx))
            await ctx.tick()

    simulate(dut, [source, watch], sync=1 / clock_hz)
    start = levels.index(0)
    assert start <= ceil(cycles) + 1
    assert levels[0] == 1
    expected = [level for byte in sent for level in line_bits(byte)] + [1]
    middles = [round(start + (number + 0.5) * cycles) for number in range(len(expected))]
    assert [levels[middle] for middle in middles] == expected


def test_transmitter_keeps_pauses_at_one() -> None:
    chance = random.Random(1)
    dut = UartTx(clock_hz=12_000_000, baud=3_000_000)
    levels: list[int] = []

    async def source(ctx: Any) -> None:
        for byte in (0x00, 0x81):
            await send(ctx, dut.i, [byte], None)
            await ctx.tick().repeat(chance.randrange(50, 90))

    async def watch(ctx: Any) -> None:
        for _ in range(300):
            levels.append(ctx.get(dut.tx))
            await ctx.tick()

    simulate(dut, [source, watch], sync=1 / 12e6)
    text = "".join(map(str, levels))
    pulses = [len(pulse) for pulse in text.split("1") if pulse]
    assert pulses == [36, 4, 24]
