"""Results in parts over lines good and bad: nothing is lost silently, and nothing is mixed."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.hw.link.hdlc import frame
from subbit.hw.link.protocol import Kind, LinkInfo, Message
from subbit.sw.host.device import Device
from subbit.sw.host.loopback import BoardModel, Faults, LoopbackDevice
from subbit.sw.host.packing import result_messages
from subbit.sw.host.transport import Transport
from subbit.sw.ir import Encoding

LOGITS, PARTS = 40, 11
INFO = LinkInfo(
    digest="3c" * 32,
    height=2,
    width=3,
    channels=2,
    bits=4,
    encoding=Encoding.UNSIGNED,
    logits=LOGITS,
    logit_bytes=4,
    clock_hz=0,
    name="in parts",
    part_bytes=16,
)


def numbers(codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Numbers that differ for every frame, and from part to part."""
    weights = np.outer(np.arange(1, LOGITS + 1), np.arange(3, 15)) % 97 - 48
    found: NDArray[np.int64] = weights @ codes.astype(np.int64).reshape(-1)
    return found


def check(device: Device, count: int) -> None:
    codes = np.random.default_rng(count).integers(0, 16, (count, *INFO.shape))
    classes, logits = device.infer(codes)
    wanted = np.array([numbers(code) for code in codes])
    np.testing.assert_array_equal(logits, wanted)
    np.testing.assert_array_equal(classes, wanted.argmax(axis=1))


def test_good_line() -> None:
    device = Device(LoopbackDevice(BoardModel(INFO, numbers)))
    assert device.identify() == INFO
    assert INFO.parts == PARTS
    check(device, 30)
    counts = device.statistics
    assert (counts.requests, counts.results, counts.repeats) == (31, 30, 0)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(drop=0.01, seed=1),
        Faults(flip=0.01, seed=2),
        Faults(insert=0.01, seed=3),
        Faults(drop=0.01, flip=0.01, insert=0.01, seed=4),
    ],
    ids=["lost bytes", "flipped bits", "added bytes", "everything"],
)
def test_bad_lines_change_nothing_but_the_time(faults: Faults) -> None:
    """A result of 242 bytes in its frames: whole it would arrive undamaged once in eleven."""
    device = Device(LoopbackDevice(BoardModel(INFO, numbers), faults), retries=60)
    assert device.identify() == INFO
    check(device, 60)
    assert 0 < device.statistics.repeats < 60 * 12


class Scripted(Transport):
    """Passes on those parts of each request's answer that ``keep`` wants, None one damaged."""

    name = "the script"

    def __init__(self, keep: Callable[[int, int], bool | None]) -> None:
        self._board = BoardModel(INFO, numbers)
        self._keep, self._count, self._waiting = keep, -1, b""

    def write(self, content: bytes) -> None:
        """See Transport."""
        answer = self._board.feed(content)
        number = -1
        for piece in answer.split(b"\x7e"):
            if not piece:
                continue
            number += 1
            kept = True if self._count < 0 else self._keep(self._count, number)
            if kept is None:
                piece = bytes([piece[0] ^ 1]) + piece[1:]
            self._waiting += b"" if kept is False else b"\x7e" + piece + b"\x7e"
        self._count += 1

    def read(self, limit: int, timeout_s: float) -> bytes:
        """See Transport."""
        content, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return content

    def close(self) -> None:
        """See Transport."""


@pytest.mark.parametrize("part", [0, 4, PARTS - 1])
@pytest.mark.parametrize("damage", [None, False], ids=["damaged", "lost"])
def test_a_part_that_does_not_come_is_asked_for_once(part: int, damage: bool | None) -> None:
    lost = (2, part)
    device = Device(Scripted(lambda n, k: damage if (n, k) == lost else True))
    check(device, 12)
    assert (device.statistics.repeats, device.statistics.timeouts) == (1, 0)


def test_parts_of_several_answers_make_one_result() -> None:
    """Of one frame, each answer brings every third part: three make the whole."""
    device = Device(Scripted(lambda n, k: True if k % 3 == n % 3 else None))
    check(device, 1)
    assert device.statistics.requests == 4
    assert device.statistics.timeouts == 0


def test_a_damaged_last_part_of_a_lone_frame_is_noticed_without_a_timeout() -> None:
    device = Device(Scripted(lambda n, k: None if (n, k) == (0, PARTS - 1) else True))
    check(device, 1)
    assert (device.statistics.repeats, device.statistics.timeouts) == (1, 0)


def test_parts_of_another_form_are_no_result() -> None:
    """A whole RESULT, and a part of a wrong length, from a board that said it sends parts."""
    answers: list[bytes] = []

    class Wrong(LoopbackDevice):
        def write(self, content: bytes) -> None:
            super().write(content)
            if answers:
                self._waiting = b""
            answers.append(content)

        def read(self, limit: int, timeout_s: float) -> bytes:
            found = super().read(limit, timeout_s)
            if not found and len(answers) > 1:
                sequence = answers.pop()[2]
                part = result_messages(INFO, sequence, np.zeros(LOGITS, np.int64), 0)[3]
                wrong = Message(Kind.PART, sequence, part.body[:-1])
                whole = Message(Kind.RESULT, sequence, part.body)
                return frame((whole if sequence % 2 else wrong).content())
            return found

    device = Device(Wrong(BoardModel(INFO, numbers)), silences=2)
    device.identify()
    codes = np.zeros((1, *INFO.shape), np.int64)
    failures = device.answers(codes).failures
    assert "load the bitstream again" in failures[0]
    assert "bytes of type" in failures[0]
