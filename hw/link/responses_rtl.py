"""Making the responses that the host gets."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from subbit.hw.link.hdlc_rtl import PIECE
from subbit.hw.link.protocol import HEADER_BYTES, Kind, LinkInfo, Message
from subbit.hw.link.requests_rtl import ANSWER, Answer

__all__ = ["ResponseSender"]

CLASS_BYTES = 2


class ResponseSender(wiring.Component):
    """Turns answers into the contents of frames, one after the other.

    ``i``: the answers owed. ``results``: for each RESULT, ``info.logits`` logits of ``result_bits``
    bits and then the class. ``o``: the content of each response without its CRC. A RESULT begins
    when its first logit is there.

    Latency: 1 cycle from answer (and logit) to the first byte. Interval: a byte a cycle; a result
    beat is taken with its last byte. Raises ValueError if a result does not fit
    ``info.logit_bytes``.
    """

    i: stream.Interface
    results: stream.Interface
    o: stream.Interface

    def __init__(self, *, info: LinkInfo, result_bits: int) -> None:
        if not 1 <= result_bits <= 8 * info.logit_bytes:
            raise ValueError(
                f"results of {result_bits!r} bits do not fit logits of {info.logit_bytes} bytes"
            )
        self._info = info
        super().__init__(
            {
                "i": In(stream.Signature(ANSWER)),
                "results": In(stream.Signature(signed(result_bits))),
                "o": Out(stream.Signature(PIECE)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        info = self._info
        headers = {
            Kind.IDENTIFIED: Message(Kind.IDENTIFIED, 0, info.pack()).content(),
            Kind.RESULT: Message(Kind.RESULT, 0, bytes(info.result_bytes)).content()[:HEADER_BYTES],
            Kind.ERROR: Message(Kind.ERROR, 0, bytes(1)).content()[:HEADER_BYTES],
        }
        text = b"".join(headers.values())
        starts = {kind: text.index(header) for kind, header in headers.items()}
        rom: Memory = Memory(shape=8, depth=len(text), init=text)
        m.submodules.rom = rom
        port = rom.read_port(domain="comb")

        address = Signal(range(len(text) + 1))
        field = Signal(range(HEADER_BYTES))
        beat = Signal(range(info.logits + 1))
        index = Signal(range(info.logit_bytes))
        value = Signal(signed(8 * info.logit_bytes))
        is_class = beat == info.logits
        answer, sent = self.i.payload, Signal()
        m.d.comb += [
            port.addr.eq(address),
            value.eq(self.results.payload),
            sent.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(sent & self.o.payload.last),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [field.eq(0), beat.eq(0), index.eq(0), address.eq(starts[Kind.ERROR])]
                with m.If(answer.kind == Answer.RESULT):
                    m.d.sync += address.eq(starts[Kind.RESULT])
                with m.Elif(answer.kind == Answer.IDENTIFIED):
                    m.d.sync += address.eq(starts[Kind.IDENTIFIED])
                with m.If(self.i.valid & (self.results.valid | (answer.kind != Answer.RESULT))):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += self.o.valid.eq(1)
                m.d.comb += self.o.payload.data.eq(Mux(field == 1, answer.sequence, port.data))
                with m.If(sent):
                    m.d.sync += [field.eq(field + 1), address.eq(address + 1)]
                    with m.If(field == HEADER_BYTES - 1):
                        m.next = "BODY"
            with m.State("BODY"):
                with m.If(answer.kind == Answer.RESULT):
                    m.d.comb += self.o.valid.eq(self.results.valid)
                    m.d.comb += self.o.payload.data.eq(value.word_select(index, 8))
                    ends = index == Mux(is_class, CLASS_BYTES, info.logit_bytes) - 1
                    m.d.comb += self.o.payload.last.eq(is_class & ends)
                    m.d.comb += self.results.ready.eq(sent & ends)
                    with m.If(sent):
                        m.d.sync += index.eq(Mux(ends, 0, index + 1))
                        m.d.sync += beat.eq(beat + ends)
                with m.Elif(answer.kind == Answer.IDENTIFIED):
                    m.d.comb += self.o.valid.eq(1)
                    m.d.comb += self.o.payload.data.eq(port.data)
                    m.d.comb += self.o.payload.last.eq(address == len(headers[Kind.IDENTIFIED]) - 1)
                    with m.If(sent):
                        m.d.sync += address.eq(address + 1)
                with m.Else():
                    m.d.comb += self.o.valid.eq(1)
                    m.d.comb += self.o.payload.data.eq(answer.kind)
                    m.d.comb += self.o.payload.last.eq(1)
                with m.If(sent & self.o.payload.last):
                    m.next = "IDLE"
        return m
