"""Zero padding without masks: constants take back what the codes in the padding add to a dot
product.

Windows lie at the edges of the tensor in few ways: at the top, in the middle or at the bottom, and
at the left, in the middle or at the right. For each combination and each output, the sum over the
weights outside of the tensor is a constant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.rom import RomTable, rom_of
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.weights import Weights
from subbit.sw.ir.window import Window

__all__ = ["Border", "PaddingSumsConfig", "border_of"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Border:
    """Where the windows of a frame's output pixels lie inside of the tensor, without copies for
    windows that lie alike.

    ``rows``: ``(H, kh)``, whether a row of the kernel is inside for a row of output pixels;
    ``columns``: ``(W, kw)`` likewise. ``pixels`` neighbouring output pixels come at once: of a row,
    a divisor of W, or whole rows, as many as divide H.
    """

    rows: Flags
    columns: Flags
    pixels: int = 1

    @property
    def pixel_columns(self) -> int:
        """Output pixels of a row that come at once, c."""
        return min(self.pixels, len(self.columns))

    @property
    def pixel_rows(self) -> int:
        """Rows of output pixels that come at once, r."""
        return self.pixels // self.pixel_columns

    @cached_property
    def row_kinds(self) -> tuple[Flags, Ints]:
        """How r rows of windows lie, ``(n, r, kh)``, and which way each group of them has,
        ``(H / r,)``.
        """
        return kinds_of(self.rows, self.pixel_rows)

    @cached_property
    def column_kinds(self) -> tuple[Flags, Ints]:
        """The same of columns: ``(n, c, kw)`` and ``(W / c,)``."""
        return kinds_of(self.columns, self.pixel_columns)

    @property
    def outside(self) -> Flags:
        """For each kind of row and of column, and each pixel, the kernel's places beyond the edge:
        ``(rows, columns, pixels, kh, kw)``.
        """
        rows, columns = self.row_kinds[0], self.column_kinds[0]
        inside: Flags = rows[:, None, :, None, :, None] & columns[None, :, None, :, None, :]
        return ~inside.reshape(len(rows), len(columns), self.pixels, *inside.shape[-2:])

    @property
    def inside(self) -> Flags:
        """The kernel's places inside for each output pixel of a frame, ``(H*W, kh*kw)``."""
        found: Flags = self.rows[:, None, :, None] & self.columns[None, :, None, :]
        return found.reshape(-1, self.rows.shape[1] * self.columns.shape[1])

    def weights_outside(self, weights: Weights) -> Ints:
        """``(outputs, kinds of rows, kinds of columns, pixels)``: the sum of an output's weights
        that lie beyond the edge.
        """
        outputs, sides = weights.shape[0], (self.rows.shape[1], self.columns.shape[1])
        kernels = weights.dense().reshape(outputs, -1, *sides).sum(axis=1)
        found: Ints = np.einsum("oij,rcpij->orcp", kernels, self.outside.astype(np.int64))
        return found


def kinds_of(flags: Flags, group: int) -> tuple[Flags, Ints]:
    """The different groups of so many neighbours, ``(n, group, k)``, and which one each is."""
    groups = flags.reshape(-1, group * flags.shape[1])
    kinds, at = np.unique(groups, axis=0, return_inverse=True)
    return kinds.reshape(-1, group, flags.shape[1]), at.reshape(-1)


def border_of(shape: tuple[int, int], window: Window, pixels: int) -> Border:
    """The border of a convolution whose kernels move like that over a tensor of that height and
    width, with zeros around it, ``pixels`` neighbouring output pixels at once.
    """
    sides = []
    for axis, size in enumerate(shape):
        starts = np.arange(window.outputs(*shape)[axis]) * window.strides[axis] - window.pads[axis]
        places = starts[:, None] + np.arange(window.kernel[axis]) * window.dilations[axis]
        sides.append((places >= 0) & (places < size))
    return Border(sides[0], sides[1], pixels)


@dataclass(frozen=True, eq=False, kw_only=True)
class PaddingSumsConfig:
    """Constants that are added to the raw numbers of each pass: what zero padding, coded as other
    numbers, has falsified.

    ``values``: ``(kinds of rows, kinds of columns, passes, lanes)``, none below 0, lanes being the
    outputs of the first pixel, of the second and so on. ``border`` tells which kind comes when. The
    table is read once for each pass of each group of pixels. Latency: 2 cycles.
    """

    border: Border
    values: Ints

    @property
    def passes(self) -> int:
        """Passes of a group of pixels."""
        return int(self.values.shape[2])

    @property
    def bits(self) -> int:
        """Bits of a constant."""
        return max(int(self.values.max()).bit_length(), 1)

    @property
    def address_bits(self) -> tuple[int, int, int]:
        """Bits of a table's address: the pass, lowest, and the kinds of column and row."""
        rows, columns, passes, _ = self.values.shape
        return count_bits(passes), count_bits(columns), count_bits(rows)

    @cached_property
    def rom(self) -> RomTable:
        """The constants of a pass in a word; words between those that are used hold anything."""
        rows, columns, _, lanes = self.values.shape
        low, middle, _ = self.address_bits
        padded = np.zeros((rows, 1 << middle, 1 << low, lanes), np.int64)
        padded[:, :, : self.passes] = self.values[:, np.arange(1 << middle) % columns]
        words = [pack_elements(word, self.bits) for word in padded.reshape(-1, lanes).tolist()]
        return rom_of(words, self.bits * lanes)

    def flags(self, kinds: Ints, bits: int) -> Sequence[Sequence[bool]]:
        """The bits of a kind for each count."""
        return [[bool(kind >> bit & 1) for kind in kinds.tolist()] for bit in range(bits)]

    @property
    def cost(self) -> Cost:
        """Estimated cost of the table and its address."""
        _, columns, rows = self.address_bits
        counters = counter_cost(self.passes) + luts(2)
        for kinds, bits in (
            (self.border.column_kinds[1], columns),
            (self.border.row_kinds[1], rows),
        ):
            counters += counter_cost(len(kinds), self.flags(kinds, bits))
        output = registers(self.rom.width if self.rom.style == "logic" else 0)
        return counters + self.rom.words_cost + self.rom.output_register_cost + output


def count_bits(count: int) -> int:
    """Bits of the numbers below ``count``."""
    return (count - 1).bit_length()
