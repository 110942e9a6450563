"""The host's end of a line that speaks the host protocol: messages out and in, and counts."""

import secrets
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from subbit.hw.link.hdlc import FLAG, Deframer, frame
from subbit.hw.link.protocol import MAX_BODY_BYTES, Kind, Message
from subbit.sw.host.transport import Transport

__all__ = ["Line", "Statistics"]

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


class Line:
    """Sends requests with consecutive sequence numbers and finds answers among the bytes that come.

    ``heard``: bytes that have come since it was last set to 0.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.statistics = Statistics()
        self.heard = 0
        self._deframer = Deframer(MAX_BODY_BYTES + 4)
        self._received: deque[Message | None] = deque()
        self._sequence = secrets.randbelow(256)

    @property
    def name(self) -> str:
        """What the line is called."""
        return self.transport.name

    def send(self, kind: Kind, body: bytes = b"") -> int:
        """Send a request; returns its sequence number."""
        self._sequence = (self._sequence + 1) % 256
        self.statistics.requests += 1
        # IDENTIFY opens the line: its extra flag ends whatever was under way.
        opening = bytes([FLAG]) if kind is Kind.IDENTIFY else b""
        content = Message(kind, self._sequence, body).content()
        self.transport.write(opening + frame(content))
        return self._sequence

    def messages(self, timeout_s: float) -> Iterator[Message | None]:
        """Messages as they come, for ``timeout_s``: noise does not prolong it. None stands for a
        frame that came damaged.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            while self._received:
                yield self._received.popleft()
            left = deadline - time.monotonic()
            content = self.transport.read(READ_BYTES, left) if left > 0 else b""
            if not content:
                return
            self.heard += len(content)
            parsed = [Message.parse(part) for part in self._deframer.feed(content)]
            damaged = self._deframer.damaged - self.statistics.damaged
            self._received.extend(message for message in parsed if message is not None)
            self._received.extend([None] * damaged)
            self.statistics.damaged = self._deframer.damaged

    def forget(self) -> None:
        """Drop the messages that have come and were not taken."""
        self._received.clear()

    def begun(self, kind: Kind) -> bool:
        """Whether what has come of the next frame begins like a message of this kind."""
        return self._deframer.begun[:1] == bytes([kind])
