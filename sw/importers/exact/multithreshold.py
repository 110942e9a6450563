"""MultiThreshold, FINN's quantiser: how many thresholds a number is at least."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.arithmetic import by_channel
from subbit.sw.importers.exact.codes import MAX_LEVELS, to_codes
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.steps import check_type, stepped
from subbit.sw.importers.exact.value import Const, Value, fill

__all__ = ["multithreshold"]

Floats = NDArray[np.float32]
# Thresholds of a channel, and of all channels together.
MAX_ROW, MAX_TABLE = 1 << 16, 1 << 21
LAYOUTS = {2: "NC", 3: "NWC", 4: "NCHW"}


def multithreshold(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """``out_scale * |{k: x >= t[c, k]}| + out_bias``, thresholds ``(channels or 1, levels)``."""
    value, rows = inputs
    if not isinstance(value, Value) or not isinstance(rows, Const):
        raise op.refuse("its thresholds are not constant", "export them as an initializer")
    check_type(op, value)
    table = np.asarray(rows.real())
    if table.ndim != 2 or not table.size or np.isnan(table).any():
        raise op.refuse(
            f"its thresholds have the shape {table.shape}, or are NaN",
            "give numbers (channels or 1, levels)",
        )
    scale, bias = (np.float32(op.attributes[name]) for name in ("out_scale", "out_bias"))
    if scale == 0 or not np.isfinite([scale, bias]).all():
        raise op.refuse(f"its out_scale is {scale:g} or its out_bias {bias:g}", "use others")
    count = table.shape[1]
    if count > MAX_ROW or count * value.kind.channels > MAX_TABLE:
        raise op.refuse(f"it has {count} thresholds", "use at most 255")
    value, table = thresholds_of(builder, op, value, table)
    table = np.sort(table, axis=1)

    def run(x: Floats) -> Floats:
        """The operator as qonnx rounds it."""
        level = np.empty(x.shape, np.float32)
        for channel, limits in enumerate(table):
            level[:, channel] = np.searchsorted(limits, x[:, channel], side="right")
        return np.asarray(scale * level + bias, np.float32)

    step, base = Fraction(float(abs(scale))), Fraction(float(bias))
    if scale < 0:
        base -= count * step
    channels = value.kind.channels
    grid = fill(channels, base), fill(channels, step)
    if count >= MAX_LEVELS:
        return stepped(op, value, run, onto=lambda before: grid)
    return to_codes(builder, op, value, Quantiser(run, *grid, count + 1))


def thresholds_of(
    builder: NetworkBuilder, op: Op, value: Value, table: NDArray[np.generic]
) -> tuple[Value, NDArray[np.generic]]:
    """The thresholds of each channel of the Network, and the value that has these channels."""
    if len(table) == 1:
        return value, np.repeat(table, value.kind.channels, axis=0)
    layout = str(op.attributes["data_layout"]) or LAYOUTS.get(len(value.shape), "NC")
    axis = layout.index("C") if "C" in layout else 1
    if axis >= len(value.shape) or value.shape[axis] != len(table):
        raise op.refuse(
            f"it has thresholds for {len(table)} channels, and a tensor of shape {value.shape} "
            f"in the layout {layout[:8]}",
            "give one row of thresholds for each channel, or one for all",
        )
    sides = [1] * len(value.shape)
    sides[axis] = -1
    places = np.arange(len(table), dtype=np.float32).reshape(sides)
    value, (found,) = by_channel(builder, op, value, [places], "thresholds")
    return value, table[found.astype(np.int64)]
