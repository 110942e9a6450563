"""A network as a core of the user's own design, as an Amaranth component and as Verilog."""

from typing import Any

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Module,
    ResetInserter,
    ResetSignal,
    Signal,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.cost import Cost
from subbit.hw.design.accelerator import Accelerator
from subbit.hw.ip.buses_rtl import (
    AxiLiteSignature,
    AxiStreamSignature,
    PacketSignature,
    WishboneSignature,
)
from subbit.hw.ip.control_rtl import AxiLiteControl, ControlRegisters, WishboneControl
from subbit.hw.ip.framing_rtl import PacketGuard, ResultPackets
from subbit.hw.ip.registers import CoreIdentity
from subbit.hw.ip.shape import CoreShape, check_bus
from subbit.sw.lower.pipeline import Pipeline

__all__ = ["IpCore", "VerilogCore", "core_identity", "core_shape"]


def core_shape(pipeline: Pipeline) -> CoreShape:
    """What the core of a pipeline takes and gives."""
    first, last = pipeline.steps[0].unit, pipeline.steps[-1].unit
    return CoreShape(
        i=pipeline.i,
        o=pipeline.o,
        i_beats=first.i_beats,
        o_beats=last.o_beats,
        in_flight=pipeline.latency_cycles // pipeline.interval_cycles + 2,
    )


def core_identity(pipeline: Pipeline) -> CoreIdentity:
    """What the core of a pipeline says of itself."""
    return CoreIdentity(digest=pipeline.network.digest)


class IpCore(wiring.Component):
    """The network of ``pipeline`` behind one of the buses ``axi-stream``, ``wishbone``, ``plain``.

    ``axi-stream``: frames come on ``s_axis`` and results leave on ``m_axis``, both AXI4-Stream, a
    packet each, as :class:`subbit.hw.ip.shape.CoreShape` says; ``s_axi`` is an AXI4-Lite port to
    the registers of :mod:`subbit.hw.ip.registers`, ``irq`` (out) its interrupt. ``wishbone``: the
    same with a Wishbone port ``wb`` in place of ``s_axi``. ``plain``: the same packets on ``i`` and
    ``o`` (PacketSignature), and in place of registers ``clear`` (in; restarts the core), ``early``
    and ``late`` (out; 1 for a cycle where a packet had another length), ``done`` (out; for each
    sound result) and ``busy`` (out).

    Everything is in domain ``sync``. Latency: that of ``pipeline`` and 1 cycle. Interval: that of
    ``pipeline``. Raises PlanError where a beat does not fit the bus.
    """

    irq: Signal
    clear: Signal
    early: Signal
    late: Signal
    done: Signal
    busy: Signal

    def __init__(self, *, pipeline: Pipeline, bus: str) -> None:
        self.pipeline, self.bus, self.shape = pipeline, bus, core_shape(pipeline)
        check_bus(bus, self.shape)
        i_bits, o_bits = self.shape.i_word.bits, self.shape.o_word.bits
        members: dict[str, Any]
        if bus == "plain":
            members = {
                "i": In(PacketSignature(i_bits)),
                "o": Out(PacketSignature(o_bits, marked=True)),
                "clear": In(1),
                **{"early": Out(1), "late": Out(1), "done": Out(1), "busy": Out(1)},
            }
        else:
            members = {
                "s_axis": In(AxiStreamSignature(i_bits)),
                "m_axis": Out(AxiStreamSignature(o_bits, marked=True)),
                **(
                    {"s_axi": In(AxiLiteSignature())}
                    if bus == "axi-stream"
                    else {"wb": In(WishboneSignature())}
                ),
                "irq": Out(1),
            }
        super().__init__(members)

    def cost(self) -> Cost:
        """Of everything around the accelerator."""
        control = Cost() if self.bus == "plain" else core_identity(self.pipeline).cost()
        return self.shape.cost() + control

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        clear = Signal()
        accelerator = Accelerator(pipeline=self.pipeline)
        m.submodules.accelerator = ResetInserter(clear)(accelerator)
        # The framing counts with the accelerator, but outlives a soft reset.
        m.submodules.guard = guard = PacketGuard(shape=self.shape)
        m.submodules.results = results = ResultPackets(shape=self.shape)
        wiring.connect(m, guard.o, accelerator.i)
        wiring.connect(m, accelerator.o, results.i)
        m.d.comb += [
            guard.hold.eq(results.hold),
            guard.clear.eq(clear),
            results.clear.eq(clear),
            results.ended.eq(guard.ended),
            results.damaged.eq(guard.damaged),
        ]
        if self.bus == "plain":
            port: Any = self
            wiring.connect(m, wiring.flipped(port.i), guard.i)
            wiring.connect(m, results.o, wiring.flipped(port.o))
            m.d.comb += [
                clear.eq(port.clear),
                port.early.eq(guard.early),
                port.late.eq(guard.late),
                port.done.eq(results.done),
                port.busy.eq(results.busy),
            ]
            return m
        self._join_axi(m, guard, results)
        self._join_control(m, guard, results, clear)
        return m

    def _join_axi(self, m: Module, guard: PacketGuard, results: ResultPackets) -> None:
        """Connect the packets to the AXI4-Stream ports."""
        port: Any = self
        m.d.comb += [
            guard.i.data.eq(port.s_axis.tdata),
            guard.i.last.eq(port.s_axis.tlast),
            guard.i.valid.eq(port.s_axis.tvalid),
            port.s_axis.tready.eq(guard.i.ready),
            port.m_axis.tdata.eq(results.o.data),
            port.m_axis.tlast.eq(results.o.last),
            port.m_axis.tuser.eq(results.o.error),
            port.m_axis.tvalid.eq(results.o.valid),
            results.o.ready.eq(port.m_axis.tready),
        ]

    def _join_control(
        self, m: Module, guard: PacketGuard, results: ResultPackets, clear: Signal
    ) -> None:
        """Connect registers and their bus."""
        port: Any = self
        registers = ControlRegisters(identity=core_identity(self.pipeline))
        control: Any
        if self.bus == "axi-stream":
            control, bus = AxiLiteControl(registers=registers), port.s_axi
        else:
            control, bus = WishboneControl(registers=registers), port.wb
        m.submodules.control = control
        wiring.connect(m, wiring.flipped(bus), control.bus)
        m.d.comb += [
            clear.eq(registers.clear),
            registers.done.eq(results.done),
            registers.early.eq(guard.early),
            registers.late.eq(guard.late),
            registers.busy.eq(results.busy),
            port.irq.eq(registers.irq),
        ]


