"""Rows of a description for layers that move elements."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from subbit.sw.importers.arrays.known import ArraySource, Ints, Known, Made
from subbit.sw.importers.arrays.rows import DescriptionRow
from subbit.sw.ir import Concat, Pad, Select, Upsample

__all__ = ["MOVED_KINDS"]


def concat(builder: ArraySource, row: DescriptionRow, *parts: Known) -> Made:
    """``{"kind": "concat", "inputs": [NAME, NAME]}``: channels, one behind the other."""
    scales = {part.scale for part in parts}
    if len(scales) > 1:
        found = ", ".join(map(str, sorted(scales)))
        raise row.error(f"its inputs have the scales {found}; use equal ones")
    offset = np.concatenate([part.offset for part in parts])
    return Concat(), parts[0].scale, offset, order_of(parts)


def order_of(parts: Sequence[Known]) -> Ints | None:
    """The place in the concatenation of each element of the parts, where these were flattened
    channels first.
    """
    if all(part.order is None for part in parts):
        return None
    ends = np.cumsum([0, *(part.kind.elements for part in parts)])
    orders = [np.arange(part.kind.elements) if part.order is None else part.order for part in parts]
    return np.concatenate([order + end for order, end in zip(orders, ends[:-1], strict=True)])


def check_order(row: DescriptionRow, x: Known) -> None:
    """Raise NetworkError where a tensor was flattened channels first."""
    if x.order is not None:
        raise row.error("it reads what was flattened channels first; flatten channels-last")


def select(builder: ArraySource, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "select", "channels": NAME}``: the channels that an array names, in order."""
    layer = Select(builder.array(row, "channels", 1))
    layer.infer((x.kind,))
    check_order(row, x)
    return layer, x.scale, x.offset[layer.channels], None


def upsample(builder: ArraySource, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "upsample", "rows": 2, "columns": 2}``."""
    check_order(row, x)
    rows = row.take("rows", int, 2)
    return Upsample(rows, row.take("columns", int, rows)), x.scale, x.offset, None


def pad(builder: ArraySource, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "pad", "above": 1, "left": 1, "below": 1, "right": 1, "value": 0}``."""
    check_order(row, x)
    above, left, below, right = (
        row.take(side, int, 0) for side in ("above", "left", "below", "right")
    )
    value = row.take("value", int, 0)
    stored = {Fraction(value - offset) / x.scale for offset in x.offset}
    if len(stored) > 1 or next(iter(stored)).denominator > 1:
        raise row.error(f"no number of all channels stands for {value}; pad with another")
    layer = Pad(above, left, below, right, int(next(iter(stored))))
    return layer, x.scale, x.offset, None


MOVED_KINDS: dict[str, Callable[..., Made]] = {
    "concat": concat,
    "select": select,
    "upsample": upsample,
    "pad": pad,
}
