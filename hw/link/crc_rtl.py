"""CRC-32 of a byte stream, one bit a cycle: forty LUTs instead of a hundred for a byte a cycle."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

__all__ = ["SerialCrc32"]


class SerialCrc32(wiring.Component):
    """zlib's CRC-32 of the bytes since ``clear`` (in), one bit a cycle.

    ``load`` (in) takes ``byte`` (in); the component is ``busy`` (out) for the eight cycles after
    it, in which neither ``load`` nor ``clear`` may be given. ``tail`` (out) is the CRC's least
    significant byte; loading the complement of ``tail`` moves the CRC's next byte there, so four
    such steps give the CRC as it is sent. ``match`` (out) says that the last four bytes were the
    CRC of those before them. Latency: 9 cycles from ``load`` to ``tail`` and ``match``. Interval: a
    byte in 9 cycles.
    """

    clear: Signal
    byte: Signal
    load: Signal
    busy: Signal
    tail: Signal
    match: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "clear": In(1),
                "byte": In(8),
                "load": In(1),
                "busy": Out(1),
                "tail": Out(8),
                "match": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = catalog.CRC32_ISO_HDLC(data_width=1).create()
        bits = Signal(8)
        left = Signal(range(9))
        m.d.comb += [
            crc.start.eq(self.clear),
            crc.valid.eq(self.busy),
            crc.data.eq(bits[0]),
            self.busy.eq(left != 0),
            self.tail.eq(crc.crc[:8]),
            self.match.eq(crc.match_detected),
        ]
        m.d.sync += bits.eq(bits >> 1)
        with m.If(self.busy):
            m.d.sync += left.eq(left - 1)
        with m.If(self.load):
            m.d.sync += [bits.eq(self.byte), left.eq(8)]
        return m
