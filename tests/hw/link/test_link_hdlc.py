"""Framing in hardware against framing in Python."""

import random
from itertools import pairwise
from typing import Any

import pytest

from subbit.hw.link.hdlc import Deframer, crc_bytes, frame
from subbit.hw.link.hdlc_rtl import CONTENT, PIECE, HdlcDeframer, HdlcFramer
from subbit.hw.link.uart_rtl import RECEIVED
from tests.hw.link.link_streams import bits_of, receive, send, simulate

SPECIAL = bytes([0x7E, 0x7D, 0x5E, 0x5D, 0x20])


def contents(seed: int, count: int) -> list[bytes]:
    """Random contents, rich in bytes that need escapes."""
    chance = random.Random(seed)
    return [
        bytes(
            chance.choice([*SPECIAL, chance.randrange(256)]) for _ in range(chance.randrange(4, 30))
        )
        for _ in range(count)
    ]


def deframe(line: list[tuple[int, int]], chance: random.Random | None) -> list[tuple[bytes, bool]]:
    """What HdlcDeframer makes of bytes and their errors: contents with CRC, and whether good."""
    dut = HdlcDeframer()
    found: list[tuple[bytes, bool]] = []
    done = False

    async def source(ctx: Any) -> None:
        nonlocal done
        words = [bits_of(RECEIVED, data=d, error=e) for d, e in line]
        await send(ctx, dut.i, words, chance)
        done = True

    async def watch(ctx: Any) -> None:
        content = bytearray()
        while not done:
            *_, valid, payload = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid and payload.end:
                found.append((bytes(content), bool(payload.good)))
                content.clear()
            elif valid:
                content.append(payload.data)

    simulate(dut, [source, watch])
    return [(content, good) for content, good in found if content]


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_deframer_agrees_with_python(seed: int | None) -> None:
    chance = random.Random(seed)
    line = b""
    for content in contents(seed or 0, 25):
        whole = bytearray(frame(content))
        fault = chance.randrange(4)
        if fault == 1:
            whole[chance.randrange(1, len(whole) - 1)] ^= 1 << chance.randrange(8)
        if fault == 2:
            del whole[chance.randrange(1, len(whole) - 1)]
        if fault == 3:
            line += b"\x7e" + chance.randbytes(5)
        line += bytes(whole)
    good = [
        content
        for content, good in deframe([(b, 0) for b in line], chance if seed else None)
        if good
    ]
    reference = Deframer(1000, shortest=0).feed(line)
    assert good == [content + crc_bytes(content) for content in reference]
    assert 5 < len(reference) < 25


def test_deframer_marks_what_is_damaged() -> None:
    """A byte in doubt on top of a right content damages it; an escaped escape does not."""
    line = [(b, 0) for b in frame(b"good one")]
    line += [(b, int(n == 4)) for n, b in enumerate(frame(b"stop bit"))]
    line += [(b, 0) for b in frame(b"escape at the end")[:-1] + b"\x7d\x7e" + frame(b"good two")]
    whole = frame(b"one byte too many")
    line += [(b, 0) for b in whole[:5]] + [(0x00, 1)] + [(b, 0) for b in whole[5:]]
    line += [(b, 0) for b in frame(b"good ]").replace(b"]", b"\x7d\x7d")]
    found = deframe(line, None)
    assert [good for _, good in found] == [True, False, False, True, False, True]
    assert [found[k][0][:-4] for k in (0, 3, 5)] == [b"good one", b"good two", b"good ]"]


def test_deframer_takes_a_byte_in_nine_cycles() -> None:
    dut = HdlcDeframer()
    cycles = 0

    async def source(ctx: Any) -> None:
        await send(ctx, dut.i, [0x11] * 20, None)

    async def watch(ctx: Any) -> None:
        nonlocal cycles
        count = 0
        while count < 20:
            *_, valid = await ctx.tick().sample(dut.o.valid)
            count += valid
            cycles += 1

    simulate(dut, [source, watch])
    assert cycles == 19 * 9 + 1


@pytest.mark.parametrize("seed", [None, 3, 4])
def test_framer_agrees_with_python(seed: int | None) -> None:
    dut = HdlcFramer()
    sent = contents(seed or 0, 12)
    expected = b"".join(map(frame, sent))
    pieces = [
        bits_of(PIECE, data=byte, last=number == len(content) - 1)
        for content in sent
        for number, byte in enumerate(content)
    ]
    got: list[int] = []

    async def source(ctx: Any) -> None:
        await send(ctx, dut.i, pieces, random.Random(seed) if seed else None)

    async def sink(ctx: Any) -> None:
        values, cycles = await receive(
            ctx, dut.o, len(expected), random.Random(seed + 9) if seed else None
        )
        got.extend(values)
        if seed is None:
            gaps = [after - before for before, after in pairwise(cycles)]
            assert max(gaps) == 9

    simulate(dut, [source, sink])
    assert bytes(got) == expected


def test_layouts_hold_a_byte_and_its_marks() -> None:
    assert (RECEIVED.size, CONTENT.size, PIECE.size) == (9, 10, 9)
