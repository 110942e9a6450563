"""In which cycle each operation of an adder network takes place, and the registers that takes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from subbit.hw.unrolled.numbers import Adder, Graph, Operation

__all__ = ["Registers", "live_operations", "register_count", "timed"]

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
    return adder.shortened(length)


def timed(operations: Sequence[Operation], wanted: Iterable[int]) -> list[int]:
    """The cycle of each operation, from 0: each later than those it reads from, the nets ``wanted``
    all there together as early as can be, and few registers.

    All begin as late as possible, since inputs have registers that all share; then each moves to
    where it and what it reads take the fewest registers, later ones first. The same for the same
    operations.
    """
    table = Schedule(operations, wanted)
    for _ in range(PASSES):
        for at in reversed(range(len(operations))):
            table.settle(at)
    return table.cycles


class Schedule:
    """The cycles of operations, and who reads which net."""

    def __init__(self, operations: Sequence[Operation], wanted: Iterable[int]) -> None:
        self.driver = {net: at for at, op in enumerate(operations) for net in op.nets}
        self.reads = [sorted(set(operation.inputs)) for operation in operations]
        self.nets = [operation.nets for operation in operations]
        self.readers: dict[int, list[int]] = {}
        for at, reads in enumerate(self.reads):
            for net in reads:
                self.readers.setdefault(net, []).append(at)
        self.cycles: list[int] = []
        for at in range(len(operations)):
            self.cycles.append(self.earliest(at))
        self.last = dict.fromkeys(wanted, max(self.cycles, default=-1) + 1)
        for at in reversed(range(len(operations))):
            self.cycles[at] = self.latest(at)

    def earliest(self, at: int) -> int:
        """The first cycle after those of what an operation reads."""
        made = (self.cycles[self.driver[net]] for net in self.reads[at] if net in self.driver)
        return 1 + max(made, default=-1)

    def latest(self, at: int) -> int:
        """The last cycle before those of what reads an operation."""
        return min(min(self.read(net)) for net in self.nets[at] if self.read(net)) - 1

    def read(self, net: int, without: int = -1) -> list[int]:
        """The cycles in which a net is read, but for those of one operation."""
        found = [self.cycles[at] for at in self.readers.get(net, ()) if at != without]
        return [*found, self.last[net]] if net in self.last else found

    def settle(self, at: int) -> None:
        """Move an operation to where the fewest registers are, the earliest such cycle."""
        choices = range(self.earliest(at), self.latest(at) + 1)
        if len(choices) < 2:
            return
        others = [max(self.read(net, at), default=0) for net in self.reads[at]]
        outs = len(self.nets[at])

        def registers(cycle: int) -> int:
            return sum(max(0, cycle - other) for other in others) - outs * cycle

        self.cycles[at] = min(choices, key=registers)


@dataclass(frozen=True)
class Registers:
    """Registers of one bit: in all, and those of them behind another register or an input, in front
    of which no operation stands.
    """

    count: int
    delays: int


def register_count(
    operations: Sequence[Operation], cycles: Sequence[int], wanted: Iterable[int]
) -> Registers:
    """A net has a register for each cycle from that of its driver to the last one in which it is
    read; inputs are there in cycle 0.
    """
    made = {net: at for op, at in zip(operations, cycles, strict=True) for net in op.nets}
    end = max(cycles, default=-1) + 1
    read = dict.fromkeys(wanted, end)
    for operation, cycle in zip(operations, cycles, strict=True):
        for net in operation.inputs:
            read[net] = max(read.get(net, 0), cycle)
    times = {net: max(0, cycle - made.get(net, 0)) for net, cycle in read.items()}
    first = sum(net in made and time > 0 for net, time in times.items())
    count = sum(times.values())
    return Registers(count, count - first)
