"""What a description of integer arrays says, computed row by row in numpy as it is written.

It shares nothing with the way a Network is built from the same description, so that an import can
be compared with it. Arrays are ``[n][y][x][c]``, vectors ``[n][c]``, all int64.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["evaluate_description"]

Ints = NDArray[np.int64]
Arrays = dict[str, Ints]
Row = dict[str, Any]


def evaluate_description(arrays: Arrays, description: Row, codes: Ints) -> Arrays:
    """Every layer's numbers for input codes ``[n][y][x][c]``, by the layers' names.

    The description is one that build_described has accepted.
    """
    entry = description["input"]
    x = codes.astype(np.int64)
    if entry.get("encoding") == "bipolar":
        x = 2 * x - ((1 << entry.get("bits", 8)) - 1)
    found: Arrays = {"input": x + entry.get("offset", 0)}
    last = "input"
    for number, row in enumerate(description["layers"]):
        name = row.get("name", f"{row['kind']}{number}")
        inputs = [found[source] for source in row.get("inputs", [last])]
        found[name] = RULES[row["kind"]](arrays, row, *inputs)
        if row.get("number") == "matches":
            before = description["layers"][number - 1]["weights"]
            size = arrays[before][0].size
            found[name] = threshold(arrays, row, (inputs[0] + size) // 2)
        last = name
    return found


def windows(x: Ints, side: int, stride: int) -> NDArray[Any]:
    """``[n][y][x][c][side][side]`` of all windows of a map."""
    view = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
    return view[:, ::stride, ::stride]


def padded(x: Ints, row: Row, side: int) -> Ints:
    """The map with what surrounds it."""
    kind = row.get("padding", "none")
    if kind == "none":
        return x
    low, high = x.min(), x.max()
    value = {"zero": 0, "minus": low, "plus": high}[kind]
    return np.pad(x, ((0, 0), (side // 2,) * 2, (side // 2,) * 2, (0, 0)), constant_values=value)


def conv2d(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """Convolution, one tap at a time: floats hold the sums exactly."""
    w = arrays[row["weights"]]
    side, stride = w.shape[2], row.get("stride", 1)
    view = windows(padded(x, row, side), side, stride).astype(np.float64)
    total = np.zeros((*view.shape[:3], len(w)))
    for y in range(side):
        for z in range(side):
            total += view[..., y, z] @ w[:, :, y, z].T.astype(np.float64)
    return np.rint(total).astype(np.int64)


def depthwise(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """Depthwise convolution."""
    w = arrays[row["weights"]]
    side = w.shape[2]
    view = windows(padded(x, row, side), side, row.get("stride", 1))
    return np.asarray(np.einsum("nyxcij,cij->nyxc", view, w[:, 0]), np.int64)


def linear(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """Linear layer."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    return np.rint(flat @ arrays[row["weights"]].T.astype(np.float64)).astype(np.int64)


def threshold(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """How many thresholds a number is above, as a code and then as what it stands for."""
    limits = arrays[row["thresholds"]]
    limits = limits[:, None] if limits.ndim == 1 else limits
    number = x * (2 if row.get("number") == "2*dot" else 1)
    above = number[..., None] > limits if row.get("above", True) else number[..., None] >= limits
    levels = (1 << limits.shape[1].bit_length()) - 1
    u = above.sum(axis=-1)
    if "falling" in row:
        u = np.where(arrays[row["falling"]] > 0, levels - u, u)
    value = u if row.get("encoding") == "unsigned" else 2 * u - levels
    return np.asarray(value + row.get("offset", 0), np.int64)


def max_pool(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """2x2 maxima."""
    return np.asarray(windows(x, 2, 2).max(axis=(4, 5)))


def average_pool(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """Sums of windows."""
    side = int(row.get("kernel", 2))
    return np.asarray(windows(x, side, row.get("stride", side)).sum(axis=(4, 5)))


def flatten(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """A vector, channels first unless the row says otherwise."""
    if row.get("order", "channels-first") == "channels-first":
        x = x.transpose(0, 3, 1, 2)
    return x.reshape(len(x), -1)


RULES: dict[str, Callable[..., Ints]] = {
    "conv2d": conv2d,
    "depthwiseconv2d": depthwise,
    "linear": linear,
    "threshold": threshold,
    "maxpool2d": max_pool,
    "avgpool2d": average_pool,
    "globalavgpool": lambda arrays, row, x: x.sum(axis=(1, 2), keepdims=True),
    "add": lambda arrays, row, a, b: a + b,
    "flatten": flatten,
    "affine": lambda arrays, row, x: x * arrays[row["scale"]] + arrays[row["offset"]],
    "argmax": lambda arrays, row, x: x.reshape(len(x), -1).argmax(axis=1)[:, None],
}
