"""In which cycle each operation of an adder network takes place, and the registers that takes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from subbit.hw.unrolled.numbers import Adder, Graph, Operation

__all__ = ["live_operations", "register_count", "timed"]

PASSES = 4  # over all operations, each of which moves where the registers are fewest


def live_operations(graph: Graph, wanted: Iterable[int]) -> list[Operation]:
    """The operations that the nets ``wanted`` need, chains without what nobody reads at their
    upper end.
    """
    needed, found = set(wanted), list[Operation]()
    for operation in reversed(graph.operations):
        if isinstance(operation, Adder):
            operation = shortened(operation, needed)
        if needed.isdisjoint(operation.nets):
            continue
        needed.update(operation.inputs)
        found.append(operation)
    return found[::-1]


def shortened(adder: Adder, needed: set[int]) -> Adder:
    """The chain up to the last net that is needed."""
    if adder.carry in needed:
        return adder
    length = max((at + 1 for at, net in enumerate(adder.outs) if net in needed), default=0)
    return replace(
        adder, u=adder.u[:length], v=adder.v[:length], outs=adder.outs[:length], carry=None
    )


def timed(operations: Sequence[Operation], inputs: int, wanted: Iterable[int]) -> list[int]:
    """The cycle of each operation, from 0: each later than those it reads from, the nets ``wanted``
    all there together, and few registers.

    All begin as early as possible; then each moves to where it and what it reads take the fewest
    registers, later ones first. The same for the same operations.
    """
    driver = {net: at for at, operation in enumerate(operations) for net in operation.nets}
    cycles: list[int] = []
    for operation in operations:
        before = [cycles[driver[net]] for net in operation.inputs if net in driver]
        cycles.append(1 + max(before, default=-1))
    end = max(cycles, default=-1) + 1
    readers: dict[int, list[int]] = {}
    for at, operation in enumerate(operations):
        for net in set(operation.inputs):
            readers.setdefault(net, []).append(at)
    last = dict.fromkeys(wanted, end)

    def last_read(net: int, without: int = -1) -> int:
        reads = [cycles[at] for at in readers.get(net, ()) if at != without]
        return max(reads + [last[net]] if net in last else reads, default=0)

    def needed_at(net: int) -> int:
        return min([cycles[at] for at in readers.get(net, ())] + [last.get(net, end)])

    for _ in range(PASSES):
        for at in reversed(range(len(operations))):
            operation = operations[at]
            reads = sorted(set(operation.inputs))
            earliest = max((cycles[driver[net]] + 1 for net in reads if net in driver), default=0)
            latest = min(needed_at(net) for net in operation.nets) - 1
            if earliest == latest:
                continue
            others = [last_read(net, at) for net in reads]
            outs = len(operation.nets)

            def registers(
                cycle: int, others: list[int] = others, outs: int = outs
            ) -> tuple[int, int]:
                return sum(max(0, cycle - other) for other in others) - outs * cycle, cycle

            cycles[at] = min(range(earliest, latest + 1), key=registers)
    return cycles


def register_count(
    operations: Sequence[Operation], cycles: Sequence[int], wanted: Iterable[int]
) -> int:
    """Registers of one bit: a net has one for each cycle from that of its driver to the last one in
    which it is read; inputs are there in cycle 0.
    """
    made = {net: at for op, at in zip(operations, cycles, strict=True) for net in op.nets}
    end = max(cycles, default=-1) + 1
    read = dict.fromkeys(wanted, end)
    for operation, cycle in zip(operations, cycles, strict=True):
        for net in operation.inputs:
            read[net] = max(read.get(net, 0), cycle)
    return sum(max(0, cycle - made.get(net, 0)) for net, cycle in read.items())
