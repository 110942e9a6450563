"""A board, or anything that speaks the host protocol, as an object that classifies frames."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from subbit.hw.link.hdlc import FLAG, Deframer, frame
from subbit.hw.link.protocol import MAX_BODY_BYTES, ErrorCode, Kind, LinkInfo, Message
from subbit.sw.errors import LinkError
from subbit.sw.host.packing import pack_frames, unpack_result
from subbit.sw.host.transport import Transport
from subbit.sw.ir import Network

__all__ = ["Device", "Statistics"]

READ_BYTES = 4096


@dataclass
class Statistics:
    """What happened on the line since the Device was made: counts of messages."""

    requests: int = 0
    results: int = 0
    repeats: int = 0
    timeouts: int = 0
    errors: int = 0
    damaged: int = 0


class Device:
    """The other side of ``transport``; see docs/reference/host-protocol.md.

    ``timeout_s``: silence after which outstanding requests count as lost; it must exceed the time
    of one frame's transfer, computation and response. ``retries``: how often one request is sent
    again before the Device gives up with a LinkError. Closes the transport when it is closed.
    """

    def __init__(self, transport: Transport, *, timeout_s: float = 2.0, retries: int = 5) -> None:
        self.statistics = Statistics()
        self._transport = transport
        self._timeout_s = timeout_s
        self._retries = retries
        self._deframer = Deframer(MAX_BODY_BYTES + 4)
        self._received: deque[Message] = deque()
        self._sequence = secrets.randbelow(256)
        self._info: LinkInfo | None = None
        self._heard = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    @property
    def info(self) -> LinkInfo:
        """What the board holds; asked once."""
        return self._info or self.identify()

    def identify(self) -> LinkInfo:
        """Ask what the board holds, and leave everything of earlier requests behind; raises
        LinkError.
        """
        self._received.clear()
        self._heard = 0
        for _ in range(self._retries + 1):
            sequence = self._send(Kind.IDENTIFY)
            for message in self._messages():
                if (message.kind, message.sequence) == (Kind.IDENTIFIED, sequence):
                    self._info = LinkInfo.unpack(message.body)
                    return self._info
        raise LinkError(self._silence())

    def require(self, network: Network) -> LinkInfo:
        """Raise LinkError unless the board holds ``network``."""
        info = self.info
        if info.digest != network.digest:
            raise LinkError(
                f"{self._transport.name} holds network {info.name!r} ({info.digest[:12]}), not "
                f"{network.name!r} ({network.digest[:12]}); load the right bitstream with "
                "'subbit program', or name the network that the board holds"
            )
        return info

    def infer(
        self, codes: NDArray[Any], progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Classes ``(n,)`` and logits ``(n, logits)`` of the stored numbers ``codes`` ``(n, h, w,
        c)``.

        Keeps as many requests outstanding as the board has frame buffers. ``progress`` is called
        with 1 for each result. Raises DataError where codes do not fit the board, LinkError where
        the board does not answer.
        """
        info = self.info
        bodies = pack_frames(info, codes)
        classes = np.zeros(len(codes), np.int64)
        logits = np.zeros((len(codes), info.logits), np.int64)
        run = Run(deque(range(len(codes))), {}, [0] * len(codes))
        while run.waiting or run.outstanding:
            while run.waiting and len(run.outstanding) < info.window:
                index = run.waiting.popleft()
                run.attempts[index] += 1
                run.outstanding[self._send(Kind.INFER, bodies[index].tobytes())] = index
            for index, body in self._settle(run):
                logits[index], classes[index] = unpack_result(info, body)
                self.statistics.results += 1
                if progress is not None:
                    progress(1)
        return classes, logits

    def _settle(self, run: "Run") -> Iterator[tuple[int, bytes]]:
        """Wait for one response to an outstanding request and yield its frame and result, if it is
        one.
        """
        for message in self._messages():
            if message.sequence not in run.outstanding:
                continue
            reason = "its request or its result was lost"
            if message.kind == Kind.RESULT and len(message.body) == self.info.result_bytes:
                self._repeat(run, run.before(message.sequence), reason)
                yield run.outstanding.pop(message.sequence), message.body
            else:
                if message.kind == Kind.ERROR and message.body:
                    reason = f"the board answered {error_name(message.body[0])}"
                self.statistics.errors += 1
                lost = [*run.before(message.sequence), message.sequence]
                self._repeat(run, lost, reason)
            return
        self.statistics.timeouts += 1
        self._repeat(run, list(run.outstanding), f"nothing came for {self._timeout_s:g} s")
        before = self._info
        if self.identify() != before:
            raise LinkError(f"{self._transport.name} was loaded with another network; start again")

    def _repeat(self, run: "Run", sequences: list[int], reason: str) -> None:
        indices = [run.outstanding.pop(sequence) for sequence in sequences]
        for index in indices:
            if run.attempts[index] > self._retries:
                raise LinkError(
                    f"{self._transport.name} gave no result for frame {index} in "
                    f"{run.attempts[index]} attempts ({reason}); check cable and baud rate, and "
                    "load the bitstream again"
                )
        self.statistics.repeats += len(indices)
        run.waiting.extendleft(reversed(indices))

    def _send(self, kind: Kind, body: bytes = b"") -> int:
        self._sequence = (self._sequence + 1) % 256
        self.statistics.requests += 1
        # IDENTIFY opens the line: its extra flag ends whatever was under way.
        opening = bytes([FLAG]) if kind is Kind.IDENTIFY else b""
        content = Message(kind, self._sequence, body).content()
        self._transport.write(opening + frame(content))
        return self._sequence

    def _messages(self) -> Iterator[Message]:
        """Messages as they come, for the time of one timeout: noise does not prolong it."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            while self._received:
                yield self._received.popleft()
            left = deadline - time.monotonic()
            content = self._transport.read(READ_BYTES, left) if left > 0 else b""
            if not content:
                return
            self._heard += len(content)
            parsed = [Message.parse(part) for part in self._deframer.feed(content)]
            self._received.extend(message for message in parsed if message is not None)
            self.statistics.damaged = self._deframer.damaged

    def _silence(self) -> str:
        """Why nobody identified itself."""
        if self._heard:
            return (
                f"{self._transport.name} sends bytes, but not by the host protocol; check the baud "
                "rate and load the bitstream with 'subbit program'"
            )
        return (
            f"{self._transport.name} does not answer; check that this is the board's port and load "
            "the bitstream with 'subbit program'"
        )


@dataclass
class Run:
    """State of one ``infer``: frames to send, frames outstanding by sequence number in order,
    attempts.
    """

    waiting: deque[int]
    outstanding: dict[int, int]
    attempts: list[int]

    def before(self, sequence: int) -> list[int]:
        """The outstanding requests that were sent before ``sequence``."""
        order = list(self.outstanding)
        return order[: order.index(sequence)]


def error_name(code: int) -> str:
    """The name of an error code, known or not."""
    return ErrorCode(code).name if code in set(ErrorCode) else f"error {code}"
