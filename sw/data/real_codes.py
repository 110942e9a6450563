"""From real numbers to the input codes of a network: a scale, or a thermometer code."""

from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import DataError, quote

__all__ = ["MAX_LEVELS", "by_scale", "by_thermometer"]

MAX_LEVELS = 255
MAX_CHANNELS = 1 << 16
Codes = NDArray[np.uint8]


def by_scale(values: NDArray[Any], spec: dict[str, Any]) -> Codes:
    """``floor((x - mean) * scale + offset + 1/2)``, and at least 0 and at most ``2**bits - 1``.

    ``mean``, ``scale`` and ``offset`` are numbers, or lists with one for each channel, the last
    axis of ``values``. All steps are of float64, each rounded, in this order, so that every machine
    gets the same codes. Raises DataError where they are anything else.
    """
    channels, top = values.shape[-1], (1 << spec["bits"]) - 1
    mean, scale, offset = (factor(key, spec[key], channels) for key in ("mean", "scale", "offset"))
    with np.errstate(over="ignore", invalid="ignore"):
        moved = (values.astype(np.float64) - mean) * scale
        moved = np.floor(moved + offset + 0.5)
    codes: Codes = np.clip(np.nan_to_num(moved), 0, top).astype(np.uint8)
    return codes


def factor(key: str, value: Any, channels: int) -> NDArray[np.float64]:
    """A number, or a list of one for each channel."""
    row = value if isinstance(value, list) else [value]
    if not all(is_real(number) for number in row):
        raise DataError(
            f"preprocessing {key!r} must be a number, or a list of one for each channel, not "
            f"{quote(value)}"
        )
    check_channels(f"preprocessing {key!r}", len(row), channels, isinstance(value, list))
    return np.array(row, np.float64)


def by_thermometer(values: NDArray[Any], spec: dict[str, Any]) -> Codes:
    """For each channel ``x`` the codes ``x >= t`` of one bit for all its thresholds t, side by side
    in the last axis, those of the first channel first.

    ``thermometer`` has for each channel a list of 1 to 255 ascending numbers; ``bits`` is 1. Raises
    DataError where it is anything else.
    """
    rows = spec["thermometer"]
    sound = isinstance(rows, list) and bool(rows) and all(is_ascending(row) for row in rows)
    if not sound or spec["bits"] != 1 or sum(map(len, rows)) > MAX_CHANNELS:
        raise DataError(
            f"preprocessing 'thermometer' must be a list for each channel, of 1 to {MAX_LEVELS} "
            f"ascending numbers, {MAX_CHANNELS} in all, and 'bits' 1, not {quote(rows)}"
        )
    check_channels("preprocessing 'thermometer'", len(rows), values.shape[-1], True)
    codes = [values[..., place, None] >= np.array(row) for place, row in enumerate(rows)]
    return np.concatenate(codes, axis=-1).astype(np.uint8)


def check_channels(what: str, found: int, channels: int, listed: bool) -> None:
    """Raise DataError unless a list has an entry for each channel."""
    if listed and found != channels:
        raise DataError(
            f"{what} is for {found} channels, but the data have {channels}; name the data set that "
            "the network was trained on"
        )


def is_ascending(row: Any) -> bool:
    """Whether ``row`` is a list of thresholds."""
    sound = isinstance(row, list) and 1 <= len(row) <= MAX_LEVELS and all(map(is_real, row))
    return sound and all(a < b for a, b in pairwise(row))


def is_real(value: Any) -> bool:
    """Whether a JSON value is a finite number that float64 holds."""
    try:
        return type(value) in (int, float) and isfinite(float(value))
    except OverflowError:
        return False
