"""A transport that damages what another one carries."""

from subbit.sw.host.loopback import Faults, NoisyLine
from subbit.sw.host.transport import Transport

__all__ = ["NoisyTransport"]


class NoisyTransport(Transport):
    """``inner`` with ``faults`` in both directions; closes it when it is closed."""

    def __init__(self, inner: Transport, faults: Faults) -> None:
        self.name = inner.name
        self._inner = inner
        self._there = NoisyLine(faults, 0)
        self._back = NoisyLine(faults, 1)

    def write(self, content: bytes) -> None:
        """See Transport."""
        self._inner.write(self._there.carry(content))

    def read(self, limit: int, timeout_s: float) -> bytes:
        """See Transport; the timeout begins anew where everything that came was lost."""
        while content := self._inner.read(limit, timeout_s):
            if arrived := self._back.carry(content):
                return arrived
        return b""

    def close(self) -> None:
        """See Transport."""
        self._inner.close()