class VerilogCore(wiring.Component):
    """An IpCore with the ports that Verilog users know: one name each, as ``s_axis_tdata``.

    Clock and reset are ports too: ``aclk`` and ``aresetn`` (active low) of ``axi-stream``, else
    ``clk`` and ``rst`` (active high); the reset is synchronous.
    Latency and interval are the core's.
    """

    aclk: Signal
    aresetn: Signal
    clk: Signal
    rst: Signal

    def __init__(self, *, core: IpCore) -> None:
        self._core = core
        axi = core.bus == "axi-stream"
        self.clock, self.reset = ("aclk", "aresetn") if axi else ("clk", "rst")
        self._ports: list[tuple[str, Any, Any]] = []
        members: dict[str, Any] = {self.clock: In(1), self.reset: In(1)}
        for place, member, value in core.signature.flatten(core):
            name = "_".join(map(str, place))
            self._ports.append((name, member.flow, value))
            members[name] = member.flow(member.shape)
        super().__init__(members)

    @property
    def ports(self) -> list[tuple[str, str, int]]:
        """Name, direction (``input``, ``output``) and bits of each port."""
        rows = [(self.clock, "input", 1), (self.reset, "input", 1)]
        for name, flow, value in self._ports:
            rows.append((name, "input" if flow is In else "output", len(value)))
        return rows

    def elaborate(self, platform: object) -> Module:
        m = Module()
        reset = getattr(self, self.reset)
        m.domains += ClockDomain("core")
        m.d.comb += [
            ClockSignal("core").eq(getattr(self, self.clock)),
            ResetSignal("core").eq(~reset if self.reset == "aresetn" else reset),
        ]
        m.submodules.core = DomainRenamer("core")(self._core)
        for name, flow, value in self._ports:
            port = getattr(self, name)
            m.d.comb += value.eq(port) if flow is In else port.eq(value)
        return m
