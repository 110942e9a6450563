"""The host's code against the simulated host link, through a pseudo-terminal, on lines good and
bad.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.hw.link.hdlc import Deframer, frame
from subbit.hw.link.protocol import ErrorCode, Kind, LinkInfo, Message
from subbit.sw.host.device import Device
from subbit.sw.host.loopback import Faults
from subbit.sw.host.packing import pack_frames, unpack_result
from subbit.sw.host.simulated_board import SimulatedBoard
from subbit.sw.host.transport import PtyTransport, SerialTransport
from subbit.sw.ir import Encoding
from tests.hw.link.link_sums import LinkedSums, sums_of
from tests.noisy_transport import NoisyTransport

# The simulation shares its processor: only lines that lose answers need a short timeout.
TIMEOUT_S, NOISY_TIMEOUT_S = 20.0, 2.0


def info(height: int, width: int, channels: int, bits: int, window: int, logits: int) -> LinkInfo:
    encoding = Encoding.UNSIGNED
    digest = bytes(range(0x60, 0x80)).hex()
    return LinkInfo(
        digest=digest,
        height=height,
        width=width,
        channels=channels,
        bits=bits,
        encoding=encoding,
        logits=logits,
        logit_bytes=4,
        clock_hz=0,
        name="sums",
        window=window,
    )


# Accelerator and link at clocks of either order, several lanes and one, elements that leave bits
# over.
BOARDS: dict[str, tuple[LinkInfo, dict[str, Any], dict[str, Any]]] = {
    "fast accelerator, 4 bits, 3 lanes": (
        info(4, 5, 3, 4, 8, 3),
        {"lanes": 3},
        {"clock_hz": 60_000_000},
    ),
    "slow accelerator, 3 bits, two buffers": (info(3, 7, 1, 3, 2, 5), {}, {"clock_hz": 7_000_000}),
}


class Board:
    """A simulated board and what it holds."""

    def __init__(self, simulated: SimulatedBoard, link: LinkInfo) -> None:
        self.simulated = simulated
        self.info = link

    def transport(self) -> PtyTransport:
        return self.simulated.transport()

    def device(self) -> Device:
        return Device(self.transport(), timeout_s=TIMEOUT_S)

    def codes(self, count: int, seed: int) -> NDArray[np.int64]:
        shape = (count, *self.info.shape)
        return np.random.default_rng(seed).integers(0, 1 << self.info.bits, shape)

    def check(self, device: Device, count: int, seed: int) -> None:
        codes = self.codes(count, seed)
        classes, logits = device.infer(codes)
        expected = sums_of(self.info, codes)
        np.testing.assert_array_equal(logits, expected[1])
        np.testing.assert_array_equal(classes, expected[0])

    def check_alive(self, seed: int = 0) -> None:
        """A new host, after whatever there was, gets everything right without a repeat."""
        with self.device() as device:
            assert device.identify() == self.info
            self.check(device, 5, seed)
            assert device.statistics.repeats == 0


@pytest.fixture(scope="module", params=BOARDS)
def board(request: pytest.FixtureRequest, models: Path) -> Iterator[Board]:
    link, options, clocks = BOARDS[request.param]
    component = LinkedSums(info=link, **options)
    with SimulatedBoard(component, name="sums", models=models, **clocks) as simulated:
        yield Board(simulated, link)


def test_good_line_with_the_window_full(board: Board) -> None:
    with board.device() as device:
        assert device.identify() == board.info
        board.check(device, 40, 1)
        counts = device.statistics
        assert (counts.requests, counts.results, counts.repeats) == (41, 40, 0)


def test_a_serial_port_is_a_transport_too(board: Board) -> None:
    with Device(SerialTransport(board.simulated.path), timeout_s=TIMEOUT_S) as device:
        board.check(device, 5, 2)


@pytest.mark.parametrize("seed", range(3))
def test_garbage_before_and_between(board: Board, seed: int) -> None:
    chance = random.Random(seed)
    with board.transport() as line:
        line.write(chance.randbytes(400))
    with board.device() as device:
        board.check(device, 4, seed)
        device._line.transport.write(chance.randbytes(400).replace(b"\x7e", b"") + b"\x7e")
        board.check(device, 4, seed)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(drop=0.002, seed=1),
        Faults(flip=0.002, seed=2),
        Faults(insert=0.002, seed=3),
        Faults(drop=0.001, flip=0.001, insert=0.001, seed=4),
    ],
    ids=["lost bytes", "flipped bits", "added bytes", "everything"],
)
def test_bad_lines_change_nothing_but_the_time(board: Board, faults: Faults) -> None:
    noisy = NoisyTransport(board.transport(), faults)
    with Device(noisy, timeout_s=NOISY_TIMEOUT_S, retries=30) as device:
        assert device.identify() == board.info
        board.check(device, 60, faults.seed)
        assert device.statistics.repeats > 0
    board.check_alive(faults.seed)


class Wire:
    """The line as raw requests and parsed answers."""

    def __init__(self, board: Board) -> None:
        self.line = board.transport()
        self.deframer = Deframer(1000)
        self.waiting: list[Message] = []

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def write(self, content: bytes) -> None:
        self.line.write(content)

    def next(self) -> Message:
        """The next answer."""
        while not self.waiting:
            received = self.line.read(1000, TIMEOUT_S)
            assert received, "no answer came"
            parsed = [Message.parse(part) for part in self.deframer.feed(received)]
            assert None not in parsed
            self.waiting = [message for message in parsed if message is not None]
        assert self.deframer.damaged == 0
        return self.waiting.pop(0)


def marked(board: Board) -> tuple[bytes, bytes, Message]:
    """An INFER as content and as it travels, and its RESULT."""
    codes = board.codes(1, 99)
    body = pack_frames(board.info, codes)[0].tobytes()
    content = Message(Kind.INFER, 0x33, body).content()
    classes, logits = sums_of(board.info, codes)
    result = logits[0].astype("<i4").tobytes() + int(classes[0]).to_bytes(2, "little")
    return content, frame(content), Message(Kind.RESULT, 0x33, result)


def test_a_damaged_frame_never_passes_and_the_next_one_does(board: Board) -> None:
    """One bit flipped, one byte lost, one byte doubled, the end cut off: at many places each."""
    _, whole, result = marked(board)
    chance = random.Random(5)
    with Wire(board) as line:
        for place in chance.sample(range(1, len(whole) - 1), 12):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << chance.randrange(8)
            for damaged in (
                bytes(flipped),
                whole[:place] + whole[place + 1 :],
                whole[:place] + whole[place : place + 1] + whole[place:],
                whole[:place],
            ):
                line.write(damaged + b"\x7e" + whole)
                refusals = 0
                while (answer := line.next()) != result:
                    assert answer.kind == Kind.ERROR, (place, damaged)
                    refusals += 1
                assert refusals <= 2
    board.check_alive()


def test_refusals_say_why(board: Board) -> None:
    content, _, result = marked(board)
    identify = Message(Kind.IDENTIFY, 0x44).content()
    requests = {
        frame(content)[:-2] + b"\x00\x7e": ErrorCode.BAD_CRC,
        frame(content[:-1]): ErrorCode.BAD_LENGTH,
        frame(content + b"\x00"): ErrorCode.BAD_LENGTH,
        frame(content + bytes(3000)): ErrorCode.BAD_LENGTH,
        frame(content[:2] + b"\x00\x00" + content[4:]): ErrorCode.BAD_LENGTH,
        frame(identify + b"\x00"): ErrorCode.BAD_LENGTH,
        frame(b"\x77" + content[1:]): ErrorCode.BAD_TYPE,
        frame(b"\x82" + content[1:]): ErrorCode.BAD_TYPE,
    }
    with Wire(board) as line:
        for request, code in requests.items():
            line.write(b"\x7e" + request)
            answer = line.next()
            assert (answer.kind, answer.body) == (Kind.ERROR, bytes([code])), code
        line.write(frame(content) + frame(identify))
        assert line.next() == result
        assert line.next() == Message(Kind.IDENTIFIED, 0x44, board.info.pack())


def test_more_requests_than_buffers_are_refused_and_do_no_harm(board: Board) -> None:
    """Answers come in order, each one a right RESULT or BUSY; past sixteen waiting, none come."""
    codes = board.codes(40, 7)
    bodies = pack_frames(board.info, codes)
    _, logits = sums_of(board.info, codes)
    with Wire(board) as line:
        for number, body in enumerate(bodies):
            line.write(frame(Message(Kind.INFER, number, body.tobytes()).content()))
        got = [line.next()]
        while got[-1].sequence != len(codes) - 1:
            got.append(line.next())
    numbers = [message.sequence for message in got]
    assert numbers == sorted(numbers)
    results = [message for message in got if message.kind == Kind.RESULT]
    assert len(results) > 5
    for message in results:
        np.testing.assert_array_equal(
            unpack_result(board.info, message.body)[0], logits[message.sequence]
        )
    assert all(m.body == bytes([ErrorCode.BUSY]) for m in got if m.kind != Kind.RESULT)
    board.check_alive()


@pytest.mark.parametrize("seed", range(4))
def test_a_host_may_vanish_at_any_moment(board: Board, seed: int) -> None:
    """Gone in the middle of a request, with others unanswered; the next host notices nothing."""
    _, whole, _ = marked(board)
    with board.transport() as line:
        line.write(2 * whole + whole[: random.Random(seed).randrange(1, len(whole))])
        line.read(1, TIMEOUT_S)
    board.check_alive(seed)
