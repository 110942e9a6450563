"""What poolings over windows have in common."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more
from subbit.sw.ir.types import TensorType
from subbit.sw.ir.window import NO_PADS, Pads, Side, Window, as_pair, as_side, take_pads, written

__all__ = ["MAX_APART", "MAX_SIDE", "Pooling"]

MAX_SIDE = 8
MAX_APART = 1024  # of windows that do not overlap


@dataclass(frozen=True)
class Pooling(Layer):
    """Base: one number for each channel of each window over a map ``(H, W, C)``.

    ``kernel``: rows and columns of a window, 1 to 8; ``stride``: 1 to 8, by default that of windows
    side by side, 0; each one number or two, of height and width. Along a side on which windows do
    not overlap, both may be up to 1024, so that a window may be a whole map. ``pads``: elements
    above, left of, below and right of the map that count for nothing, fewer than the window has
    there. Windows that a ceil mode adds are padding below and on the right. Rows and columns that
    complete no window are dropped. Output: ``H' = (H + above + below - kernel) // stride + 1``,
    width alike.
    """

    what: ClassVar[str]
    kernel: Side = 2
    stride: Side = 0
    pads: Pads = NO_PADS

    def __post_init__(self) -> None:
        what = self.what
        kernel = as_side(f"the kernel of {what}", self.kernel, 1, MAX_APART)
        given = kernel if self.stride == 0 else self.stride
        stride = as_side(f"the stride of {what}", given, 1, MAX_APART)
        for side, step in zip(as_pair(kernel), as_pair(stride), strict=True):
            if max(side, step) > MAX_SIDE and step < side:
                raise NetworkError(
                    f"windows of {what} that overlap have up to {MAX_SIDE} rows and columns, not "
                    f"{side} by steps of {step}"
                )
        object.__setattr__(self, "kernel", kernel)
        object.__setattr__(self, "stride", stride)
        pads, most = tuple(self.pads), Window(as_pair(kernel)).most_pads
        fits = len(pads) == 4 and all(type(pad) is int for pad in pads)
        if not fits or not all(0 <= p <= m for p, m in zip(pads, most, strict=True)):
            raise NetworkError(
                f"the padding of {self.window.name} {what} is 0 to {most[0]} elements above and "
                f"below, 0 to {most[1]} left and right, not {quote(self.pads)} (above, left, "
                "below, right)"
            )
        object.__setattr__(self, "pads", pads)

    @property
    def window(self) -> Window:
        """How the windows move."""
        return Window(as_pair(self.kernel), as_pair(self.stride), pads=self.pads)

    def outputs(self, x: TensorType) -> tuple[int, int]:
        """Rows and columns of windows over ``x``; raises NetworkError where there are none."""
        height, width = self.window.outputs(x.height, x.width)
        if min(height, width) < 1:
            raise NetworkError(
                f"{self.window.name} {self.what} does not fit an input of {x.height}x{x.width}"
            )
        return height, width

    def attributes(self) -> dict[str, Any]:
        """Kernel and stride, and ``pads`` if there are any."""
        pads = {"pads": list(self.pads)} if any(self.pads) else {}
        return {"kernel": written(self.kernel), "stride": written(self.stride), **pads}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        sides = [
            as_side(f"attribute {name!r}", attributes.pop(name, None), 1, MAX_APART)
            for name in ("kernel", "stride")
        ]
        pads = take_pads(attributes) or NO_PADS
        no_more(attributes, tensors)
        return cls(sides[0], sides[1], pads)
