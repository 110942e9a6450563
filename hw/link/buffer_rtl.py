"""Frame buffers: bytes in one clock domain, elements of whole frames in another."""

from amaranth.hdl import Const, DomainRenamer, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from subbit.hw.contract.unit import Lanes
from subbit.hw.link.buffer import beat_parts
from subbit.hw.link.protocol import LinkInfo
from subbit.hw.link.requests_rtl import write_layout
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.hw.streams.width_rtl import Upsize

__all__ = ["FrameBuffer"]


class FrameBuffer(wiring.Component):
    """``info.window`` buffers of one frame each, in block RAM, from domain ``w_domain`` to
    ``r_domain``.

    In domain ``w_domain``: while ``room`` (out) is 1, ``write`` (in: ``en``, ``offset``, ``data``)
    fills a buffer in any order, and ``commit`` (in) hands it over. In domain ``r_domain``: ``o``
    gives the elements of each committed frame in order, ``lanes`` a beat, lane 0 first, from the
    first to the last whatever happens on the other side. A beat is any part of a frame that divides
    it, up to the whole. A buffer is free again when its last byte was read.

    Interval: with ``e = 8 // bits`` elements in a byte and ``g = gcd(e, lanes)``, ``o`` gives a
    beat every ``lanes / g`` cycles. Latency from ``commit`` to the first beat: one cycle of
    ``w_domain`` and four of ``r_domain``, and ``lanes / g`` more where ``lanes != g``. Beats that
    are wider than subbit.hw.link.buffer.ONE_REGISTER_BITS gather in a register of their width, and
    wait there: the parts of the next one come from the cycle on in which it is taken.

    Both domains must be reset together. Raises ValueError if ``lanes`` does not divide the frame.
    """

    write: data.View
    room: Signal
    commit: Signal
    o: stream.Interface

    def __init__(self, *, info: LinkInfo, lanes: int, w_domain: str, r_domain: str) -> None:
        self._info = info
        self._group, self._join = beat_parts(elements=info.elements, bits=info.bits, lanes=lanes)
        self._lanes = Lanes(lanes, info.bits)
        self._w_domain = w_domain
        self._r_domain = r_domain
        super().__init__(
            {
                "write": In(write_layout(info.frame_bytes)),
                "room": Out(1),
                "commit": In(1),
                "o": Out(stream_of(self._lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        info, group = self._info, self._group
        w_sync, r_sync = m.d[self._w_domain], m.d[self._r_domain]
        slot = 1 << ceil_log2(info.frame_bytes)
        depth = (info.window - 1) * slot + info.frame_bytes
        memory: Memory = Memory(shape=8, depth=depth, init=[])
        m.submodules.memory = memory
        w_port = memory.write_port(domain=self._w_domain)
        r_port = memory.read_port(domain=self._r_domain)

        # Buffers are counted modulo twice their number; only Gray codes cross.
        filled, filled_gray, filled_there, emptied, emptied_gray, emptied_there = (
            Signal(range(2 * info.window), name=name)
            for name in (
                *("filled", "filled_gray", "filled_there"),
                *("emptied", "emptied_gray", "emptied_there"),
            )
        )
        m.submodules.filled_sync = FFSynchronizer(
            filled_gray, filled_there, o_domain=self._r_domain
        )
        m.submodules.emptied_sync = FFSynchronizer(
            emptied_gray, emptied_there, o_domain=self._w_domain
        )
        m.d.comb += [
            self.room.eq(filled_gray != emptied_there ^ (3 << len(filled) - 2)),
            w_port.addr.eq(self.write.offset | (filled[:-1] << ceil_log2(info.frame_bytes))),
            w_port.data.eq(self.write.data),
            w_port.en.eq(self.write.en),
        ]
        with m.If(self.commit):
            w_sync += [filled.eq(filled + 1), filled_gray.eq(next_gray(filled))]

        # Groups of elements that lie in one byte and fill a beat or a part of it evenly.
        groups = info.elements_per_byte // group
        final_groups = (info.elements - 1) % info.elements_per_byte // group + 1
        offset = Signal(range(info.frame_bytes))  # byte to read next
        # A byte waits at the memory's port, and elements of another in ``byte``; each may be the
        # last of its frame. The memory is slow, so nothing but registers follows it.
        fetched, fetched_final, live, final = Signal(), Signal(), Signal(), Signal()
        byte, index = Signal(8), Signal(range(groups))
        taken, load, fetch = Signal(), Signal(), Signal()
        # Where a byte lasts two cycles, the next one may be fetched in the second: a shorter path.
        at_once = load if min(groups, final_groups) == 1 else Const(0, 1)
        part, part_ready = byte[: group * info.bits], Signal()
        m.d.comb += [
            r_port.addr.eq(offset | (emptied[:-1] << ceil_log2(info.frame_bytes))),
            r_port.en.eq(fetch),
            taken.eq(part_ready & (index == Mux(final, final_groups - 1, groups - 1))),
            load.eq(fetched & (~live | taken)),
            fetch.eq((filled_there != emptied_gray) & (~fetched | at_once)),
        ]
        with m.If(live & part_ready):
            r_sync += [byte.eq(byte >> group * info.bits), index.eq(index + 1)]
        with m.If(load):
            r_sync += [byte.eq(r_port.data), index.eq(0), live.eq(1), final.eq(fetched_final)]
        with m.Elif(taken):
            r_sync += live.eq(0)
        with m.If(fetch):
            ends = offset == info.frame_bytes - 1
            r_sync += [fetched.eq(1), fetched_final.eq(ends), offset.eq(Mux(ends, 0, offset + 1))]
            with m.If(ends):
                r_sync += [emptied.eq(emptied + 1), emptied_gray.eq(next_gray(emptied))]
        with m.Elif(load):
            r_sync += fetched.eq(0)
        self._connect(m, part, live, part_ready)
        return m

    def _connect(self, m: Module, part: Value, valid: Signal, ready: Signal) -> None:
        """Connect parts of a beat to ``o``."""
        if self._join is None:
            m.d.comb += [
                self.o.payload.as_value().eq(part),
                self.o.valid.eq(valid),
                ready.eq(self.o.ready),
            ]
            return
        join = Upsize(unit=self._join)
        m.submodules.join = DomainRenamer(self._r_domain)(join)
        wiring.connect(m, join.o, wiring.flipped(self.o))
        m.d.comb += [
            join.i.payload.as_value().eq(part),
            join.i.valid.eq(valid),
            ready.eq(join.i.ready),
        ]


def next_gray(count: Signal) -> Value:
    """The Gray code of what follows ``count``, in as many bits."""
    following = (count + 1)[: len(count)]
    return following ^ (following >> 1)
