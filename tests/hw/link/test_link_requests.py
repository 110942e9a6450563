"""What happens to each kind of request, good or bad, and that refused frames leave no trace."""

import random
from dataclasses import dataclass
from typing import Any

import pytest

from subbit.hw.link.hdlc_rtl import CONTENT
from subbit.hw.link.protocol import Kind, Message
from subbit.hw.link.requests_rtl import ANSWER, Answer, RequestParser
from tests.hw.link.link_streams import receive, simulate

SIZE = 0x104  # both bytes of the length differ from 0, and the low one from the CRC's four bytes


@dataclass
class Case:
    """A frame's content without CRC, whether its CRC is right, whether a buffer is free, the
    answer.
    """

    content: bytes
    answer: Answer | None
    good: bool = True
    room: bool = True


def infer(size: int, declared: int | None = None, kind: int = Kind.INFER) -> bytes:
    content = bytearray(Message(kind, 0x21, random.Random(size).randbytes(size)).content())
    content[2:4] = (size if declared is None else declared).to_bytes(2, "little")
    return bytes(content)


CASES = {
    "infer": Case(infer(SIZE), Answer.RESULT),
    "no room": Case(infer(SIZE), Answer.BUSY, room=False),
    "damaged": Case(infer(SIZE), Answer.BAD_CRC, good=False),
    "damaged, no room": Case(infer(SIZE), Answer.BAD_CRC, good=False, room=False),
    "short": Case(infer(SIZE - 1), Answer.BAD_LENGTH),
    "long": Case(infer(SIZE + 1), Answer.BAD_LENGTH),
    "much too long": Case(infer(3 * SIZE), Answer.BAD_LENGTH),
    "cut": Case(infer(SIZE - 1, SIZE), Answer.BAD_LENGTH),
    "stretched": Case(infer(SIZE + 1, SIZE), Answer.BAD_LENGTH),
    "wrapped round the counter": Case(infer(SIZE + 512, SIZE), Answer.BAD_LENGTH),
    "low byte of the length wrong": Case(infer(SIZE, SIZE ^ 0x01), Answer.BAD_LENGTH),
    "high byte of the length wrong": Case(infer(SIZE, SIZE ^ 0x100), Answer.BAD_LENGTH),
    "identify": Case(infer(0, kind=Kind.IDENTIFY), Answer.IDENTIFIED),
    "identify, no room": Case(infer(0, kind=Kind.IDENTIFY), Answer.IDENTIFIED, room=False),
    "identify with a body": Case(infer(1, kind=Kind.IDENTIFY), Answer.BAD_LENGTH),
    "identify with a frame": Case(infer(SIZE, kind=Kind.IDENTIFY), Answer.BAD_LENGTH),
    "identify that declares a body": Case(infer(0, 256, Kind.IDENTIFY), Answer.BAD_LENGTH),
    "identify that hides a body": Case(infer(5, 0, Kind.IDENTIFY), Answer.BAD_LENGTH),
    "infer without body": Case(infer(0), Answer.BAD_LENGTH),
    "unknown": Case(infer(SIZE, kind=3), Answer.BAD_TYPE),
    "a response": Case(infer(0, kind=Kind.IDENTIFIED), Answer.BAD_TYPE),
    "unknown and damaged": Case(infer(2, kind=3), Answer.BAD_CRC, good=False),
    "shorter than a header": Case(b"\x02\x21\x00", None, good=False),
    "empty": Case(b"", None, good=False),
}


async def feed(ctx: Any, dut: RequestParser, case: Case, chance: random.Random) -> None:
    """The pieces of a frame as the deframer gives them, with pauses between."""
    whole = case.content + (b"CRC!" if case.answer is not None else b"")
    ctx.set(dut.room, case.room)
    for byte in [*whole, None]:
        end = byte is None
        piece: Any = {"data": byte or 0, "end": end, "good": end and case.good}
        ctx.set(dut.i.payload, CONTENT.const(piece))
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        while chance.random() < 0.3:
            await ctx.tick()


class Watch:
    """The buffer that a parser fills, and what was committed."""

    def __init__(self, dut: RequestParser) -> None:
        self.dut = dut
        self.buffer: dict[int, int] = {}
        self.committed: list[bytes] = []
        self.writes_without_room = 0
        self.done = False

    async def bench(self, ctx: Any) -> None:
        while not self.done:
            *_, write, commit, room = await ctx.tick().sample(
                self.dut.write, self.dut.commit, self.dut.room
            )
            if write.en:
                self.buffer[write.offset] = write.data
                self.writes_without_room += not room
            if commit:
                self.committed.append(bytes(self.buffer[k] for k in sorted(self.buffer)))


def answers(cases: list[Case], seed: int, depth: int = 16) -> tuple[list[Any], Watch]:
    """Kinds and sequence numbers of the answers to ``cases``, and what was written."""
    dut = RequestParser(frame_bytes=SIZE, answers=depth)
    watch = Watch(dut)
    got: list[Any] = []

    async def source(ctx: Any) -> None:
        for case in cases:
            await feed(ctx, dut, case, random.Random(seed))
        await ctx.tick().repeat(4)
        owed = sum(case.answer is not None for case in cases)
        values, _ = await receive(ctx, dut.o, min(owed, depth), random.Random(seed))
        got.extend(ANSWER.from_bits(value) for value in values)
        ctx.set(dut.o.ready, 1)
        for _ in range(4):
            assert not ctx.get(dut.o.valid), "an answer too many"
            await ctx.tick()
        watch.done = True

    simulate(dut, [source, watch.bench])
    return [(answer.kind, answer.sequence) for answer in got], watch


@pytest.mark.parametrize("name", CASES)
def test_each_request_gets_its_answer_and_the_next_one_too(name: str) -> None:
    case, after = CASES[name], CASES["infer"]
    got, watch = answers([case, after], len(name))
    expected = [(c.answer, 0x21) for c in (case, after) if c.answer is not None]
    assert got == expected
    accepted = [c.content[4:] for c in (case, after) if c.answer is Answer.RESULT]
    assert watch.committed == accepted
    assert watch.writes_without_room == 0


@pytest.mark.parametrize("depth", [4, 16])
def test_what_comes_while_all_answers_wait_is_dropped_whole(depth: int) -> None:
    cases = [CASES["identify"]] * depth + [CASES["infer"], CASES["identify"]]
    got, watch = answers(cases, 1, depth)
    assert got == [(Answer.IDENTIFIED, 0x21)] * depth
    assert watch.committed == []
