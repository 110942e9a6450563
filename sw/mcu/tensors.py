"""The tensors and the calls of a C program."""

from dataclasses import dataclass

from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.mcu.arrays import width_bytes

__all__ = ["Step", "Tensor"]

ENCODINGS = {
    Encoding.UNSIGNED: "SUBBIT_UNSIGNED",
    Encoding.BIPOLAR: "SUBBIT_BIPOLAR",
    Encoding.INTEGER: "SUBBIT_SIGNED",
}


@dataclass(frozen=True)
class Tensor:
    """A tensor in memory: bit planes, or integers where ``planes`` is 0, under the name of its
    buffer. A view of another tensor has that one's buffer.
    """

    buffer: str
    type: TensorType
    planes: int

    @property
    def number_bytes(self) -> int:
        """Of each integer."""
        return width_bytes(self.type.low, self.type.high)

    @property
    def bytes(self) -> int:
        """Of the whole tensor."""
        if self.planes:
            pixels = self.type.height * self.type.width
            return self.planes * pixels * ((self.type.channels + 7) // 8)
        return self.type.elements * self.number_bytes

    @property
    def place(self) -> str:
        """The address of a ``subbit_map`` for one call."""
        return f"&(const subbit_map){self.map}"

    @property
    def map(self) -> str:
        """An initialiser of ``subbit_map``."""
        kind, encoding = self.type, ENCODINGS[self.type.encoding]
        size = 0 if self.planes else self.number_bytes
        sides = f"{kind.height}, {kind.width}, {kind.channels}"
        return f"{{{sides}, {self.planes}, {encoding}, {size}}}"


@dataclass(frozen=True)
class Step:
    """One call of the runtime: the buffers that it reads and the one that it writes."""

    call: str
    reads: tuple[str, ...]
    writes: str
