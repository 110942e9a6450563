"""From the operations of an adder network to a netlist of carry chains and lookup tables."""

from collections.abc import Sequence

from subbit.hw.families.netlist import (
    AddPlace,
    BitFunction,
    CarryChain,
    CarryTap,
    Lut,
    Netlist,
    Place,
)
from subbit.hw.unrolled.numbers import Adder, Bits, Graph, Operation

__all__ = ["netlist_of"]


def netlist_of(
    graph: Graph, operations: Sequence[Operation], cycles: Sequence[int], outputs: Bits, limit: int
) -> Netlist:
    """The netlist with registers behind each cycle.

    ``limit``: places of a carry chain; adders of one cycle, neighbours among the operations, stand
    on a chain together, as each begins where the one before gives its carry away. 0: each stands
    alone.
    """
    netlist = Netlist(graph.inputs, max(cycles, default=-1) + 1)
    netlist.level |= dict.fromkeys(range(graph.inputs, len(graph.level)), 0)
    adders: list[list[Adder]] = [[] for _ in range(netlist.levels)]
    tables: list[list[Lut]] = [[] for _ in range(netlist.levels)]
    for operation, cycle in zip(operations, cycles, strict=True):
        netlist.level |= dict.fromkeys(operation.nets, cycle)
        if isinstance(operation, Adder):
            adders[cycle].append(operation)
            netlist.level |= dict.fromkeys(operation.table_outs, cycle)
            tables[cycle] += map(Lut, operation.tables, operation.table_outs)
        else:
            tables[cycle] += map(Lut, operation.units, operation.outs)
    for cycle in range(netlist.levels):
        netlist.cells += [(cycle, table) for table in tables[cycle]]
        netlist.cells += [(cycle, chain) for chain in chains(adders[cycle], limit)]
    netlist.outputs = outputs
    return netlist


def chains(adders: Sequence[Adder], limit: int) -> list[CarryChain]:
    """Adders on carry chains, one behind the other."""
    found: list[list[Place]] = []
    carry: int | None = None
    for adder in adders:
        size = len(adder.outs) + 1
        if not found or len(found[-1]) + size >= limit:
            end(found, carry)
            found.append([])
            carry = None
        found[-1].append(CarryTap(adder.inject, carry))
        found[-1] += [
            AddPlace(u, v, out, False)
            for u, v, out in zip(adder.u, adder.v, adder.outs, strict=True)
        ]
        carry = adder.carry
    end(found, carry)
    return [CarryChain(tuple(places)) for places in found]


def end(found: list[list[Place]], carry: int | None) -> None:
    """Give the last carry of the last chain away."""
    if carry is not None:
        found[-1].append(CarryTap(BitFunction.constant(0), carry))
