"""Compressor trees as netlists of adder chains and lookup tables, before any vendor's cells.

A *net* is one wire of the tree, named by a number. A *unit* is a function of a few nets that counts
as one bit of a sum, such as the XNOR of a weight and an input. A *chain* is a carry chain: at each
of its places it either adds two units and the carry, or turns round: it gives the carry away and
begins again with a unit as carry-in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["AddPlace", "BitFunction", "Bits", "CarryChain", "CarryTap", "Lut", "Netlist", "Place"]

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class BitFunction:
    """A bit computed from nets: bit k of ``table`` is its value where net i is bit i of k."""

    nets: tuple[int, ...]
    table: int

    @classmethod
    def constant(cls, value: int) -> "BitFunction":
        """A bit that does not change."""
        return cls((), value)

    @property
    def inverted(self) -> "BitFunction":
        """The complement of the bit."""
        return BitFunction(self.nets, ~self.table & ((1 << (1 << len(self.nets))) - 1))

    def value(self, bits: Sequence[int]) -> int:
        """The bit for values of the nets."""
        return self.table >> sum(bit << at for at, bit in enumerate(bits)) & 1

    def evaluate(self, values: Mapping[int, Bits], shape: tuple[int, ...]) -> Bits:
        """The bit for many values of the nets at once."""
        index = np.zeros(shape, np.int64)
        for at, net in enumerate(self.nets):
            index |= values[net].astype(np.int64) << at
        table = np.array([self.table >> k & 1 for k in range(1 << len(self.nets))], np.bool_)
        return table[index]


@dataclass(frozen=True)
class Lut:
    """``out`` is the value of ``unit``, of at most four nets."""

    unit: BitFunction
    out: int


@dataclass(frozen=True)
class AddPlace:
    """Adds ``u``, ``v`` and the carry: the sum goes to ``out``, the carry on to the next place.

    With ``inverted`` the carry's wire, coming and going, and ``out`` hold complements.
    """

    u: BitFunction
    v: BitFunction
    out: int
    inverted: bool


@dataclass(frozen=True)
class CarryTap:
    """Gives the carry's wire to ``out``, as it is, and puts ``inject`` on the carry's wire."""

    inject: BitFunction
    out: int | None


Place = AddPlace | CarryTap | Lut


@dataclass(frozen=True)
class CarryChain:
    """Places of one carry chain, first to last.

    The first is a Turn. A lookup table may come last.
    """

    places: tuple[Place, ...]


@dataclass
class Netlist:
    """A compressor tree in levels.

    Nets below ``inputs`` come from outside. ``level[net]`` is the level that drives the net, -1 for
    inputs. ``depth`` levels follow each other in a clock cycle, then come registers: a cell sees a
    net of its own cycle at once, one of an earlier cycle registered once for each cycle between.
    ``outputs``: the count's bits, lowest first, behind a register. ``sums``: nets, inputs of the
    last level, that are the outputs as registered one cycle before, for a running sum.
    """

    inputs: int
    levels: int
    depth: int = 1
    level: dict[int, int] = field(default_factory=dict)
    cells: list[tuple[int, Lut | CarryChain]] = field(default_factory=list)
    outputs: tuple[BitFunction, ...] = ()
    sums: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.level.update(dict.fromkeys(range(self.inputs), -1))

    @property
    def latency(self) -> int:
        """Clock cycles from inputs to outputs."""
        return -(-self.levels // self.depth)

    @property
    def lut4(self) -> int:
        """Lookup tables and places of chains, the unused halves of slices not counted."""
        return sum(
            len(cell.places) if isinstance(cell, CarryChain) else 1 for _, cell in self.cells
        )

    def new_net(self, level: int) -> int:
        """A net that a cell of ``level`` will drive."""
        net = len(self.level)
        self.level[net] = level
        return net

    def evaluate(self, inputs: Bits) -> NDArray[np.int64]:
        """Counts ``(n,)`` for input nets ``(inputs, n)``, without regard to registers."""
        bits = self.output_bits(inputs)
        count = np.zeros(inputs.shape[1:], np.int64)
        for at, bit in enumerate(bits):
            count |= bit.astype(np.int64) << at
        return count

    def output_bits(self, inputs: Bits) -> list[Bits]:
        """The outputs, each ``(n,)``, for input nets ``(inputs, n)``, without regard to registers.
        Each cell stands behind those that drive what it reads.
        """
        values = self.values(inputs)
        return [unit.evaluate(values, inputs.shape[1:]) for unit in self.outputs]

    def values(self, inputs: Bits) -> dict[int, Bits]:
        """Every net, each ``(n,)``; see ``output_bits``."""
        shape = inputs.shape[1:]
        values: dict[int, Bits] = dict(enumerate(inputs))
        for _, cell in self.cells:
            if isinstance(cell, Lut):
                values[cell.out] = cell.unit.evaluate(values, shape)
            else:
                run_chain(cell, values, shape)
        return values


def run_chain(chain: CarryChain, values: dict[int, Bits], shape: tuple[int, ...]) -> None:
    """Set the nets that a chain drives."""
    carry = np.zeros(shape, np.bool_)
    for place in chain.places:
        if isinstance(place, Lut):
            values[place.out] = place.unit.evaluate(values, shape)
            continue
        if isinstance(place, CarryTap):
            if place.out is not None:
                values[place.out] = carry
            carry = place.inject.evaluate(values, shape)
            continue
        u, v = place.u.evaluate(values, shape), place.v.evaluate(values, shape)
        values[place.out] = u ^ v ^ carry
        carry = np.where(u ^ v, carry, u ^ place.inverted)
