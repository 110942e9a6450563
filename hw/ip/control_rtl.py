"""The control registers of a core, and the buses that reach them."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.ip.buses_rtl import AxiLiteSignature, WishboneSignature
from subbit.hw.ip.registers import (
    ADDRESS_BITS,
    COUNTER_BITS,
    Control,
    CoreIdentity,
    Register,
)

__all__ = ["AxiLiteControl", "ControlRegisters", "WishboneControl"]

OKAY, SLAVE_ERROR = 0, 2
WORDS = slice(2, 4)  # address bits that choose one of four words
WRITTEN = Register.CONTROL >> WORDS.start


def is_outside(address: Value) -> Value:
    """Whether there is no register at that byte address."""
    return address[WORDS.stop :].any()


class ControlRegisters(wiring.Component):
    """The registers of ``identity``, and what they count and switch.

    ``done``, ``early``, ``late`` (in): 1 for a cycle for each sound result and for each packet that
    ended too early or too late; ``busy`` (in). ``clear`` (out): 1 for the cycle after RESET was
    written. ``irq`` (out): ERROR or FRAME is 1 whose interrupt is enabled; from a register.

    ``r_address`` (in, bytes): ``r_data`` (out) and ``r_fault`` (out) are combinational. ``write``
    (in): ``w_data`` goes to ``w_address``, of which the lowest byte counts, if ``w_low`` is 1.
    ``w_fault`` (out): nothing can be written there, and nothing is. FRAMES counts modulo 2**32,
    EARLY and LATE modulo 256. A restart by ``clear`` leaves all registers as they are.
    """

    done: Signal
    early: Signal
    late: Signal
    busy: Signal
    clear: Signal
    irq: Signal
    r_address: Signal
    r_data: Signal
    r_fault: Signal
    write: Signal
    w_address: Signal
    w_data: Signal
    w_low: Signal
    w_fault: Signal

    def __init__(self, *, identity: CoreIdentity) -> None:
        self._constants = identity.constants
        super().__init__(
            {
                **{"done": In(1), "early": In(1), "late": In(1), "busy": In(1)},
                **{"clear": Out(1), "irq": Out(1)},
                **{"r_address": In(ADDRESS_BITS), "r_data": Out(32), "r_fault": Out(1)},
                **{"write": In(1), "w_address": In(ADDRESS_BITS), "w_data": In(8), "w_low": In(1)},
                "w_fault": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        frames, early, late = Signal(32), Signal(COUNTER_BITS), Signal(COUNTER_BITS)
        pending, enabled = Signal(2), Signal(2)  # errors, frames
        for count, event in ((frames, self.done), (early, self.early), (late, self.late)):
            with m.If(event):
                m.d.sync += count.eq(count + 1)
        state = Cat(Const(0, 1), pending, self.busy, enabled, Const(0, 2), early, late)
        constants = (Const(value, 32) for value in self._constants.values())
        with m.Switch(self.r_address[WORDS]):
            for number, value in enumerate((*constants, frames, state)):
                with m.Case(number):
                    m.d.comb += self.r_data.eq(value)
        put = Signal()
        m.d.comb += [
            self.r_fault.eq(is_outside(self.r_address)),
            self.w_fault.eq(is_outside(self.w_address) | (self.w_address[WORDS] != WRITTEN)),
            put.eq(self.write & self.w_low & ~self.w_fault),
        ]
        with m.If(put):
            m.d.sync += enabled.eq(self.w_data[Control.ERROR_IRQ :])
        cleared = self.w_data[Control.ERROR : Control.BUSY] & put.replicate(2)
        m.d.sync += [
            self.clear.eq(put & self.w_data[Control.RESET]),
            pending.eq((pending & ~cleared) | Cat(self.early | self.late, self.done)),
            self.irq.eq((pending & enabled).any()),
        ]
        return m


class AxiLiteControl(wiring.Component):
    """AXI4-Lite in front of ControlRegisters: ``bus`` (in) and ``registers`` (out), its bus side.

    A write is taken when address and data are both there, and answered in the next cycle; so is a
    read. What does not exist or cannot be written is answered by SLVERR.
    """

    bus: Any

    def __init__(self, *, registers: ControlRegisters) -> None:
        self._registers = registers
        super().__init__({"bus": In(AxiLiteSignature())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus, registers = self.bus, self._registers
        m.submodules.registers = registers
        write, read = Signal(), Signal()
        m.d.comb += [
            write.eq(bus.awvalid & bus.wvalid & ~bus.bvalid),
            bus.awready.eq(write),
            bus.wready.eq(write),
            registers.write.eq(write),
            registers.w_address.eq(bus.awaddr),
            registers.w_data.eq(bus.wdata),
            registers.w_low.eq(bus.wstrb[0]),
            read.eq(bus.arvalid & ~bus.rvalid),
            bus.arready.eq(read),
            registers.r_address.eq(bus.araddr),
        ]
        with m.If(write):
            m.d.sync += bus.bresp.eq(Mux(registers.w_fault, SLAVE_ERROR, OKAY))
        with m.If(read):
            m.d.sync += bus.rdata.eq(registers.r_data)
            m.d.sync += bus.rresp.eq(Mux(registers.r_fault, SLAVE_ERROR, OKAY))
        m.d.sync += [
            bus.bvalid.eq(write | (bus.bvalid & ~bus.bready)),
            bus.rvalid.eq(read | (bus.rvalid & ~bus.rready)),
        ]
        return m


class WishboneControl(wiring.Component):
    """Wishbone in front of ControlRegisters: ``bus`` (in).

    Each cycle of the bus is answered one clock cycle after it began: by ``ack``, or by ``err``
    where there is no register or it cannot be written.
    """

    bus: Any

    def __init__(self, *, registers: ControlRegisters) -> None:
        self._registers = registers
        super().__init__({"bus": In(WishboneSignature())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus, registers = self.bus, self._registers
        m.submodules.registers = registers
        begins, fault = Signal(), Signal()
        address = bus.adr << 2
        m.d.comb += [
            begins.eq(bus.cyc & bus.stb & ~bus.ack & ~bus.err),
            registers.r_address.eq(address),
            registers.w_address.eq(address),
            registers.w_data.eq(bus.dat_w),
            registers.w_low.eq(bus.sel[0]),
            registers.write.eq(begins & bus.we),
            fault.eq(Mux(bus.we, registers.w_fault, registers.r_fault)),
        ]
        m.d.sync += [bus.ack.eq(begins & ~fault), bus.err.eq(begins & fault)]
        with m.If(begins):
            m.d.sync += bus.dat_r.eq(registers.r_data)
        return m
