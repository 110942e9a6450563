"""A board in pure Python that speaks the host protocol, with a line as bad as one wants."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.hw.link.hdlc import CRC_BYTES, ESCAPE, FLAG, FLIP, crc_bytes, frame
from subbit.hw.link.protocol import HEADER_BYTES, ErrorCode, Kind, LinkInfo, Message
from subbit.sw.host.packing import result_messages, unpack_frame
from subbit.sw.host.transport import Transport

__all__ = ["BoardModel", "Faults", "LoopbackDevice", "NoisyLine"]

Classify = Callable[[NDArray[np.uint8]], NDArray[Any]]


@dataclass(frozen=True)
class Faults:
    """Chances, for each byte on the line, that it is lost, has one bit flipped, or is preceded by a
    random byte.
    """

    drop: float = 0.0
    flip: float = 0.0
    insert: float = 0.0
    seed: int = 0


class NoisyLine:
    """One direction of a line with ``faults``."""

    def __init__(self, faults: Faults, direction: int) -> None:
        self._faults = faults
        self._chance = random.Random(2 * faults.seed + direction)

    def carry(self, content: bytes) -> bytes:
        """What arrives of ``content``."""
        arrived = bytearray()
        for byte in content:
            if self._chance.random() < self._faults.insert:
                arrived.append(self._chance.randrange(256))
            if self._chance.random() < self._faults.drop:
                continue
            flip = self._chance.random() < self._faults.flip
            arrived.append(byte ^ (flip << self._chance.randrange(8)))
        return bytes(arrived)


class BoardModel:
    """What the hardware does with each byte, without its timing: never BUSY, every response at
    once.

    ``classify`` computes logits ``(logits,)`` of stored numbers ``(height, width, channels)``.
    ``frames`` holds every frame that the accelerator has seen.
    """

    def __init__(self, info: LinkInfo, classify: Classify) -> None:
        self.info = info
        self.frames: list[NDArray[np.uint8]] = []
        self._classify = classify
        self._content = bytearray()
        self._escaped = False

    def feed(self, received: bytes) -> bytes:
        """The bytes that ``received`` makes the board send."""
        sent = b""
        for byte in received:
            if byte == FLAG:
                sent += self._end()
            elif self._escaped:
                self._content.append(byte ^ FLIP)
                self._escaped = False
            elif byte == ESCAPE:
                self._escaped = True
            else:
                self._content.append(byte)
        return sent

    def _end(self) -> bytes:
        whole, escaped = bytes(self._content), self._escaped
        self._content.clear()
        self._escaped = False
        if len(whole) < HEADER_BYTES + CRC_BYTES:
            return b""
        content, crc = whole[:-CRC_BYTES], whole[-CRC_BYTES:]
        damaged = escaped or crc != crc_bytes(content)
        responses = self._respond(content, damaged)
        return b"".join(frame(message.content()) for message in responses)

    def _respond(self, content: bytes, damaged: bool) -> list[Message]:
        kind, sequence, declared = content[0], content[1], int.from_bytes(content[2:4], "little")
        body = content[HEADER_BYTES:]
        lengths = {Kind.IDENTIFY: 0, Kind.INFER: self.info.frame_bytes}
        code = None
        if damaged:
            code = ErrorCode.BAD_CRC
        elif kind not in lengths:
            code = ErrorCode.BAD_TYPE
        elif not len(body) == declared == lengths[Kind(kind)]:
            code = ErrorCode.BAD_LENGTH
        if code is not None:
            return [Message(Kind.ERROR, sequence, bytes([code]))]
        if kind == Kind.IDENTIFY:
            return [Message(Kind.IDENTIFIED, sequence, self.info.pack())]
        codes = unpack_frame(self.info, body)
        self.frames.append(codes)
        logits = np.asarray(self._classify(codes), np.int64)
        return result_messages(self.info, sequence, logits, int(logits.argmax()))


class LoopbackDevice(Transport):
    """A transport with a BoardModel on its other side and ``faults`` in both directions.

    Reading returns at once, also where nothing waits: what is not there yet never comes.
    """

    name = "the loopback"

    def __init__(self, board: BoardModel, faults: Faults | None = None) -> None:
        self.board = board
        self._there = NoisyLine(faults or Faults(), 0)
        self._back = NoisyLine(faults or Faults(), 1)
        self._waiting = b""

    def write(self, content: bytes) -> None:
        """See Transport."""
        self._waiting += self._back.carry(self.board.feed(self._there.carry(content)))

    def read(self, limit: int, timeout_s: float) -> bytes:
        """See Transport."""
        content, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return content

    def close(self) -> None:
        """See Transport; nothing is held."""
