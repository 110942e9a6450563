"""Frame buffers: whole frames, in order, whatever the clocks, lanes and widths."""

import random
from typing import Any

import numpy as np
import pytest

from subbit.hw.link.buffer import ONE_REGISTER_BITS
from subbit.hw.link.buffer_rtl import FrameBuffer
from subbit.hw.link.protocol import LinkInfo
from subbit.sw.host.packing import pack_frames
from subbit.sw.ir import Encoding
from tests.hw.link.link_streams import receive, simulate


def info(width: int, channels: int, bits: int, window: int = 2) -> LinkInfo:
    return LinkInfo(
        digest="00" * 32,
        height=1,
        width=width,
        channels=channels,
        bits=bits,
        encoding=Encoding.UNSIGNED,
        logits=2,
        logit_bytes=4,
        clock_hz=1,
        name="buffer",
        window=window,
    )


def buffer(link: LinkInfo, lanes: int) -> FrameBuffer:
    return FrameBuffer(info=link, lanes=lanes, w_domain="link", r_domain="sync")


async def write(ctx: Any, dut: FrameBuffer, body: bytes, chance: random.Random) -> None:
    """Write a frame where there is room, after parts of others that are not committed."""
    while not ctx.get(dut.room):
        await ctx.tick("link")
    wrong = chance.randbytes(chance.randrange(len(body)))
    for part in (wrong, body):
        for offset, byte in enumerate(part):
            ctx.set(dut.write.offset, offset)
            ctx.set(dut.write.data, byte)
            ctx.set(dut.write.en, 1)
            await ctx.tick("link")
            ctx.set(dut.write.en, 0)
            while chance.random() < 0.3:
                await ctx.tick("link")
    ctx.set(dut.commit, 1)
    await ctx.tick("link")
    ctx.set(dut.commit, 0)


@pytest.mark.parametrize(
    ("link", "lanes"),
    [
        (info(7, 1, 8), 1),
        (info(4, 3, 8), 3),
        (info(8, 2, 8, 4), 4),
        (info(11, 1, 1), 1),
        (info(20, 1, 1), 4),
        (info(6, 3, 1), 6),
        (info(5, 5, 1), 5),
        (info(9, 2, 2, 8), 2),
        (info(5, 2, 3), 2),
        (info(7, 1, 4), 7),
        (info(1, 1, 8), 1),
        (info(1, 3, 4), 1),
        # Several pixels, rows and whole frames: in one register from 65 bits on.
        (info(8, 3, 8), 12),
        (info(16, 1, 8), 16),
        (info(9, 1, 8), 9),
        (info(70, 1, 1), 70),
        (info(96, 1, 1), 96),
        (info(41, 1, 2), 41),
        (info(6, 4, 3), 24),
        (info(17, 1, 5, 4), 17),
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [None, 6])
@pytest.mark.parametrize("link_period", [0.3, 4.1])
def test_frames_pass_whole(
    link: LinkInfo, lanes: int, seed: int | None, link_period: float
) -> None:
    codes = np.random.default_rng(1).integers(0, 1 << link.bits, (9, *link.shape))
    chance = random.Random(seed)
    dut = buffer(link, lanes)

    async def source(ctx: Any) -> None:
        for body in pack_frames(link, codes):
            await write(ctx, dut, body.tobytes(), chance)

    async def sink(ctx: Any) -> None:
        beats = codes.reshape(-1, lanes)
        expected = [sum(int(e) << link.bits * k for k, e in enumerate(beat)) for beat in beats]
        values, _ = await receive(ctx, dut.o, len(expected), chance if seed else None)
        assert values == expected
        ctx.set(dut.o.ready, 1)
        for _ in range(20):
            await ctx.tick()
            assert not ctx.get(dut.o.valid), "a beat too many"

    simulate(dut, [source, sink], sync=1e-6, link=link_period * 1e-6)


@pytest.mark.parametrize("window", [2, 4])
def test_room_is_for_as_many_frames_as_the_window(window: int) -> None:
    link = info(3, 1, 8, window)
    dut = buffer(link, 1)

    async def bench(ctx: Any) -> None:
        for count in range(window):
            assert ctx.get(dut.room), count
            await write(ctx, dut, bytes([count] * 3), random.Random(1))
        await ctx.tick("link").repeat(20)
        assert not ctx.get(dut.room)
        # Two bytes are read ahead, so the third and last one is when the first is taken.
        await receive(ctx, dut.o, 1, None)
        await ctx.tick("link").repeat(5)
        assert ctx.get(dut.room)

    simulate(dut, [bench], sync=1e-6, link=1e-6)


@pytest.mark.parametrize(
    ("link", "lanes", "interval"),
    [
        (info(6, 2, 8), 1, 1),
        (info(6, 2, 8), 3, 3),
        (info(8, 2, 1), 4, 1),
        (info(8, 3, 1), 6, 3),
        (info(7, 1, 4), 1, 1),
        (info(12, 1, 8), 12, 12),
        (info(96, 1, 1), 96, 12),
        (info(45, 1, 2), 45, 45),
    ],
)
def test_latency_and_interval_are_those_stated(link: LinkInfo, lanes: int, interval: int) -> None:
    dut = buffer(link, lanes)
    cycles: list[int] = []

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            await write(ctx, dut, bytes(link.frame_bytes), random.Random(1))
        await ctx.tick().repeat(20)
        _, taken = await receive(ctx, dut.o, 2 * link.elements // lanes, None)
        gaps = np.diff(taken)
        # Where beats are joined from parts, the first two waited and were ready together; in one
        # register only the first one waits.
        together = 2 if interval > 1 else 1
        settled = gaps if lanes * link.bits > ONE_REGISTER_BITS else gaps[together:]
        assert len(settled)
        assert (settled == interval).all(), gaps
        ctx.set(dut.o.ready, 1)
        await ctx.tick().repeat(20)
        await write(ctx, dut, bytes(link.frame_bytes), random.Random(1))
        while not ctx.get(dut.o.valid):
            await ctx.tick()
            cycles.append(0)

    simulate(dut, [bench], sync=1e-6, link=1e-6)
    # Both clocks have one period; the cycle of the link's domain is in write().
    assert len(cycles) == 4 + (interval if interval > 1 else 0)


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_lanes_must_divide_the_frame() -> None:
    with pytest.raises(ValueError, match="4 lanes do not divide a frame of 6 elements"):
        buffer(info(6, 1, 8), 4)
