"""From pixels to the input codes of a network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import DataError

__all__ = ["preprocess"]


def preprocess(images: NDArray[np.uint8], spec: dict[str, Any]) -> NDArray[np.uint8]:
    """``min(pixel >> shift, 2**bits - 1)`` of every pixel, in the shape of ``images``.

    ``spec`` is what a network's metadata says under ``dataset.preprocess``: ``bits`` 1 to 8,
    ``shift`` 0 to 7. Raises DataError where it says anything else.
    """
    limits = {"bits": (1, 8), "shift": (0, 7)}
    if not isinstance(spec, dict) or spec.keys() != limits.keys():
        raise DataError(f"preprocessing is {{'bits': ..., 'shift': ...}}, not {spec!r}")
    for key, (low, high) in limits.items():
        if type(spec[key]) is not int or not low <= spec[key] <= high:
            raise DataError(f"preprocessing {key!r} must be in {low}..{high}, not {spec[key]!r}")
    shift, top = np.uint8(spec["shift"]), np.uint8((1 << spec["bits"]) - 1)
    codes: NDArray[np.uint8] = np.minimum(np.asarray(images, np.uint8) >> shift, top)
    return codes
