"""The contents of responses, byte for byte."""

import random
from typing import Any

import numpy as np
import pytest

from subbit.hw.link.hdlc_rtl import PIECE
from subbit.hw.link.protocol import ErrorCode, Kind, LinkInfo, Message
from subbit.hw.link.requests_rtl import ANSWER, Answer
from subbit.hw.link.responses_rtl import ResponseSender
from subbit.sw.host.packing import result_messages
from subbit.sw.ir import Encoding
from tests.hw.link.link_streams import bits_of, receive, send, simulate


def info(
    logits: int, logit_bytes: int, name: str = "some-network", part_bytes: int = 0
) -> LinkInfo:
    digest = bytes(range(0x70, 0x90)).hex()
    return LinkInfo(
        digest=digest,
        height=28,
        width=28,
        channels=1,
        bits=8,
        encoding=Encoding.BIPOLAR,
        logits=logits,
        logit_bytes=logit_bytes,
        clock_hz=78_000_000,
        name=name,
        part_bytes=part_bytes,
    )


@pytest.mark.parametrize(
    ("link", "result_bits"),
    [
        (info(10, 4), 18),
        (info(3, 4, ""), 32),
        (info(1, 4), 2),
        (info(2, 8), 48),
        (info(300, 4), 11),
        (info(7, 4, part_bytes=16), 12),
        (info(7, 4, part_bytes=12), 12),
        (info(3, 8, part_bytes=8), 40),
        (info(258, 4, "", 4), 12),
        (info(2, 4, part_bytes=400), 30),
    ],
    ids=lambda value: (
        f"{value.logits}x{value.logit_bytes}/{value.part_bytes}"
        if isinstance(value, LinkInfo)
        else ""
    ),
)
@pytest.mark.parametrize("seed", [None, 7])
def test_responses(link: LinkInfo, result_bits: int, seed: int | None) -> None:
    chance = random.Random(seed)
    owed = [Answer.IDENTIFIED, Answer.RESULT, Answer.BUSY, Answer.RESULT, Answer.BAD_CRC]
    edge = 1 << (result_bits - 1)
    results = [
        [*(random.Random(k).randrange(-edge, edge) for k in range(link.logits - 1)), low, winner]
        for low, winner in ((-edge, link.logits - 1), (edge - 1, 0))
    ]
    left = list(results)
    messages = []
    for number, answer in enumerate(owed):
        if answer is Answer.IDENTIFIED:
            messages.append(Message(Kind.IDENTIFIED, number, link.pack()))
        elif answer is Answer.RESULT:
            *logits, winner = left.pop(0)
            messages += result_messages(link, number, np.array(logits), winner)
        else:
            messages.append(Message(Kind.ERROR, number, bytes([ErrorCode[answer.name]])))
    expected = [
        (byte, position == len(message.content()) - 1)
        for message in messages
        for position, byte in enumerate(message.content())
    ]
    dut = ResponseSender(info=link, result_bits=result_bits)
    got: list[Any] = []

    async def answer_source(ctx: Any) -> None:
        words = [bits_of(ANSWER, kind=kind, sequence=number) for number, kind in enumerate(owed)]
        await send(ctx, dut.i, words, chance if seed else None)

    async def result_source(ctx: Any) -> None:
        await ctx.tick().repeat(30)
        values = [value for result in results for value in result]
        await send(ctx, dut.results, values, chance if seed else None)

    async def sink(ctx: Any) -> None:
        values, _ = await receive(ctx, dut.o, len(expected), chance if seed else None)
        got.extend(PIECE.from_bits(value) for value in values)

    simulate(dut, [answer_source, result_source, sink])
    assert [(piece.data, piece.last) for piece in got] == expected


def test_a_result_begins_when_its_first_logit_is_there() -> None:
    dut = ResponseSender(info=info(2, 4), result_bits=8)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.i.payload.kind, Answer.RESULT)
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.o.ready, 1)
        for _ in range(20):
            await ctx.tick()
            assert not ctx.get(dut.o.valid)
        ctx.set(dut.results.valid, 1)
        await ctx.tick()
        assert ctx.get(dut.o.valid)

    simulate(dut, [bench])


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_results_must_fit() -> None:
    with pytest.raises(ValueError, match="33 bits do not fit logits of 4 bytes"):
        ResponseSender(info=info(10, 4), result_bits=33)
