"""Some channels of a tensor, in any order: slices, splits, shuffles."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir.arrays import Ints, as_ints
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input, take_array
from subbit.sw.ir.types import TensorType

__all__ = ["Select"]

MOST_CHANNELS = 1 << 16


@dataclass(frozen=True, eq=False, repr=False)
class Select(Layer):
    """``y[..., k] = x[..., channels[k]]``: the channels that are named, in that order.

    ``channels``: 1 to 65,536 numbers of channels of the input, from 0 up; some may be left out, and
    some may come several times. Input: any tensor. Output: the same elements.
    """

    kind: ClassVar[str] = "select"
    channels: Ints

    def __post_init__(self) -> None:
        shape = (len(np.atleast_1d(self.channels)),)
        if not 1 <= shape[0] <= MOST_CHANNELS:
            raise NetworkError(f"a selection has 1 to {MOST_CHANNELS} channels, not {shape[0]}")
        channels = as_ints("the channels", self.channels, shape, 0, MOST_CHANNELS - 1)
        object.__setattr__(self, "channels", channels)

    @classmethod
    def slice(cls, start: int, stop: int, step: int = 1) -> Self:
        """Every ``step``-th channel from ``start`` on, those from ``stop`` on left out."""
        return cls(np.arange(start, stop, step))

    @classmethod
    def shuffle(cls, channels: int, groups: int) -> Self:
        """The channels of ``groups`` equal groups in turn, as a ShuffleNet mixes them; raises
        NetworkError where there are no such groups.
        """
        if groups < 1 or channels % groups:
            raise NetworkError(f"{channels} channels are not {groups} equal groups")
        return cls(np.arange(channels).reshape(groups, -1).T.reshape(-1))

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """The same elements in other channels."""
        x = only_input(inputs)
        if int(self.channels.max()) >= x.channels:
            raise NetworkError(
                f"channel {self.channels.max()} is selected, but the input has the channels 0 to "
                f"{x.channels - 1}"
            )
        return x.with_shape(x.height, x.width, len(self.channels))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """``channels`` (int64)."""
        return {"channels": self.channels}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        channels = take_array(tensors, "channels")
        no_more(attributes, tensors)
        return cls(channels)
