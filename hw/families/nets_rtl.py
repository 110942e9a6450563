"""The registers of a compressor netlist."""

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Signal, Value

from subbit.hw.families.netlist import BitFunction, Netlist

__all__ = ["NetRegisters"]


class NetRegisters:
    """The nets of a netlist as signals, delayed to the clock cycle that uses them.

    Each net has one register for each cycle between that of its driver and that of its users, who
    share them. Input nets are used in the first cycle as they are.
    """

    def __init__(
        self,
        m: Module,
        netlist: Netlist,
        inputs: Sequence[Value],
        share: "NetRegisters | None" = None,
        shared: int = 0,
    ) -> None:
        """The first ``shared`` input nets are those of ``share``, registers included."""
        self.m, self.netlist = m, netlist
        self.share, self.shared = share, shared
        self.delayed: dict[tuple[int, int], Value] = {
            (net, 0): value for net, value in enumerate(inputs)
        }

    def drive(self, net: int) -> Value:
        """The signal of a net, for the cell that drives it."""
        return self.at(net, self.netlist.level[net] // self.netlist.depth)

    def used(self, net: int, level: int) -> Value:
        """The value of the net for a cell of ``level``."""
        if net in self.netlist.sums:
            return self.output(self.netlist.outputs[self.netlist.sums.index(net)])
        return self.at(net, level // self.netlist.depth)

    def output(self, unit: BitFunction) -> Value:
        """An output bit."""
        return self.at(unit.nets[0], self.netlist.latency) if unit.nets else Const(unit.table, 1)

    def at(self, net: int, cycle: int) -> Value:
        """The value of the net in a cycle, counted from 0."""
        if self.share and net < self.shared:
            return self.share.at(net, cycle)
        if (net, cycle) not in self.delayed:
            signal = Signal(name=f"net{net}_at{cycle}", reset_less=True)
            self.delayed[net, cycle] = signal
            if cycle > self.netlist.level[net] // self.netlist.depth:
                self.m.d.sync += signal.eq(self.at(net, cycle - 1))
        return self.delayed[net, cycle]
