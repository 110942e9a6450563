"""Places of buffers in one block of memory, shared by those that are never needed together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Lifetimes"]


@dataclass
class Lifetimes:
    """The first and the last step that needs each buffer; ``sizes`` in bytes."""

    sizes: Mapping[str, int]
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)

    def use(self, name: str, step: int) -> None:
        """Step number ``step`` reads or writes the buffer."""
        first, last = self.spans.get(name, (step, step))
        self.spans[name] = min(first, step), max(last, step)

    def place(self) -> tuple[dict[str, int], int]:
        """Each buffer's first byte, and the bytes in all: the largest first, each as low as it
        goes beside those that live at the same time.
        """
        places: dict[str, int] = {}
        for name in sorted(self.spans, key=lambda name: (-self.sizes[name], name)):
            places[name] = self.lowest(name, places)
        ends = [place + self.sizes[name] for name, place in places.items()]
        return places, max(ends, default=0)

    def lowest(self, name: str, places: Mapping[str, int]) -> int:
        """The lowest place at which the buffer meets no other of those placed."""
        others = sorted(
            (place, place + self.sizes[other])
            for other, place in places.items()
            if self.meet(name, other)
        )
        at = 0
        for begin, end in others:
            if at + self.sizes[name] <= begin:
                break
            at = max(at, end)
        return at

    def meet(self, name: str, other: str) -> bool:
        """Whether both are needed in one step."""
        (first, last), (begin, end) = self.spans[name], self.spans[other]
        return first <= end and begin <= last
