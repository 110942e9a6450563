"""A board, or anything that speaks the host protocol, as an object that classifies frames."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from subbit.hw.link.protocol import Kind, LinkInfo
from subbit.sw.errors import LinkError
from subbit.sw.host.call import OPENINGS, Answers, Call, Patience
from subbit.sw.host.flight import Flight
from subbit.sw.host.line import Line, Statistics
from subbit.sw.host.packing import pack_frames
from subbit.sw.host.transport import Transport
from subbit.sw.ir import Network

__all__ = ["Answers", "Device", "Statistics"]


class Device:
    """The other side of ``transport``; see docs/reference/host-protocol.md.

    ``timeout_s``: silence after which outstanding requests count as lost; it should exceed the time
    of one frame's transfer, computation and response; later answers are still taken. ``retries``:
    how often one frame is sent again because it or its answer was damaged. ``silences``: how many
    timeouts in a row, and how many refusals of one undamaged frame, are borne. Closes the transport
    when it is closed.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout_s: float = 2.0,
        retries: int = 500,
        silences: int = 5,
    ) -> None:
        self._line = Line(transport)
        self._patience = Patience(timeout_s, retries, min(silences, retries))
        self._flight = Flight()
        self._info: LinkInfo | None = None

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
        self._line.transport.close()

    @property
    def statistics(self) -> Statistics:
        """What happened on the line since the Device was made."""
        return self._line.statistics

    @property
    def info(self) -> LinkInfo:
        """What the board holds; asked once."""
        return self._info or self.identify()

    def identify(self) -> LinkInfo:
        """Ask what the board holds, and leave everything of earlier requests behind; raises
        LinkError.
        """
        self._line.forget()
        self._line.heard = silences = tries = 0
        mine: set[int] = set()
        while silences <= self._patience.silences and tries <= OPENINGS:
            mine.add(self._line.send(Kind.IDENTIFY))
            tries += 1
            for message in self._line.messages(self._patience.timeout_s):
                if message is None:  # perhaps the answer: ask again at once
                    break
                if message.kind == Kind.IDENTIFIED and message.sequence in mine:
                    self._flight = Flight()
                    self._info = LinkInfo.unpack(message.body)
                    return self._info
            else:
                silences += 1
        raise LinkError(self._silence(tries - silences))

    def require(self, network: Network) -> LinkInfo:
        """Raise LinkError unless the board holds ``network``."""
        info = self.info
        if info.digest != network.digest:
            raise LinkError(
                f"{self._line.name} holds network {info.name!r} ({info.digest[:12]}), not "
                f"{network.name!r} ({network.digest[:12]}); load the right bitstream with "
                "'subbit program', or name the network that the board holds"
            )
        return info

    def infer(
        self, codes: NDArray[Any], progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Classes ``(n,)`` and logits ``(n, logits)`` of the stored numbers ``codes`` ``(n, h, w,
        c)``.

        ``progress`` is called with 1 for each result. Raises DataError where codes do not fit the
        board, LinkError where a frame has no result; ``answers`` keeps those of the others.
        """
        answers = self.answers(codes, progress)
        if answers.failures:
            first, lost = answers.failures[min(answers.failures)], len(answers.failures)
            raise LinkError(f"{first} ({lost} of {len(codes)} frames have no result)")
        return answers.classes, answers.logits

    def answers(
        self, codes: NDArray[Any], progress: Callable[[int], None] | None = None
    ) -> Answers:
        """As ``infer``, but a frame without a result is told of in ``failures`` and does not take
        the others' results along.

        Keeps as many requests outstanding as the board has frame buffers. Raises DataError where
        codes do not fit the board, LinkError where the board does not identify itself at the start.
        """
        bodies = pack_frames(self.info, codes)
        call = Call(self._line, self.info, self._flight, self._patience)
        return call.run(bodies, progress or (lambda count: None))

    def _silence(self, damaged: int) -> str:
        """Why nobody identified itself; ``damaged``: how many answers came damaged."""
        name, heard = self._line.name, self._line.heard
        if self._line.begun(Kind.IDENTIFIED):
            return (
                f"{name} answers by the host protocol, but too slowly: {heard} bytes came in "
                f"{(self._patience.silences + 1) * self._patience.timeout_s:g} s; allow more time "
                "for an answer"
            )
        if damaged > self._patience.silences:
            return (
                f"{name} sends damaged answers only; check the baud rate, the cable, and load the "
                "bitstream with 'subbit program'"
            )
        if heard:
            return (
                f"{name} sends bytes, but not by the host protocol; check the baud rate and load "
                "the bitstream with 'subbit program'"
            )
        return (
            f"{name} does not answer; check that this is the board's port and load the bitstream "
            "with 'subbit program'"
        )
