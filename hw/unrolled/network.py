"""The adder network of a layer whose weights are wires: what it computes, its cells and cost."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from subbit.hw.contract.cost import Cost
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.families.netlist import BitFunction, Lut, Netlist
from subbit.hw.families.table import family
from subbit.hw.unrolled.cells import netlist_of
from subbit.hw.unrolled.codes import code_of, reaches
from subbit.hw.unrolled.numbers import Adder, Bits, Logic, Operation
from subbit.hw.unrolled.sums import SumNetwork, sum_network
from subbit.hw.unrolled.timing import Registers, live_operations, register_count, timed
from subbit.sw.ir.arrays import Ints

__all__ = ["PLACES", "AdderNetwork", "Levels", "finished", "network_of", "portable_cost"]

PLACES = 32  # of a carry chain with several adders


@dataclass(frozen=True)
class Levels:
    """Thresholds of the sums of a network: ``least[o]`` are, ascending, what the sum of output o
    is compared with, and ``rising[o]`` whether its code is how many of them it reaches, or how many
    it does not.
    """

    least: tuple[tuple[int, ...], ...]
    rising: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class AdderNetwork:
    """``matrix @ x`` for unsigned codes x of ``bits`` bits, as unsigned numbers from which the sums
    follow, or as codes where there are ``levels``.

    Output o is ``units[o] * raw + offsets[o]`` of the unsigned number ``raw`` on the bits
    ``words[o]``; or these are its code. ``form``: of the carry chains, ``portable`` or the fabric
    whose cells they are. Latency: ``latency`` cycles. Interval: a vector a cycle.
    """

    sums: SumNetwork
    operations: tuple[Operation, ...]
    cycles: tuple[int, ...]
    words: tuple[Bits, ...]
    offsets: Ints
    form: str

    @property
    def latency(self) -> int:
        """Cycles from the inputs to the outputs, which come from registers."""
        return max(self.cycles, default=-1) + 1

    @property
    def units(self) -> Ints:
        """What all weights of an output have in common."""
        return self.sums.units

    @property
    def wanted(self) -> set[int]:
        """The nets of the outputs."""
        return {net for word in self.words for bit in word for net in bit.nets}

    @property
    def adders(self) -> int:
        """Carry chains' adders."""
        return sum(isinstance(operation, Adder) for operation in self.operations)

    @property
    def registers(self) -> Registers:
        """Registers of one bit."""
        return register_count(self.operations, self.cycles, self.wanted)

    @cached_property
    def netlist(self) -> Netlist:
        """The cells."""
        limit = 0 if self.form == PORTABLE else PLACES
        outputs = tuple(bit for word in self.words for bit in word)
        return netlist_of(self.sums.graph, self.operations, self.cycles, outputs, limit)

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        kept = Cost(flip_flops=self.registers.count, more_lut4=self.registers.delays)
        if self.form == PORTABLE:
            return portable_cost(self.operations) + kept
        cells = [cell for _, cell in self.netlist.cells]
        chains = sum(-(-len(cell.places) // 2) * 2 for cell in cells if not isinstance(cell, Lut))
        tables = sum(isinstance(cell, Lut) for cell in cells)
        return Cost(chains + tables) + kept


def portable_cost(operations: tuple[Operation, ...]) -> Cost:
    """Adders as synthesis makes them, each alone. Where chains add nets as they are, a complement
    takes a cell.
    """
    lut4 = more = 0
    turned: set[int] = set()
    for operation in operations:
        if isinstance(operation, Logic):
            lut4 += len(operation.units)
            continue
        places = len(operation.nets) + bool(operation.inject.nets)
        lut4 += 2 * -(-places // 2)
        more += places - 2 * -(-places // 2)
        turned.update(unit.nets[0] for unit in (*operation.u, *operation.v) if unit.table == 1)
    return Cost(lut4=lut4, more_lut4=more + len(turned))


def network_of(matrix: Ints, bits: int, form: str, levels: Levels | None = None) -> AdderNetwork:
    """The network of a matrix of integers ``(outputs, inputs)``; the same one for equal arguments.

    ``form``: ``portable``, or a fabric; where its chains add nothing but single bits, synthesis
    makes as good adders. ``levels``: what the sums are compared with; without any the sums
    themselves are wanted.
    """
    values = np.ascontiguousarray(matrix, np.int64)
    plain = form == PORTABLE or family(form).carry.plain
    return made(values.tobytes(), values.shape, bits, PORTABLE if plain else form, levels)


@lru_cache(maxsize=64)
def made(
    matrix: bytes, shape: tuple[int, int], bits: int, form: str, levels: Levels | None
) -> AdderNetwork:
    """The network; kept, as units ask for it again and again."""
    feasible = None if form == PORTABLE else family(form).carry.feasible
    sums = sum_network(np.frombuffer(matrix, np.int64).reshape(shape), bits, feasible)
    return finished(sums, form, levels)


def finished(sums: SumNetwork, form: str, levels: Levels | None) -> AdderNetwork:
    """The network of these sums, compared with ``levels`` unless None, its operations in cycles."""
    outputs = len(sums.sums)
    words: list[Bits] = []
    offsets = np.zeros(outputs, np.int64)
    for output, number in enumerate(sums.sums):
        if levels is not None:
            words.append(compared(sums, output, levels))
        elif number is None:
            words.append(())
        else:
            offsets[output] = sums.units[output] * number.offset
            words.append((BitFunction.constant(0),) * number.shift + number.bits)
    wanted = {net for word in words for bit in word for net in bit.nets}
    operations = live_operations(sums.graph, wanted)
    cycles = timed(operations, wanted)
    return AdderNetwork(sums, tuple(operations), tuple(cycles), tuple(words), offsets, form)


def compared(sums: SumNetwork, output: int, levels: Levels) -> Bits:
    """The code of an output."""
    number, unit = sums.sums[output], int(sums.units[output])
    least = [-(-level // unit) for level in levels.least[output]]
    if number is None:
        reached = [BitFunction.constant(int(level <= 0)) for level in least]
    else:
        reached = [reaches(sums.graph, number, level) for level in least]
    return tuple(code_of(sums.graph, reached, levels.rising[output]))
