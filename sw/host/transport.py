"""The one interface between the host's code and whatever carries its bytes."""

import contextlib
import os
import select
import termios
import time
import tty
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from subbit.sw.errors import LinkError

__all__ = ["FileTransport", "PtyTransport", "SerialTransport", "Transport"]

WRITE_TIMEOUT_S = 10.0
WRITE_BYTES = 4096


class Transport(ABC):
    """A line that carries bytes both ways, in order, and may lose or damage some of them."""

    name: str = "the line"

    @abstractmethod
    def write(self, content: bytes) -> None:
        """Send all of ``content``; raises LinkError if the line is gone or stuck."""

    @abstractmethod
    def read(self, limit: int, timeout_s: float) -> bytes:
        """The next 1 to ``limit`` bytes, or ``b""`` if none came within ``timeout_s``; raises
        LinkError.
        """

    @abstractmethod
    def close(self) -> None:
        """Give the line back; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class FileTransport(Transport):
    """Any file descriptor that can be read, written and selected: a pseudo-terminal, a socket.

    Closes ``descriptor`` when it is closed.
    """

    def __init__(self, descriptor: int, name: str = "the line") -> None:
        self.name = name
        self._descriptor: int | None = descriptor
        os.set_blocking(descriptor, False)

    def write(self, content: bytes) -> None:
        """See Transport."""
        left = memoryview(content)
        while left:
            _, ready, _ = select.select([], [self._open()], [], WRITE_TIMEOUT_S)
            if not ready:
                raise LinkError(
                    f"{self.name} took no byte for {WRITE_TIMEOUT_S:g} s; is its other side alive?"
                )
            left = left[self._attempt(os.write, left) :]

    def read(self, limit: int, timeout_s: float) -> bytes:
        """See Transport."""
        ready, _, _ = select.select([self._open()], [], [], max(timeout_s, 0))
        if not ready:
            return b""
        content: bytes = self._attempt(os.read, limit)
        if not content:
            raise LinkError(f"{self.name} was closed by its other side; start it again")
        return content

    def close(self) -> None:
        """See Transport."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            raise LinkError(f"{self.name} is closed; open it again")
        return self._descriptor

    def _attempt(self, call: Any, argument: Any) -> Any:
        try:
            return call(self._open(), argument)
        except OSError as error:
            raise LinkError(
                f"{self.name} is gone ({error.strerror}); connect it and start again"
            ) from None


class PtyTransport(FileTransport):
    """A pseudo-terminal, by its path, in raw mode."""

    def __init__(self, path: str) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(descriptor)
        except (OSError, termios.error) as error:
            raise LinkError(f"cannot open {path} ({error.args[-1]}); is it running?") from None
        super().__init__(descriptor, path)


class SerialTransport(Transport):
    """A serial port, by its name, at ``baud``; raises LinkError, naming the ports there are, if it
    cannot open.
    """

    def __init__(self, port: str, baud: int = 3_000_000) -> None:
        # pyserial is loaded here so that protocol and simulation work where it is missing.
        import serial

        self.name = port
        self._error = serial.SerialException
        try:
            self._serial = serial.Serial(
                port, baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=True
            )
        except (serial.SerialException, ValueError, OSError) as error:
            number = getattr(error, "errno", None)
            reason = os.strerror(number) if number else str(error)
            raise LinkError(
                f"cannot open port {port} at {baud} baud ({reason}); {ports_hint()}"
            ) from None
        # The FTDI driver otherwise holds short answers back for 16 ms. Not every port can do this.
        with contextlib.suppress(Exception):
            self._serial.set_low_latency_mode(True)

    def write(self, content: bytes) -> None:
        """See Transport."""
        try:
            # The time limit holds for each piece, so that a slow line is not taken for a dead one.
            for start in range(0, len(content), WRITE_BYTES):
                self._serial.write(content[start : start + WRITE_BYTES])
        except self._error as error:
            raise LinkError(f"port {self.name} does not take bytes ({error})") from None

    def read(self, limit: int, timeout_s: float) -> bytes:
        """See Transport."""
        deadline = time.monotonic() + timeout_s
        try:
            self._serial.timeout = max(timeout_s, 0)
            first: bytes = self._serial.read(1)
            waiting = min(self._serial.in_waiting, limit - 1)
            self._serial.timeout = max(deadline - time.monotonic(), 0)
            return first + (self._serial.read(waiting) if first and waiting > 0 else b"")
        except (self._error, OSError, TypeError) as error:
            raise LinkError(
                f"port {self.name} is gone ({error}); connect it and start again"
            ) from None

    def close(self) -> None:
        """See Transport."""
        self._serial.close()


def ports_hint() -> str:
    """What to try instead of a port that does not open."""
    from serial.tools import list_ports

    names = [port.device for port in list_ports.comports()]
    if not names:
        return "no serial port was found: is the board connected?"
    return f"the ports here are {', '.join(names)}"
