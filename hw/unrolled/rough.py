"""What an adder network takes, about, for the planner, which cannot wait for the network itself."""

import numpy as np

from subbit.hw.contract.cost import Cost
from subbit.sw.ir.arrays import Ints

__all__ = ["ROUGH_LATENCY", "distinct_rows", "rough_cost"]

# LUT4s and flip-flops of a row are FACTOR * inputs**A * rows**B * bits**C: fitted to networks of
# random signs, 4 to 128 rows of 9 to 576 inputs of 1 to 8 bits, which it meets within 30 %.
LUT4 = (0.8, 0.89, -0.03, 0.77)
FLIP_FLOPS = (2.37, 0.91, -0.3, 0.84)
ROUGH_LATENCY = 9  # cycles of most of these networks
LUT_BITS = 3  # bits of a sum that a lookup table of a comparison takes


def distinct_rows(matrix: Ints) -> int:
    """Rows that are not 0, nor another one or its negative."""
    used = matrix[np.any(matrix != 0, axis=1)]
    if not len(used):
        return 0
    first = (used != 0).argmax(axis=1)
    signs = np.sign(used[np.arange(len(used)), first])
    return len(np.unique(used * signs[:, None], axis=0))


def rough_cost(matrix: Ints, bits: int, planes: int, levels: int) -> Cost:
    """About what the network of a matrix ``(outputs, inputs)`` takes, without building it.

    ``planes``: bit planes of the weights; ``levels``: thresholds of each output.
    """
    outputs, inputs = matrix.shape
    rows = planes * distinct_rows(matrix)
    used = [
        factor * inputs**a * max(1, rows) ** b * bits**c * rows
        for factor, a, b, c in (LUT4, FLIP_FLOPS)
    ]
    width = (inputs * ((1 << bits) - 1)).bit_length()
    tables = outputs * levels * -(-width // LUT_BITS)
    return Cost(round(used[0]) + tables, round(used[1]) + outputs * levels)
