"""Making the responses that the host gets."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from subbit.hw.link.hdlc_rtl import PIECE
from subbit.hw.link.protocol import HEADER_BYTES, NUMBER_BYTES, Kind, LinkInfo, Message
from subbit.hw.link.requests_rtl import ANSWER, Answer

__all__ = ["ResponseSender"]


def headers_of(info: LinkInfo) -> dict[Kind | None, bytes]:
    """What responses begin with, by their kind, without sequence number and number of a part; None
    stands for the last part of a result. An IDENTIFIED is whole.
    """

    def header(kind: Kind, length: int) -> bytes:
        return Message(kind, 0, bytes(length)).content()[:HEADER_BYTES]

    found: dict[Kind | None, bytes] = {
        Kind.IDENTIFIED: Message(Kind.IDENTIFIED, 0, info.pack()).content(),
        Kind.ERROR: header(Kind.ERROR, 1),
    }
    if not info.part_bytes:
        return found | {Kind.RESULT: header(Kind.RESULT, info.result_bytes)}
    first, last = info.part_length(0), info.part_length(info.parts - 1)
    found[Kind.PART] = header(Kind.PART, NUMBER_BYTES + first)
    found[None] = header(Kind.PART, NUMBER_BYTES + last)
    return found


class Numbers:
    """Where in a result its numbers are: of those of ``info``, the class among them.

    ``step`` moves on to the next number. ``number_bytes``: how many bytes this one has. ``part``:
    the part that it is in. ``ends_message``: it is the last of its message; ``in_last``: that is
    the last message of the result.
    """

    def __init__(self, m: Module, info: LinkInfo) -> None:
        self.step = Signal()
        self.part = Signal(16)
        each = info.part_bytes // info.logit_bytes or info.logits + 1
        count = Signal(range(each))
        self.in_last: Value = Const(1)
        if info.part_bytes:
            self.in_last = self.part == info.parts - 1
            last = info.part_length(info.parts - 1) // info.logit_bytes
            self.number_bytes: Value = Const(info.logit_bytes)
            self.ends_message: Value = count == Mux(self.in_last, last, each) - 1
        else:
            self.ends_message = count == info.logits
            self.number_bytes = Mux(self.ends_message, info.class_bytes, info.logit_bytes)
        with m.If(self.step):
            m.d.sync += count.eq(Mux(self.ends_message, 0, count + 1))
            if info.part_bytes:
                with m.If(self.ends_message):
                    m.d.sync += self.part.eq(Mux(self.in_last, 0, self.part + 1))


class ResponseSender(wiring.Component):
    """Turns answers into the contents of frames, one after the other.

    ``i``: the answers owed. ``results``: for each RESULT, ``info.logits`` logits of ``result_bits``
    bits and then the class. ``o``: the content of each response without its CRC. A RESULT begins
    when its first logit is there; where ``info`` wants parts, a message for each, so does each PART
    with its own first logit, and the answer is taken with the last one.

    Latency: 1 cycle from answer (and logit) to the first byte. Interval: a byte a cycle, with a
    cycle between two messages; a result beat is taken with its last byte. Raises ValueError if a
    result does not fit ``info.logit_bytes``.
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
        headers = headers_of(info)
        text = b"".join(headers.values())
        starts = {kind: text.index(header) for kind, header in headers.items()}
        rom: Memory = Memory(shape=8, depth=len(text), init=text)
        m.submodules.rom = rom
        port = rom.read_port(domain="comb")

        address = Signal(range(len(text) + 1))
        field = Signal(range(HEADER_BYTES + (NUMBER_BYTES if info.part_bytes else 0)))
        index = Signal(range(info.logit_bytes))
        value = Signal(signed(8 * info.logit_bytes))
        answer, sent = self.i.payload, Signal()
        place = Numbers(m, info)
        is_result = answer.kind == Answer.RESULT
        m.d.comb += [
            port.addr.eq(address),
            value.eq(self.results.payload),
            sent.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(sent & self.o.payload.last & (place.in_last | ~is_result)),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [field.eq(0), index.eq(0), address.eq(starts[Kind.ERROR])]
                with m.If(is_result & place.in_last if info.part_bytes else is_result):
                    m.d.sync += address.eq(starts[None if info.part_bytes else Kind.RESULT])
                if info.part_bytes:
                    with m.Elif(is_result):
                        m.d.sync += address.eq(starts[Kind.PART])
                with m.Elif(answer.kind == Answer.IDENTIFIED):
                    m.d.sync += address.eq(starts[Kind.IDENTIFIED])
                with m.If(self.i.valid & (self.results.valid | ~is_result)):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += self.o.valid.eq(1)
                m.d.comb += self.o.payload.data.eq(Mux(field == 1, answer.sequence, port.data))
                length: Value = Const(HEADER_BYTES)
                if info.part_bytes:
                    length = Mux(is_result, HEADER_BYTES + NUMBER_BYTES, HEADER_BYTES)
                    for byte in range(NUMBER_BYTES):
                        with m.If(field == HEADER_BYTES + byte):
                            m.d.comb += self.o.payload.data.eq(place.part.word_select(byte, 8))
                with m.If(sent):
                    m.d.sync += [field.eq(field + 1), address.eq(address + 1)]
                    with m.If(field == length - 1):
                        m.next = "BODY"
            with m.State("BODY"):
                with m.If(is_result):
                    m.d.comb += self.o.valid.eq(self.results.valid)
                    m.d.comb += self.o.payload.data.eq(value.word_select(index, 8))
                    ends = index == place.number_bytes - 1
                    m.d.comb += self.o.payload.last.eq(place.ends_message & ends)
                    m.d.comb += [self.results.ready.eq(sent & ends), place.step.eq(sent & ends)]
                    with m.If(sent):
                        m.d.sync += index.eq(Mux(ends, 0, index + 1))
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
