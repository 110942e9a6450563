"""From pixels, and other numbers, to the input codes of a network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.real_codes import by_scale, by_thermometer
from subbit.sw.errors import DataError, quote

__all__ = ["preprocess"]

FORMS = (
    {"bits", "shift"},
    {"bits", "thresholds"},
    {"bits", "mean", "scale", "offset"},
    {"bits", "thermometer"},
)

LIMITS = {"bits": (1, 8), "shift": (0, 7)}


def preprocess(images: NDArray[Any], spec: dict[str, Any]) -> NDArray[np.uint8]:
    """The codes of all pixels or other numbers ``[...][channels]``, in the shape of ``images`` but
    for a thermometer code.

    ``spec`` is what a network's metadata says under ``dataset.preprocess``: ``bits`` 1 to 8, and of
    bytes either ``shift`` 0 to 7: ``min(pixel >> shift, 2**bits - 1)``, or ``thresholds``: how many
    of them are at most the pixel. They are 1 to ``2**bits - 1`` ascending numbers from 0 to 256, or
    as many lists of them as there are channels. Of any numbers: ``mean``, ``scale`` and ``offset``,
    see by_scale, or ``thermometer``, see by_thermometer. Raises DataError where it says anything
    else, and for real numbers where it is for bytes.
    """
    if not isinstance(spec, dict) or spec.keys() not in FORMS:
        raise DataError(
            f"preprocessing is {{'bits': ..., 'shift': ...}}, {{'bits': ..., 'thresholds': ...}}, "
            "{'bits': ..., 'mean': ..., 'scale': ..., 'offset': ...} or {'bits': 1, "
            f"'thermometer': ...}}, not {quote(spec)}"
        )
    for key, (low, high) in LIMITS.items():
        if key in spec and (type(spec[key]) is not int or not low <= spec[key] <= high):
            raise DataError(
                f"preprocessing {key!r} must be in {low}..{high}, not {quote(spec[key])}"
            )
    images = np.asarray(images)
    if "scale" in spec:
        return by_scale(images, spec)
    if "thermometer" in spec:
        return by_thermometer(images, spec)
    if images.dtype.kind == "f":
        raise DataError(
            "the preprocessing is for pixels of 8 bits, but the data are real numbers; name the "
            "data set that the network was trained on"
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
