"""Dot9 units side by side whose counts stand in block RAM."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np

from subbit.hw.contract.cost import Cost
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.families.netlist import AddPlace, BitFunction, CarryChain, CarryTap, Netlist, Place
from subbit.hw.lookup.dot9 import WIRE, XOR
from subbit.hw.tables.rom import RomTable
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.weights import KERNEL_BITS

__all__ = ["MAX_COUNTED_TAU", "Dot9TablesShape", "rest_netlist"]

ADDRESS = 12  # bits, of a port that reads four bits of a block RAM
REST = 2  # positions at most that a carry chain adds
MAX_COUNTED_TAU = ADDRESS - KERNEL_BITS + REST  # of codewords whose counts fit a port
PLACES = 32  # of a carry chain


@dataclass(frozen=True, eq=False, kw_only=True)
class Dot9TablesShape:
    """``count[p] = sum over l of xnor(x[p, l], codewords[code, l])`` for ``pixels`` windows x of
    nine one-bit positions. A port of a block RAM reads the count of the first ``looked`` ones,
    addressed by them and by the number of the codeword; each block RAM serves two windows. A carry
    chain adds the ``rest``. With ``matched``, ``x`` are matches already.

    ``codewords``: ``(2**tau, 9)`` bits, tau at most MAX_COUNTED_TAU unless ``matched``. ``form``:
    ``portable``, or the fabric whose carry chains add the rest. Latency: 2 cycles, 3 with a rest.
    Interval: a word a cycle.
    """

    pixels: int
    codewords: Ints
    matched: bool = False
    form: str = PORTABLE

    @property
    def tau(self) -> int:
        """Bits of a codeword's number that address the table."""
        return 0 if self.matched else (len(self.codewords) - 1).bit_length()

    @property
    def looked(self) -> int:
        """Positions that address the table."""
        return min(KERNEL_BITS, ADDRESS - self.tau)

    @property
    def rest(self) -> int:
        """Positions that are added."""
        return KERNEL_BITS - self.looked

    @property
    def width(self) -> int:
        """Bits of a count."""
        return KERNEL_BITS.bit_length()

    @property
    def latency(self) -> int:
        """Cycles from windows to counts: two of the block RAM, one of the chain."""
        return 2 + (self.rest > 0)

    @cached_property
    def rom(self) -> RomTable:
        """Counts by address: the codeword's number in the low bits, positions above."""
        x = np.arange(1 << self.looked)[:, None] >> np.arange(self.looked) & 1
        words = np.ones((1, KERNEL_BITS), np.int64) if self.matched else self.codewords
        counts = (x[:, None] == words[:, : self.looked]).sum(axis=2)
        return RomTable(tuple(counts.ravel().tolist()), self.looked.bit_length(), "block")

    @property
    def chains(self) -> list[range]:
        """The windows of each carry chain, as even as may be."""
        each = PLACES // (1 + self.rom.width)
        count = -(-self.pixels // each)
        ends = [self.pixels * at // count for at in range(count + 1)]
        return [range(a, b) for a, b in pairwise(ends)]

    @property
    def inputs(self) -> int:
        """Nets of the chains: of each window the count so far and the rest, then the complements of
        the codeword's.
        """
        return self.pixels * (self.rom.width + self.rest) + self.rest

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        each = self.rom.cost.small_rams  # of 4 kbit, with one read port
        total = Cost(block_rams=-(-self.pixels // 2), small_rams=self.pixels * each)
        if not self.rest:
            return total
        places = sum(-(-netlist_places(self, len(chain)) // 2) * 2 for chain in self.chains)
        return total + Cost(places, (2 * self.rest + self.width) * self.pixels)


def netlist_places(tables: Dot9TablesShape, windows: int) -> int:
    """Places of a chain for some windows."""
    return windows * (1 + tables.rom.width) + 1


@lru_cache(maxsize=64)
def rest_netlist(tables: Dot9TablesShape) -> Netlist:
    """Carry chains that add what the tables leave out; the outputs are the bits of each count."""
    netlist, width = Netlist(tables.inputs, 1), tables.rom.width
    outputs: list[BitFunction] = []
    for chain in tables.chains:
        places: list[Place] = []
        carry: int | None = None
        for pixel in chain:
            base = pixel * (width + tables.rest)
            matches = [match(tables, base, at) for at in range(tables.rest)]
            places.append(CarryTap(matches[-1], carry))
            for bit in range(width):
                out, zero = netlist.new_net(0), BitFunction.constant(0)
                more = matches[0] if tables.rest > 1 and bit == 0 else zero
                places.append(AddPlace(BitFunction((base + bit,), WIRE), more, out, False))
                outputs.append(BitFunction((out,), WIRE))
            carry = netlist.new_net(0) if width < tables.width else None
            outputs += [BitFunction((carry,), WIRE)] if carry is not None else []
        places.append(CarryTap(BitFunction.constant(0), carry))
        netlist.cells.append((0, CarryChain(tuple(places))))
    netlist.outputs = tuple(outputs)
    return netlist


def match(tables: Dot9TablesShape, base: int, at: int) -> BitFunction:
    """Whether one of the rest matches; ``base``: the first net of its window."""
    weights = tables.pixels * (tables.rom.width + tables.rest)
    return BitFunction((base + tables.rom.width + at, weights + at), XOR)
