"""How tensors of a source and of its Network are related."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.rounding import Reals, Within, error_of
from subbit.sw.importers.exact.value import Fractions
from subbit.sw.ir import TensorType

__all__ = ["End", "Mark"]


@dataclass(frozen=True, eq=False)
class Mark:
    """A tensor of the source that the Network's tensor ``name`` stands for.

    ``source``: its name there; element i of the source is ``scale * v + offset`` of the Network's
    value v at ``index[i]``; ``kind``: the Network's type. ``error``: how far the source's rounding
    may take it from there, ``(channels,)``, by default that of sums; ``slack``: how far the
    Network's own rounding may, in its integers, ``(channels,)``. ``within``: where levels are
    decided by numbers, those that the source's rounding leaves open. ``loose``: whether
    numbers in fixed point are before it, so that it is measured how far it is from the source.
    """

    source: str
    node: str
    name: str
    kind: TensorType
    scale: Fractions
    offset: Fractions
    index: NDArray[np.int64]
    error: Reals | None = None
    slack: Reals | None = None
    within: Within | None = None
    loose: bool = False

    def errors(self) -> Reals:
        """The source's greatest rounding error for each channel."""
        return error_of(self.kind, self.scale, self.offset) if self.error is None else self.error


@dataclass(frozen=True, eq=False)
class End:
    """Where a source ends: in the tensor ``output``.

    ``gives``: what that is: ``logits``, of which the greatest is the class; ``ranks``, other
    numbers that compare as the logits do; the ``class``; or ``numbers`` that are no logits.
    ``mark`` relates the logits, or the numbers, to the Network's. ``curved``: whether the class is
    picked from a Softmax of the logits, which rounds once more; ``rounded``: whether the Network
    itself rounds the logits, so that another class may be its own doing.
    """

    output: str
    gives: Literal["logits", "ranks", "class", "numbers"]
    mark: Mark
    curved: bool = False
    rounded: bool = False
