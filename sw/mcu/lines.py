"""Requantisation as constants of a C program."""

import numpy as np

from subbit.sw.ir.layers.requantise import Requantise
from subbit.sw.ir.types import TensorType
from subbit.sw.mcu.arrays import Constants, bytes_of_integers, width_bytes

__all__ = ["greatest_numbers", "lines_in_c"]


def greatest_numbers(layer: Requantise, x: TensorType) -> list[int]:
    """What the sums of the layer's C must hold, for inputs of a type: magnitudes."""
    scale, offset = (int(np.abs(part).max()) for part in (layer.scale, layer.offset))
    most = scale * max(map(abs, x.value_range))
    return [most, offset, max(map(abs, layer.sums(x.low, x.high)))]


def lines_in_c(
    layer: Requantise, name: str, x: TensorType, y: TensorType, constants: Constants
) -> str:
    """A constant ``subbit_lines`` of the layer ``name``; returns its address."""
    # Beyond the integers that come, one knee does as well as another.
    knees = np.clip(layer.knee, x.low, x.high + 1)
    rows = {"scales": layer.scale, "offsets": layer.offset, "knees": knees}
    ends = [int(end) for row in rows.values() for end in (row.min(), row.max())]
    width = width_bytes(min(ends), max(ends))
    names = [
        constants.add(f"{name}_{part}", bytes_of_integers(row, width)) for part, row in rows.items()
    ]
    limits = ", ".join(f"(subbit_sum)INT64_C({end})" for end in (y.low, y.high))
    constants.lines.append(
        f"static const subbit_lines {name}_lines = "
        f"{{{', '.join(names)}, {width}, {layer.lines}, {layer.shift}, {limits}}};"
    )
    return f"&{name}_lines"
