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


def both(number: Any) -> tuple[int, int]:
    """One number twice, or the two of a list."""
    return (number, number) if isinstance(number, int) else (number[0], number[1])


def windows(x: Ints, sides: Any, stride: Any, dilation: Any = 1) -> NDArray[Any]:
    """``[n][y][x][c][rows][columns]`` of all windows of a map."""
    (high, wide), (down, across), (gap, other) = both(sides), both(stride), both(dilation)
    reach = ((high - 1) * gap + 1, (wide - 1) * other + 1)
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    return view[:, ::down, ::across, :, ::gap, ::other]


def padded(x: Ints, row: Row, sides: tuple[int, int]) -> Ints:
    """The map with what surrounds it."""
    kind = row.get("padding", "none")
    if kind == "none":
        return x
    low, high = x.min(), x.max()
    value = {"zero": 0, "minus": low, "plus": high}[kind]
    steps = zip(sides, both(row.get("dilation", 1)), strict=True)
    usual = [((side - 1) * step + 1) // 2 for side, step in steps]
    above, left, below, right = row.get("pads", (*usual, *usual))
    around = ((0, 0), (above, below), (left, right), (0, 0))
    return np.pad(x, around, constant_values=value)


def taken(row: Row, w: Ints, x: Ints) -> NDArray[Any]:
    """The windows that weights (out, in, rows, columns) meet."""
    sides = (w.shape[2], w.shape[3])
    return windows(padded(x, row, sides), sides, row.get("stride", 1), row.get("dilation", 1))


def conv2d(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """Convolution, one tap at a time: floats hold the sums exactly."""
    w = arrays[row["weights"]].astype(np.float64)
    view, groups = taken(row, arrays[row["weights"]], x).astype(np.float64), row.get("groups", 1)
    parts = []
    for some, own in zip(np.split(view, groups, 3), np.split(w, groups), strict=True):
        total = np.zeros((*view.shape[:3], len(own)))
        for y, z in np.ndindex(w.shape[2:]):
            total += some[..., y, z] @ own[:, :, y, z].T
        parts.append(total)
    whole: Ints = np.rint(np.concatenate(parts, 3)).astype(np.int64)
    return whole


def depthwise(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """Depthwise convolution."""
    w = arrays[row["weights"]]
    view = taken(row, w, x)
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
    """Maxima of windows."""
    return np.asarray(pooled(row, x, x.min()).max(axis=(4, 5)))


def average_pool(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """Sums of windows."""
    return np.asarray(pooled(row, x, 0).sum(axis=(4, 5)))


def pooled(row: Row, x: Ints, around: int) -> NDArray[Any]:
    """The windows of a pooling, with that number in the padding."""
    above, left, below, right = row.get("pads", (0, 0, 0, 0))
    edges = ((0, 0), (above, below), (left, right), (0, 0))
    sides = row.get("kernel", 2)
    return windows(np.pad(x, edges, constant_values=around), sides, row.get("stride", sides))


def flatten(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """A vector, channels first unless the row says otherwise."""
    if row.get("order", "channels-first") == "channels-first":
        x = x.transpose(0, 3, 1, 2)
    return x.reshape(len(x), -1)


def upsample(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """Rows and columns repeated."""
    rows = int(row.get("rows", 2))
    return x.repeat(rows, axis=1).repeat(int(row.get("columns", rows)), axis=2)


def pad(arrays: Arrays, row: Row, x: Ints) -> Ints:
    """A border of one number."""
    above, left, below, right = (row.get(side, 0) for side in ("above", "left", "below", "right"))
    around = ((0, 0), (above, below), (left, right), (0, 0))
    return np.pad(x, around, constant_values=row.get("value", 0))


def requantise(arrays: Arrays, row: dict[str, Any], x: Ints) -> Ints:
    """Lines through numbers, the second below the knee; divided, rounded down and limited."""
    scale, offset = (np.atleast_2d(arrays[row[key]].T) for key in ("scale", "offset"))
    sums = x * scale[0] + offset[0]
    if "knee" in row:
        sums = np.where(x < arrays[row["knee"]], x * scale[1] + offset[1], sums)
    limited: Ints = np.clip(np.floor_divide(sums, 2 ** row["shift"]), row["low"], row["high"])
    return limited


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
    "requantise": requantise,
    "concat": lambda arrays, row, *parts: np.concatenate(parts, axis=-1),
    "select": lambda arrays, row, x: x[..., arrays[row["channels"]]],
    "upsample": upsample,
    "pad": pad,
    "argmax": lambda arrays, row, x: x.argmax(axis=-1, keepdims=True),
}
