"""The host link: a serial line on one side, the accelerator's two streams on the other."""

from amaranth.hdl import DomainRenamer, Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.unit import Lanes
from subbit.hw.link.buffer_rtl import FrameBuffer
from subbit.hw.link.crossing_rtl import StreamCrossing
from subbit.hw.link.hdlc_rtl import HdlcDeframer, HdlcFramer
from subbit.hw.link.protocol import LinkInfo, answers_kept
from subbit.hw.link.requests_rtl import RequestParser
from subbit.hw.link.responses_rtl import ResponseSender
from subbit.hw.link.uart_rtl import UartRx, UartTx
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["HostLink"]


class HostLink(wiring.Component):
    """Speaks docs/reference/host-protocol.md over ``rx`` and ``tx`` for an accelerator.

    ``rx`` (in), ``tx`` (out): the serial line, idle at 1, in domain ``link_domain`` of
    ``clock_hz``, at ``baud``. ``o``, in ``domain``: the elements of whole frames, ``lanes`` a beat.
    ``i``, in ``domain``: for each frame ``info.logits`` logits and then the class index, which must
    fit ``result_bits`` too.

    The two domains may have any clocks; they must be reset together. A byte on the line takes
    ``10 * clock_hz / baud`` cycles of ``link_domain``. Latency from the middle of the stop bit of a
    frame's closing flag to ``o`` valid: one cycle of ``link_domain`` and four of ``domain``, and up
    to ``lanes`` more where lanes do not divide the elements of a byte. ``lanes`` may be part of a
    pixel, several, or the whole frame: see FrameBuffer.

    On an ECP5, with MNIST's frames: 480 LUT4, 39 carry pairs, 3 LUT memories, 241 flip-flops and
    one block RAM; ``link_domain`` reaches 77 MHz.

    Raises ValueError if a bit has less than four cycles, ``lanes`` does not divide the frame, or
    ``result_bits`` does not fit ``info``.
    """

    rx: Signal
    tx: Signal
    o: stream.Interface
    i: stream.Interface

    def __init__(
        self,
        *,
        info: LinkInfo,
        clock_hz: int,
        baud: int,
        result_bits: int = 32,
        lanes: int = 1,
        link_domain: str = "link",
        domain: str = "sync",
    ) -> None:
        self._link_domain = link_domain
        self._rx = UartRx(clock_hz=clock_hz, baud=baud)
        self._deframer = HdlcDeframer()
        self._parser = RequestParser(
            frame_bytes=info.frame_bytes, answers=answers_kept(info.window)
        )
        self._buffer = FrameBuffer(info=info, lanes=lanes, w_domain=link_domain, r_domain=domain)
        self._crossing = StreamCrossing(
            shape=signed(result_bits), i_domain=domain, o_domain=link_domain
        )
        self._sender = ResponseSender(info=info, result_bits=result_bits)
        self._framer = HdlcFramer()
        self._tx = UartTx(clock_hz=clock_hz, baud=baud)
        super().__init__(
            {
                "rx": In(1),
                "tx": Out(1),
                "o": Out(stream_of(Lanes(lanes, info.bits))),
                "i": In(stream.Signature(signed(result_bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        in_link = DomainRenamer(self._link_domain)
        m.submodules.rx = in_link(self._rx)
        m.submodules.deframer = in_link(self._deframer)
        m.submodules.parser = in_link(self._parser)
        m.submodules.buffer = self._buffer
        m.submodules.crossing = self._crossing
        m.submodules.sender = in_link(self._sender)
        m.submodules.framer = in_link(self._framer)
        m.submodules.tx = in_link(self._tx)

        # The deframer is ready within nine cycles, long before the next byte.
        m.d.comb += [
            self._rx.rx.eq(self.rx),
            self._deframer.i.payload.eq(self._rx.o.payload),
            self._deframer.i.valid.eq(self._rx.o.valid),
            self._buffer.write.eq(self._parser.write),
            self._buffer.commit.eq(self._parser.commit),
            self._parser.room.eq(self._buffer.room),
            self.tx.eq(self._tx.tx),
        ]
        wiring.connect(m, self._deframer.o, self._parser.i)
        wiring.connect(m, self._buffer.o, wiring.flipped(self.o))
        wiring.connect(m, wiring.flipped(self.i), self._crossing.i)
        wiring.connect(m, self._crossing.o, self._sender.results)
        wiring.connect(m, self._parser.o, self._sender.i)
        wiring.connect(m, self._sender.o, self._framer.i)
        wiring.connect(m, self._framer.o, self._tx.i)
        return m
