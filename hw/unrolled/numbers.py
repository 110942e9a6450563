"""Numbers on wires, and the operations of an adder network that make them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from subbit.hw.families.netlist import BitFunction

__all__ = ["Adder", "Bits", "Graph", "Logic", "Number", "Operation", "wire"]

Bits = tuple[BitFunction, ...]


def wire(net: int) -> BitFunction:
    """A net as a bit."""
    return BitFunction((net,), 0b10)


@dataclass(frozen=True)
class Number:
    """``value = offset + 2**shift * raw``: ``bits`` are those of the unsigned ``raw``, the lowest
    first, each a net or its complement. ``low..high``: the values there are.
    """

    bits: Bits
    offset: int
    low: int
    high: int
    shift: int = 0

    @property
    def top(self) -> int:
        """The weight above the highest bit."""
        return self.shift + len(self.bits)

    @property
    def negated(self) -> "Number":
        """The number of the other sign: the complements of all bits."""
        most = ((1 << len(self.bits)) - 1) << self.shift
        bits = tuple(bit.inverted for bit in self.bits)
        return Number(bits, -self.offset - most, -self.high, -self.low, self.shift)

    def times(self, sign: int, shift: int = 0) -> "Number":
        """``sign * 2**shift`` times the number."""
        found = self if sign > 0 else self.negated
        return replace(
            found,
            offset=found.offset << shift,
            low=found.low << shift,
            high=found.high << shift,
            shift=found.shift + shift,
        )


@dataclass(frozen=True)
class Adder:
    """A carry chain: ``u + v + inject``, place by place, on the nets ``outs``, and the last carry
    on ``carry`` unless None. ``tables``: lookup tables in front of it, whose nets ``table_outs``
    the chain alone reads.
    """

    u: Bits
    v: Bits
    inject: BitFunction
    outs: tuple[int, ...]
    carry: int | None
    tables: Bits = ()
    table_outs: tuple[int, ...] = ()

    @property
    def inputs(self) -> Iterator[int]:
        """The nets that it reads."""
        units = (*self.u, *self.v, self.inject, *self.tables)
        return (net for unit in units for net in unit.nets if net not in self.table_outs)

    def shortened(self, length: int) -> "Adder":
        """The chain up to a place, without its carry."""
        u, v = self.u[:length], self.v[:length]
        read = {net for unit in (*u, *v, self.inject) for net in unit.nets}
        made = zip(self.tables, self.table_outs, strict=True)
        kept = [(unit, net) for unit, net in made if net in read]
        tables, table_outs = tuple(unit for unit, _ in kept), tuple(net for _, net in kept)
        return Adder(u, v, self.inject, self.outs[:length], None, tables, table_outs)

    @property
    def nets(self) -> tuple[int, ...]:
        """The nets that it drives."""
        return self.outs if self.carry is None else (*self.outs, self.carry)


@dataclass(frozen=True)
class Logic:
    """Lookup tables, some of which may read others of the same operation: ``units`` drive
    ``outs``; only those in ``kept`` are read elsewhere.
    """

    units: Bits
    outs: tuple[int, ...]
    kept: tuple[int, ...]

    @property
    def inputs(self) -> Iterator[int]:
        """The nets that it reads."""
        return (net for unit in self.units for net in unit.nets if net not in self.outs)

    @property
    def nets(self) -> tuple[int, ...]:
        """The nets that it drives."""
        return self.outs


Operation = Adder | Logic


@dataclass
class Graph:
    """Operations, each behind those whose nets it reads.

    ``inputs``: nets that come from outside, the first ones. ``level[net]``: the earliest level in
    which the net is driven, -1 for inputs.
    """

    inputs: int
    operations: list[Operation] = field(default_factory=list)
    level: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.level = [-1] * self.inputs

    def new_nets(self, count: int, reads: Sequence[BitFunction]) -> tuple[int, ...]:
        """Nets that an operation drives which reads those bits."""
        level = 1 + max((self.level[net] for unit in reads for net in unit.nets), default=-1)
        first = len(self.level)
        self.level += [level] * count
        return tuple(range(first, first + count))

    def add(
        self, u: Bits, v: Bits, inject: BitFunction, *, carries: bool, tables: Bits = ()
    ) -> tuple[int, ...]:
        """A carry chain; returns the nets of its sum, with the last carry where it ``carries``.

        ``tables``: in front of it, the lowest places of ``u``.
        """
        nets = self.new_nets(2 * len(tables) + len(u) + carries, (*u, *v, inject, *tables))
        made, nets = nets[: len(tables)], nets[len(tables) :]
        u = (*map(wire, made), *u)
        outs, carry = (nets[:-1], nets[-1]) if carries else (nets, None)
        self.operations.append(Adder(u, v, inject, outs, carry, tables, made))
        return nets

    def look_up(self, *units: BitFunction) -> tuple[int, ...]:
        """A lookup table for each unit; returns their nets."""
        nets = self.new_nets(len(units), units)
        self.operations.append(Logic(units, nets, nets))
        return nets

    def ready(self, number: Number) -> int:
        """The level in which the last bit of a number is driven."""
        return max((self.level[net] for bit in number.bits for net in bit.nets), default=-1)
