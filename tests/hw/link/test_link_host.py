"""The whole link at full rate: with two requests outstanding, the line to the board never rests."""

from typing import Any

import numpy as np
import pytest

from subbit.hw.link.hdlc import Deframer, frame
from subbit.hw.link.host_link_rtl import HostLink
from subbit.hw.link.protocol import Kind, LinkInfo, Message
from subbit.sw.host.packing import pack_frames, pack_result
from subbit.sw.ir import Encoding
from tests.hw.link.link_streams import simulate
from tests.hw.link.link_sums import WIDTH, LinkedSums, sums_of

CLOCK_HZ, BAUD = 25_000_000, 3_000_000
BIT_S = 1 / BAUD


def info(**changes: Any) -> LinkInfo:
    fields = {"height": 8, "width": 8, "channels": 1, "bits": 8, "logits": 3, "window": 2}
    return LinkInfo(
        digest="5a" * 32,
        encoding=Encoding.UNSIGNED,
        logit_bytes=4,
        clock_hz=0,
        name="full rate",
        **(fields | changes),
    )


class Host:
    """Sends request ``k + 2`` once it has the answer to request ``k``; times in link cycles."""

    def __init__(self, dut: LinkedSums, requests: list[bytes]) -> None:
        self.dut, self.requests = dut, requests
        self.answers: list[bytes] = []
        self.sent_at: list[tuple[int, int]] = []
        self.cycle = 0
        self.received = bytearray()

    async def send(self, ctx: Any) -> None:
        ctx.set(self.dut.rx, 1)
        await ctx.delay(20 * BIT_S)
        for number, request in enumerate(self.requests):
            while len(self.answers) < number - 1:
                await ctx.delay(BIT_S / 8)
            began = self.cycle
            for byte in request:
                for level in (0, *(byte >> bit & 1 for bit in range(8)), 1):
                    ctx.set(self.dut.rx, level)
                    await ctx.delay(BIT_S)
            self.sent_at.append((began, self.cycle))

    async def count(self, ctx: Any) -> None:
        while len(self.answers) < len(self.requests):
            await ctx.tick("link")
            self.cycle += 1

    async def receive(self, ctx: Any) -> None:
        deframer = Deframer(1000)
        while len(self.answers) < len(self.requests):
            await ctx.negedge(self.dut.tx)
            await ctx.delay(1.5 * BIT_S)
            byte = 0
            for bit in range(8):
                byte |= ctx.get(self.dut.tx) << bit
                await ctx.delay(BIT_S)
            assert ctx.get(self.dut.tx) == 1
            self.received.append(byte)
            self.answers += deframer.feed(bytes([byte]))


def test_the_line_is_the_only_limit() -> None:
    link = info()
    codes = np.random.default_rng(1).integers(0, 256, (5, *link.shape))
    requests = [
        frame(Message(Kind.INFER, number, body.tobytes()).content())
        for number, body in enumerate(pack_frames(link, codes))
    ]
    host = Host(LinkedSums(info=link, clock_hz=CLOCK_HZ, baud=BAUD), requests)
    simulate(host.dut, [host.send, host.receive, host.count], sync=20e-9, link=1 / CLOCK_HZ)

    classes, logits = sums_of(link, codes)
    expected = [
        Message(Kind.RESULT, number, pack_result(link, row, int(winner))).content()
        for number, (row, winner) in enumerate(zip(logits, classes, strict=True))
    ]
    assert host.answers == expected
    assert bytes(host.received) == b"".join(map(frame, expected))
    sent_bytes = sum(map(len, requests))
    took = host.sent_at[-1][1] - host.sent_at[0][0]
    assert sent_bytes * CLOCK_HZ / took == pytest.approx(BAUD / 10, rel=0.001)


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lanes": 5}, "5 lanes do not divide a frame of 64 elements"),
        ({"baud": 7_000_000}, "at least 4 cycles"),
        ({"result_bits": 40}, "40 bits do not fit"),
    ],
)
def test_impossible_links_are_refused(changes: dict[str, int], message: str) -> None:
    arguments: dict[str, Any] = {"clock_hz": CLOCK_HZ, "baud": BAUD, "result_bits": WIDTH}
    with pytest.raises(ValueError, match=message):
        HostLink(info=info(), **(arguments | changes))
