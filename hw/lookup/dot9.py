"""Dot9 units side by side: the entries of one codeword for the windows of several pixels."""

from dataclasses import dataclass
from functools import lru_cache

from subbit.hw.contract.cost import Cost
from subbit.hw.dot.popcount import PORTABLE, PopcountShape
from subbit.hw.families.netlist import AddPlace, BitFunction, CarryChain, CarryTap, Netlist, Place
from subbit.hw.families.table import adds_functions
from subbit.sw.ir.weights import KERNEL_BITS

__all__ = ["Dot9Row", "compressor_netlist"]


COMPRESSORS = KERNEL_BITS // 3  # of a window, each of three positions in two bits
PLACES = 6  # of a carry chain for a window
AT_ONCE = 5  # windows of a carry chain of at most 32 places
LEVEL = 5  # lookup tables that add up the compressed bits of a window
XOR, WIRE = 0b0110, 0b10


@dataclass(frozen=True, kw_only=True)
class Dot9Row:
    """``count[p] = sum over l, b of 2**b * xnor(x[p, l, b], w[l])`` for ``pixels`` windows x of
    nine positions of ``bits`` bits, and one codeword w. With ``matched``, ``x`` are matches
    already, and there is no ``w``.

    ``form``: ``portable``, or the fabric whose carry chains count. On ECP5 a chain counts three
    positions in two places, for one window after the other: a place adds two XNORs and the third
    one as carry-in, the next place gives the carry away and takes the next window's carry-in.
    Latency: ``latency`` cycles. Interval: a word a cycle.
    """

    pixels: int
    bits: int
    matched: bool = False
    form: str = PORTABLE

    @property
    def single(self) -> PopcountShape:
        """The counter of a window, where carry chains do not compress."""
        form = PORTABLE if self.matched else self.form
        return PopcountShape(
            rows=1, simd=KERNEL_BITS, bits=self.bits, masked=False, constant=self.matched, form=form
        )

    @property
    def chained(self) -> bool:
        """Whether carry chains of compressors count."""
        return self.bits == 1 and adds_functions(self.form)

    @property
    def width(self) -> int:
        """Bits of a count."""
        return self.single.width

    @property
    def latency(self) -> int:
        """Cycles from windows to counts."""
        return max(2, self.single.portable_latency) if self.chained else self.single.latency

    @property
    def inputs(self) -> int:
        """Nets of the chains: nine of each window, then the complements of the codeword."""
        return KERNEL_BITS * (self.pixels + (not self.matched))

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        if not self.chained:
            return sum([self.single.cost] * self.pixels, Cost())
        chains = -(-self.pixels // AT_ONCE)
        delayed = self.width * (self.latency - 1)
        flip_flops = (2 * COMPRESSORS + delayed) * self.pixels
        return Cost((PLACES + LEVEL) * self.pixels + 2 * chains, flip_flops)


@lru_cache(maxsize=64)
def compressor_netlist(row: Dot9Row) -> Netlist:
    """Carry chains whose outputs are, for each window, sum and carry of each three positions."""
    netlist = Netlist(row.inputs, 1)
    outputs: list[BitFunction] = []
    for start in range(0, row.pixels, AT_ONCE):
        places: list[Place] = []
        carry: int | None = None
        for pixel in range(start, min(start + AT_ONCE, row.pixels)):
            for at in range(0, KERNEL_BITS, 3):
                first, second, third = (match(row, pixel, at + k) for k in range(3))
                low, high = netlist.new_net(0), netlist.new_net(0)
                places += [CarryTap(first, carry), AddPlace(second, third, low, False)]
                outputs += [BitFunction((low,), WIRE), BitFunction((high,), WIRE)]
                carry = high
        places.append(CarryTap(BitFunction.constant(0), carry))
        netlist.cells.append((0, CarryChain(tuple(places))))
    netlist.outputs = tuple(outputs)
    return netlist


def match(row: Dot9Row, pixel: int, position: int) -> BitFunction:
    """Whether a position matches the codeword, whose complement is in the nets."""
    x = pixel * KERNEL_BITS + position
    if row.matched:
        return BitFunction((x,), WIRE)
    return BitFunction((x, row.pixels * KERNEL_BITS + position), XOR)
