"""Integer scale and offset per channel: the fixed-point end that keeps the order of the logits."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir.arrays import Ints, as_ints
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input, take_array
from subbit.sw.ir.types import TensorType

__all__ = ["Affine"]

SCALE_LIMIT = 1 << 17
OFFSET_LIMIT = 1 << 39


@dataclass(frozen=True, eq=False, repr=False)
class Affine(Layer):
    """``y[c] = scale[c] * x[c] + offset[c]``, in integers.

    ``scale``: ``(channels,)``, within +-2**17; ``offset``: ``(channels,)``, within +-2**39.
    Input and output: integers ``(H, W, channels)``.
    """

    kind: ClassVar[str] = "affine"
    scale: Ints
    offset: Ints

    def __post_init__(self) -> None:
        shape = (len(np.atleast_1d(self.scale)),)
        scale = as_ints("affine scale", self.scale, shape, -SCALE_LIMIT, SCALE_LIMIT - 1)
        offset = as_ints("affine offset", self.offset, shape, -OFFSET_LIMIT, OFFSET_LIMIT - 1)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "offset", offset)

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Integers in the range that the scales and offsets reach."""
        x = only_input(inputs)
        if x.is_code:
            raise NetworkError(f"an affine layer takes integers, not {x}")
        if x.channels != len(self.scale):
            raise NetworkError(f"there are scales for {len(self.scale)} channels, not {x.channels}")
        # In Python's integers: 48-bit inputs times 18-bit scales overflow 64 bits.
        scale = self.scale.astype(object)
        ends = np.stack([scale * x.low + self.offset, scale * x.high + self.offset])
        return TensorType.integers(*x.shape, int(ends.min()), int(ends.max()))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """``scale`` and ``offset`` (int64)."""
        return {"scale": self.scale, "offset": self.offset}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        scale, offset = take_array(tensors, "scale"), take_array(tensors, "offset")
        no_more(attributes, tensors)
        return cls(scale, offset)
