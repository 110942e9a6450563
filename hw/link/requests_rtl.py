"""What to do about each frame that the host sends."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from subbit.hw.link.hdlc import CRC_BYTES
from subbit.hw.link.hdlc_rtl import CONTENT
from subbit.hw.link.protocol import HEADER_BYTES, ErrorCode, Kind

__all__ = ["ANSWER", "Answer", "RequestParser", "write_layout"]


class Answer(enum.Enum, shape=3):
    """Kind of response that a request gets; the errors have their code's value."""

    RESULT = 0
    BAD_CRC = ErrorCode.BAD_CRC
    BAD_LENGTH = ErrorCode.BAD_LENGTH
    BAD_TYPE = ErrorCode.BAD_TYPE
    BUSY = ErrorCode.BUSY
    IDENTIFIED = 5


ANSWER = data.StructLayout({"kind": Answer, "sequence": 8})


def write_layout(frame_bytes: int) -> data.StructLayout:
    """Writing a byte of a frame: where ``en`` is 1, ``data`` to ``offset`` in the buffer being
    filled.
    """
    return data.StructLayout({"en": 1, "offset": range(frame_bytes), "data": 8})


class RequestParser(wiring.Component):
    """Checks requests, writes the frames of INFER into a buffer, and queues the answer to each
    request.

    ``i``: contents of frames, from HdlcDeframer. ``room`` (in) says that a buffer is free, and
    stays 1 until ``commit`` (out); ``write`` (out: ``en``, ``offset``, ``data``) fills that buffer;
    ``commit`` is 1 for one cycle once its frame is whole and right. ``o``: the answers owed, in the
    order of the requests, at most ``answers``; further requests are dropped whole. Contents of less
    than eight bytes are dropped too. ``frame_bytes``: of a frame.

    Latency: ``write`` 0 cycles after the byte, ``commit`` 0 and ``o`` 1 after the end. Interval: a
    byte a cycle; never stalls ``i``.
    """

    i: stream.Interface
    room: Signal
    write: data.View
    commit: Signal
    o: stream.Interface

    def __init__(self, *, frame_bytes: int, answers: int) -> None:
        self._frame_bytes, self._answers = frame_bytes, answers
        super().__init__(
            {
                "i": In(stream.Signature(CONTENT, always_ready=True)),
                "room": In(1),
                "write": Out(write_layout(frame_bytes)),
                "commit": Out(1),
                "o": Out(stream.Signature(ANSWER)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.queue = queue = SyncFIFO(width=ANSWER.size, depth=self._answers)
        size, whole = self._frame_bytes, self._frame_bytes + CRC_BYTES
        field = Signal(range(HEADER_BYTES + 1))  # header bytes seen
        offset = Signal(range(whole + 2))  # bytes seen after the header; whole + 1 is too many
        infer, identify, reserved, sized, empty = (Signal() for _ in range(5))
        kind, sequence = Signal(Answer), Signal(8)
        byte = self.i.payload.data

        m.d.comb += [
            self.write.data.eq(byte),
            self.write.offset.eq(offset),
            queue.w_data.eq(Cat(kind, sequence)),
            self.o.payload.as_value().eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
        ]
        with m.If(self.i.valid & ~self.i.payload.end):
            with m.If(field != HEADER_BYTES):
                m.d.sync += field.eq(field + 1)
            with m.Switch(field):
                with m.Case(0):
                    m.d.sync += infer.eq(byte == Kind.INFER)
                    m.d.sync += identify.eq(byte == Kind.IDENTIFY)
                    m.d.sync += reserved.eq(self.room)
                with m.Case(1):
                    m.d.sync += sequence.eq(byte)
                with m.Case(2):
                    m.d.sync += [sized.eq(byte == size & 0xFF), empty.eq(byte == 0)]
                with m.Case(3):
                    m.d.sync += [
                        sized.eq(sized & (byte == size >> 8)),
                        empty.eq(empty & (byte == 0)),
                    ]
                with m.Default():
                    m.d.comb += self.write.en.eq(reserved & infer & (offset < size))
                    with m.If(offset != whole + 1):
                        m.d.sync += offset.eq(offset + 1)

        right = (infer & sized & (offset == whole)) | (identify & empty & (offset == CRC_BYTES))
        with m.If(~self.i.payload.good):
            m.d.comb += kind.eq(Answer.BAD_CRC)
        with m.Elif(~infer & ~identify):
            m.d.comb += kind.eq(Answer.BAD_TYPE)
        with m.Elif(~right):
            m.d.comb += kind.eq(Answer.BAD_LENGTH)
        with m.Elif(identify):
            m.d.comb += kind.eq(Answer.IDENTIFIED)
        with m.Else():
            m.d.comb += kind.eq(Mux(reserved, Answer.RESULT, Answer.BUSY))
        with m.If(self.i.valid & self.i.payload.end):
            m.d.comb += queue.w_en.eq(offset >= CRC_BYTES)
            m.d.comb += self.commit.eq(queue.w_en & queue.w_rdy & (kind == Answer.RESULT))
            m.d.sync += [field.eq(0), offset.eq(0)]
        return m
