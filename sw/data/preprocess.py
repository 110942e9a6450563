"""From pixels to the input codes of a network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import DataError, quote

__all__ = ["preprocess"]

LIMITS = {"bits": (1, 8), "shift": (0, 7)}


def preprocess(images: NDArray[np.uint8], spec: dict[str, Any]) -> NDArray[np.uint8]:
    """The codes of all pixels, in the shape of ``images``, ``[...][channels]``.

    ``spec`` is what a network's metadata says under ``dataset.preprocess``: ``bits`` 1 to 8, and
    either ``shift`` 0 to 7: ``min(pixel >> shift, 2**bits - 1)``, or ``thresholds``: how many of
    them are at most the pixel. They are 1 to ``2**bits - 1`` ascending numbers from 0 to 256, or as
    many lists of them as there are channels. Raises DataError where it says anything else.
    """
    if not isinstance(spec, dict) or spec.keys() not in ({"bits", "shift"}, {"bits", "thresholds"}):
        raise DataError(
            f"preprocessing is {{'bits': ..., 'shift': ...}} or {{'bits': ..., 'thresholds': "
            f"...}}, not {quote(spec)}"
        )
    for key, (low, high) in LIMITS.items():
        if key in spec and (type(spec[key]) is not int or not low <= spec[key] <= high):
            raise DataError(
                f"preprocessing {key!r} must be in {low}..{high}, not {quote(spec[key])}"
            )
    images, top = np.asarray(images, np.uint8), (1 << spec["bits"]) - 1
    if "thresholds" in spec:
        return by_thresholds(images, spec["thresholds"], top)
    codes: NDArray[np.uint8] = np.minimum(images >> np.uint8(spec["shift"]), np.uint8(top))
    return codes


def by_thresholds(images: NDArray[np.uint8], thresholds: Any, top: int) -> NDArray[np.uint8]:
    """For every pixel the number of thresholds that are at most the pixel."""
    rows = thresholds if is_list_of(thresholds, list) else [thresholds]
    if not all(is_ascending(row, top) for row in rows):
        raise DataError(
            f"preprocessing 'thresholds' must be 1 to {top} ascending integers in 0..256, or such "
            f"a list for each channel, not {str(thresholds)[:80]}"
        )
    if len(rows) not in (1, images.shape[-1]):
        raise DataError(
            f"preprocessing has thresholds for {len(rows)} channels, but the images have "
            f"{images.shape[-1]}; name the data set's own folder"
        )
    pixels = np.arange(256)
    tables = [np.searchsorted(row, pixels, side="right").astype(np.uint8) for row in rows]
    tables = tables if len(rows) > 1 else tables * images.shape[-1]
    codes = [table[images[..., channel]] for channel, table in enumerate(tables)]
    return np.stack(codes, axis=-1)


def is_list_of(value: Any, kind: type) -> bool:
    """Whether ``value`` is a list of such elements, and not empty."""
    return isinstance(value, list) and bool(value) and all(type(item) is kind for item in value)


def is_ascending(row: Any, top: int) -> bool:
    """Whether ``row`` is a list of thresholds."""
    fits = is_list_of(row, int) and len(row) <= top and min(row) >= 0 and max(row) <= 256
    return fits and row == sorted(row)
