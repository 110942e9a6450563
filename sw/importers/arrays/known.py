"""What the rows of a description have made known of a network's tensors."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.arrays.rows import DescriptionRow
from subbit.sw.importers.exact.value import Fractions
from subbit.sw.ir import Layer, TensorType

__all__ = ["ArraySource", "Ints", "Known", "Made"]

Ints = NDArray[np.int64]
# A row's layer, and of its output the scale, the offset, and the order; see Known.
Made = tuple[Layer, Fraction, Fractions, Ints | None]


class ArraySource(Protocol):
    """What has the arrays of a description."""

    def array(self, row: DescriptionRow, key: str, rank: int | None = None) -> Ints:
        """Remove and return the array that ``row[key]`` names; raises NetworkError."""


@dataclass(frozen=True, eq=False)
class Known:
    """A tensor: what its elements stand for is ``scale * v + offset`` of the Network's value v.

    ``offset``: ``(channels,)``. ``order``: where a flattened map was flattened channels first, the
    place in the Network of each of its elements. ``row``: whose numbers these are, where another
    layer than the row's own holds them.
    """

    kind: TensorType
    scale: Fraction
    offset: Fractions
    order: Ints | None = None
    row: str | None = None
