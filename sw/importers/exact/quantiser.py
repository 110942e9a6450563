"""A quantiser as the importers see it: a function whose results lie on a grid."""

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.value import Fractions

__all__ = ["Quantiser"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Quantiser:
    """``run``, float32 ``(batch, channels)`` to the same, gives levels ``base + k * step``.

    ``base`` and ``step`` are exact, ``(channels,)`` each, all steps positive; k from 0 to
    ``levels - 1``. Without ``levels``, k may be any integer within those of the input's ends.
    ``monotone``: it never falls, or never rises, in each channel.
    """

    run: Callable[[Floats], Floats]
    base: Fractions
    step: Fractions
    levels: int | None
    monotone: bool = True

    def codes(self, x: Floats) -> NDArray[np.int64]:
        """The level k of every element of ``run(x)``; raises NetworkError for what is no number."""
        base, step = self.base.astype(np.float64), self.step.astype(np.float64)
        with np.errstate(all="ignore"):
            places = np.rint((self.run(x) - base) / step)
        if not np.isfinite(places).all():
            raise NetworkError("its result is NaN or infinite for some inputs")
        return places.astype(np.int64)

    def from_level(self, least: int, greatest: int) -> "Quantiser":
        """The same with its levels counted from the least that occurs."""
        base = self.base + least * self.step
        return Quantiser(self.run, base, self.step, greatest - least + 1, self.monotone)

    def coarsened(self, reached: set[int]) -> "Quantiser":
        """The same with only as many levels as a grid on which all the ``reached`` ones lie has."""
        least, greatest = min(reached), max(reached)
        gap = gcd(*(level - least for level in reached)) or 1
        base = self.base + least * self.step
        levels = (greatest - least) // gap + 1
        return Quantiser(self.run, base, gap * self.step, levels, self.monotone)
