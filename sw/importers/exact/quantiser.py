"""A quantiser as the importers see it: a function whose results lie on a grid."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.value import Fractions

__all__ = ["Quantiser"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Quantiser:
    """``run``, float32 ``(batch, channels)`` to the same, gives levels ``base + k * step``.

    ``base`` and ``step`` are exact, ``(channels,)`` each, all steps positive; k from 0 to
    ``levels - 1``. Without ``levels``, k may be any integer within those of the input's ends.
    """

    run: Callable[[Floats], Floats]
    base: Fractions
    step: Fractions
    levels: int | None

    def codes(self, x: Floats) -> NDArray[np.int64]:
        """The level k of every element of ``run(x)``."""
        base, step = self.base.astype(np.float64), self.step.astype(np.float64)
        return np.rint((self.run(x) - base) / step).astype(np.int64)
