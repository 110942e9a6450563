"""Asynchronous serial receiver and transmitter: 8 data bits, no parity, one stop bit.

Bits are timed by a phase accumulator, so that a bit may last any number of cycles, whole or not:
3 Mbaud from 25 MHz are 8.33 cycles a bit.
"""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["RECEIVED", "UartRx", "UartTx", "phase_step"]

RECEIVED = data.StructLayout({"data": 8, "error": 1})
BITS = 10  # start, eight data bits, stop
TOLERANCE = 0.001
MIN_CYCLES = 4
MAX_PHASE_BITS = 24


def phase_step(clock_hz: int, baud: int) -> tuple[int, int]:
    """Increment and width of the accumulator that overflows ``baud`` times a second, within 0.1 %.

    Raises ValueError if a bit has less than four cycles, or more than the accumulator can count.
    """
    if not 0 < MIN_CYCLES * baud <= clock_hz:
        raise ValueError(
            f"a bit must last at least {MIN_CYCLES} cycles, but {baud} baud at {clock_hz} Hz gives "
            f"{clock_hz / baud if baud else 0:.2f}"
        )
    for bits in range(3, MAX_PHASE_BITS + 1):
        exact = (baud << bits) / clock_hz
        if abs(round(exact) / exact - 1) <= TOLERANCE:
            return round(exact), bits
    raise ValueError(f"{baud} baud is too slow to be timed from {clock_hz} Hz")


class UartRx(wiring.Component):
    """Receives bytes from ``rx`` (in, idle at 1) at ``baud`` in a domain of ``clock_hz``.

    ``o`` is valid for one cycle in the middle of each stop bit; ``error`` says that the stop bit
    was 0, as in a break or at a wrong rate. A start bit that is gone by its middle is taken for a
    disturbance. Each bit is sampled once, in its middle to within a cycle: with ``c`` cycles per
    bit, the sender's rate may differ by ``(c/2 - 1) / (9.5 * c)``, 3.9 % at 8.33 cycles.

    Latency: ``9.5 * c`` cycles and the synchroniser's two. Interval: bytes come ``9.5 * c`` or more
    cycles apart. Raises ValueError where a bit has less than four cycles, or more than the
    accumulator of phases can count.
    """

    rx: Signal
    o: stream.Interface

    def __init__(self, *, clock_hz: int, baud: int) -> None:
        self._step, self._phase_bits = phase_step(clock_hz, baud)
        super().__init__({"rx": In(1), "o": Out(stream.Signature(RECEIVED, always_ready=True))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rx, before = Signal(init=1), Signal(init=1)
        m.submodules.sync = FFSynchronizer(self.rx, rx, init=1)
        m.d.sync += before.eq(rx)

        phase = Signal(self._phase_bits)
        carry = Signal()
        left = Signal(range(BITS + 1))  # samples to take, the start bit's included
        byte = Signal(8)
        m.d.comb += [
            self.o.payload.data.eq(byte),
            self.o.payload.error.eq(~rx),
            self.o.valid.eq(carry & (left == 1)),
        ]
        with m.If(left == 0):
            # Half a bit, less the cycle that it takes to see the edge.
            m.d.sync += phase.eq((1 << (self._phase_bits - 1)) + self._step)
            with m.If(before & ~rx):
                m.d.sync += left.eq(BITS)
        with m.Else():
            m.d.comb += carry.eq((phase + self._step)[-1])
            m.d.sync += phase.eq(phase + self._step)
            with m.If(carry):
                m.d.sync += left.eq(left - 1)
                with m.If((left == BITS) & rx):
                    m.d.sync += left.eq(0)
                with m.If(left != 1):
                    m.d.sync += byte.eq(Cat(byte[1:], rx))
        return m


class UartTx(wiring.Component):
    """Sends the bytes of ``i`` on ``tx`` (out, idle at 1) at ``baud`` in a domain of ``clock_hz``.

    Latency: with ``c`` cycles per bit, a byte is taken, and its start bit begins, within
    ``ceil(c) + 1`` cycles of being offered to an idle transmitter. Interval: ``10 * c`` cycles a
    byte; bytes that wait follow each other without a gap. Raises ValueError where a bit has less
    than four cycles, or more than the accumulator of phases can count.
    """

    i: stream.Interface
    tx: Signal

    def __init__(self, *, clock_hz: int, baud: int) -> None:
        self._step, self._phase_bits = phase_step(clock_hz, baud)
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        phase = Signal(self._phase_bits)
        tick = Signal()
        left = Signal(range(BITS))  # bits to send after the one on the line
        bits = Signal(9, init=0x1FF)
        m.d.sync += Cat(phase, tick).eq(phase + self._step)
        m.d.comb += [
            self.tx.eq(bits[0]),
            self.i.ready.eq(tick & (left == 0)),
        ]
        with m.If(tick):
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += [bits.eq(Cat(Const(0), self.i.payload)), left.eq(BITS - 1)]
            with m.Else():
                m.d.sync += bits.eq(Cat(bits[1:], Const(1)))
                with m.If(left != 0):
                    m.d.sync += left.eq(left - 1)
        return m
