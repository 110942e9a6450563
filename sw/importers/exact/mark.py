"""How tensors of a source and of its Network are related."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.value import Fractions
from subbit.sw.ir import TensorType

__all__ = ["Mark"]


@dataclass(frozen=True, eq=False)
class Mark:
    """A tensor of the source that the Network's tensor ``name`` stands for.

    ``source``: its name there; element i of the source is ``scale * v + offset`` of the Network's
    value v at ``index[i]``; ``kind``: the Network's type.
    """

    source: str
    node: str
    name: str
    kind: TensorType
    scale: Fractions
    offset: Fractions
    index: NDArray[np.int64]
