"""Byte-stuffed frames with a CRC on a line of bytes.

docs/reference/host-protocol.md has the format.
"""

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.link.crc_rtl import SerialCrc32
from subbit.hw.link.hdlc import CRC_BYTES, ESCAPE, FLAG, FLIP
from subbit.hw.link.uart_rtl import RECEIVED

__all__ = ["CONTENT", "PIECE", "HdlcDeframer", "HdlcFramer"]

CONTENT = data.StructLayout({"data": 8, "end": 1, "good": 1})
PIECE = data.StructLayout({"data": 8, "last": 1})


class HdlcDeframer(wiring.Component):
    """Takes byte-stuffed frames apart: ``i`` gives the bytes of the line, ``o`` those of the
    frames.

    ``o`` carries each byte of a frame, its CRC included, with ``end`` 0, and after the last one a
    beat with ``end`` 1 for the flag; ``good`` then says that the CRC was right, no byte was
    received with an error, and the flag did not follow an escape. Repeated flags give ``end`` beats
    without bytes before them. Latency: 0 cycles; a beat of ``o`` is in the cycle in which ``i`` is
    taken. Interval: a byte in nine cycles.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(RECEIVED)),
                "o": Out(stream.Signature(CONTENT, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = SerialCrc32()
        escaped, damaged = Signal(), Signal()
        byte, content = self.i.payload.data, Signal(8)
        m.d.comb += [
            self.i.ready.eq(~crc.busy),
            content.eq(byte ^ Mux(escaped, FLIP, 0)),
            crc.byte.eq(content),
            self.o.payload.data.eq(content),
            self.o.payload.good.eq(crc.match & ~damaged & ~escaped),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += escaped.eq(0)
            with m.If(self.i.payload.error):
                m.d.sync += damaged.eq(1)
            with m.Elif(byte == FLAG):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.end.eq(1), crc.clear.eq(1)]
                m.d.sync += damaged.eq(0)
            with m.Elif((byte == ESCAPE) & ~escaped):
                m.d.sync += escaped.eq(1)
            with m.Else():
                m.d.comb += [self.o.valid.eq(1), crc.load.eq(1)]
        return m


class HdlcFramer(wiring.Component):
    """Puts frames together: ``o`` gives a flag, the bytes of ``i`` up to one with ``last``, their
    CRC, a flag, with flags and escapes among them escaped.

    Latency: the opening flag is offered in the cycle in which ``i`` is, the first byte in the next
    one. Interval: a byte of ``o`` in nine cycles or fewer.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(PIECE)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = SerialCrc32()
        escaped = Signal()
        left = Signal(range(CRC_BYTES))
        byte, taken, stuff = Signal(8), Signal(), Signal()
        m.d.comb += stuff.eq(~escaped & ((byte == FLAG) | (byte == ESCAPE)))

        def send(*, valid: Value) -> None:
            """Offer ``byte``, as two where it must be escaped; ``taken`` with the last one."""
            m.d.comb += [
                self.o.valid.eq(valid & ~crc.busy),
                self.o.payload.eq(Mux(stuff, ESCAPE, byte ^ Mux(escaped, FLIP, 0))),
                taken.eq(self.o.valid & self.o.ready & ~stuff),
                crc.load.eq(taken),
            ]
            with m.If(self.o.valid & self.o.ready):
                m.d.sync += escaped.eq(stuff)

        with m.FSM():
            with m.State("OPEN"):
                m.d.comb += [
                    self.o.valid.eq(self.i.valid),
                    self.o.payload.eq(FLAG),
                    crc.clear.eq(1),
                ]
                with m.If(self.o.valid & self.o.ready):
                    m.next = "CONTENT"
            with m.State("CONTENT"):
                send(valid=self.i.valid)
                m.d.comb += [
                    byte.eq(self.i.payload.data),
                    crc.byte.eq(byte),
                    self.i.ready.eq(taken),
                ]
                m.d.sync += left.eq(CRC_BYTES - 1)
                with m.If(taken & self.i.payload.last):
                    m.next = "CRC"
            with m.State("CRC"):
                send(valid=Const(1))
                m.d.comb += [byte.eq(crc.tail), crc.byte.eq(~crc.tail)]
                with m.If(taken):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 0):
                        m.next = "CLOSE"
            with m.State("CLOSE"):
                m.d.comb += [self.o.valid.eq(~crc.busy), self.o.payload.eq(FLAG)]
                with m.If(self.o.valid & self.o.ready):
                    m.next = "OPEN"
        return m
