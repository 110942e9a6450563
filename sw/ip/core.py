"""All that the files of a core say of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from subbit.hw.contract.cost import Cost
from subbit.hw.ip.shape import CoreShape
from subbit.hw.link.logits import ends_in_class
from subbit.sw.ir.network import Network

__all__ = ["Core", "Port"]

Port = tuple[str, str, int]  # name, direction, bits


@dataclass(frozen=True, kw_only=True)
class Core:
    """All that the files say of a core: its ports, how frames lie on them, its cycles, and what it
    is estimated to take on ``board``: ``estimate`` the accelerator, ``wrapper`` what is around it;
    at ``clock_hz``.
    """

    network: Network
    name: str
    bus: str
    ports: Sequence[Port]
    shape: CoreShape
    latency_cycles: int
    interval_cycles: int
    board: str
    estimate: Cost
    wrapper: Cost
    clock_hz: float

    @property
    def clock(self) -> str:
        """The name of the clock port."""
        return self.ports[0][0]

    @property
    def has_class(self) -> bool:
        """Whether the last lane of the last beat is the class."""
        return ends_in_class(self.network)
