"""From a camera's pins to a class on LEDs: timing, capture, scaling, and the core of a network.

Everything is in the domain `sync`, which the camera's pixel clock drives.
"""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.unit import Lanes
from subbit.hw.design.ip_core import IpCore
from subbit.hw.ip.buses_rtl import PacketSignature
from subbit.hw.ip.shape import Word
from subbit.sw.lower.pipeline import Pipeline

__all__ = ["BoxScaler", "CameraPins", "CapturedPixels", "Geometry", "PatternCamera", "VideoTop"]


@dataclass(frozen=True)
class Geometry:
    """A camera's picture of ``width`` by ``height`` pixels, and what the network sees of it: the
    middle, ``columns`` by ``rows`` blocks of ``block`` by ``block`` pixels, a power of two.

    ``blank_bytes``, ``blank_lines``: byte times without HREF behind each line, and lines behind the
    last one, in which VSYNC is high. Those of an OV7670 at QVGA are 928 and 30.
    """

    width: int = 160
    height: int = 120
    columns: int = 8
    rows: int = 8
    block: int = 8
    blank_bytes: int = 40
    blank_lines: int = 4

    def __post_init__(self) -> None:
        if self.block & (self.block - 1):
            raise ValueError(f"a block has 1, 2, 4, .. pixels a side, not {self.block}")
        if self.columns * self.block > self.width or self.rows * self.block > self.height:
            raise ValueError(
                f"{self.columns} x {self.rows} blocks of {self.block} pixels a side are more than "
                f"{self.width} x {self.height} pixels"
            )

    @property
    def left(self) -> int:
        """Pixels left of the first block."""
        return (self.width - self.columns * self.block) // 2

    @property
    def top(self) -> int:
        """Lines above the first block."""
        return (self.height - self.rows * self.block) // 2


class CameraPins(wiring.Signature):
    """An OV7670's pins, from its side, at its pixel clock: ``vsync`` (out) is high between
    pictures, ``href`` (out) while ``data`` (out, 8 bits) are those of a line, two bytes a pixel, of
    which the first is the brightness (YUV 4:2:2, as the camera sends it by default).
    """

    def __init__(self) -> None:
        super().__init__({"vsync": Out(1), "href": Out(1), "data": Out(8)})


class PatternCamera(wiring.Component):
    """Sends a still picture with a camera's timing: in each block of ``geometry`` the brightness
    that ``picture`` (rows of numbers from 0 to 255) has for it, and 0 around them.

    A line takes ``2 * width + blank_bytes`` cycles, a picture ``height + blank_lines`` lines.
    """

    pins: Any

    def __init__(self, *, geometry: Geometry, picture: list[list[int]]) -> None:
        self._geometry, self._picture = geometry, picture
        super().__init__({"pins": Out(CameraPins())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, pins = self._geometry, self.pins
        line_bytes, lines = 2 * g.width + g.blank_bytes, g.height + g.blank_lines
        byte, line = Signal(range(line_bytes)), Signal(range(lines))
        m.d.sync += byte.eq(byte + 1)
        with m.If(byte == line_bytes - 1):
            m.d.sync += [byte.eq(0), line.eq(line + 1)]
            with m.If(line == lines - 1):
                m.d.sync += line.eq(0)
        x, y = Signal(range(-g.left, g.width)), Signal(range(-g.top, lines))
        m.d.comb += [x.eq((byte >> 1) - g.left), y.eq(line - g.top)]
        shift = g.block.bit_length() - 1
        inside = (x >= 0) & (x < g.columns * g.block) & (y >= 0) & (y < g.rows * g.block)
        rows = Array(Array(Const(value, 8) for value in row) for row in self._picture)
        brightness = Signal(8)
        with m.If(inside):
            m.d.comb += brightness.eq(rows[y[shift:]][x[shift:]])
        m.d.sync += [
            pins.vsync.eq(line >= g.height),
            pins.href.eq((line < g.height) & (byte < 2 * g.width)),
            pins.data.eq(brightness),
        ]
        with m.If(byte[0]):
            m.d.sync += pins.data.eq(0x80)  # no colour
        return m


class CapturedPixels(wiring.Component):
    """The pixels of a camera: ``pixel`` (out) is 1 for a cycle where ``brightness`` (out, 8 bits)
    is that of column ``x`` (out) of line ``y`` (out), and ``start`` (out) is 1 for a cycle before
    the first pixel of a picture.

    Latency: 1 cycle after the first byte of a pixel.
    """

    pins: Any
    start: Signal
    pixel: Signal
    brightness: Signal
    x: Signal
    y: Signal

    def __init__(self, *, geometry: Geometry) -> None:
        super().__init__(
            {
                "pins": In(CameraPins()),
                **{"start": Out(1), "pixel": Out(1), "brightness": Out(8)},
                **{"x": Out(range(geometry.width + 1)), "y": Out(range(geometry.height + 1))},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pins = self.pins
        second, vsync, href = Signal(), Signal(), Signal()
        m.d.sync += [
            vsync.eq(pins.vsync),
            href.eq(pins.href),
            second.eq(pins.href & ~second),
            self.start.eq(vsync & ~pins.vsync),
            self.pixel.eq(pins.href & ~second),
            self.brightness.eq(pins.data),
        ]
        with m.If(self.pixel):
            m.d.sync += self.x.eq(self.x + 1)
        with m.If(href & ~pins.href):
            m.d.sync += [self.x.eq(0), self.y.eq(self.y + 1)]
        with m.If(pins.vsync):
            m.d.sync += [self.x.eq(0), self.y.eq(0)]
        return m


class BoxScaler(wiring.Component):
    """The means of the blocks of a camera's picture, as packets of codes of ``lanes``.

    ``pins`` (in): of the camera. ``o``: a packet for each picture, its codes row by row: the upper
    bits of the mean brightness. A camera does not wait: a picture that begins while codes of an
    earlier one still wait is left out whole, and ``missed`` (out) is 1 for a cycle.

    Latency: a code follows the last pixel of its block by 4 cycles.
    """

    pins: Any
    o: Any
    missed: Signal

    def __init__(self, *, geometry: Geometry, lanes: Lanes) -> None:
        self._geometry, self._lanes = geometry, lanes
        super().__init__(
            {
                "pins": In(CameraPins()),
                "o": Out(PacketSignature(Word(lanes).bits)),
                "missed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, lanes = self._geometry, self._lanes
        m.submodules.pixels = pixels = CapturedPixels(geometry=g)
        wiring.connect(m, wiring.flipped(self.pins), pixels.pins)
        shift, codes = g.block.bit_length() - 1, g.columns * g.rows
        # Of the block that a pixel is in: its sum so far, from the rows above too.
        m.submodules.sums = sums = Memory(shape=8 + 2 * shift, depth=g.columns, init=[])
        read, write = sums.read_port(domain="comb"), sums.write_port()
        x, y = Signal(range(-g.left, g.width + 1)), Signal(range(-g.top, g.height + 1))
        m.d.comb += [x.eq(pixels.x - g.left), y.eq(pixels.y - g.top)]
        inside = (x >= 0) & (x < g.columns * g.block) & (y >= 0) & (y < g.rows * g.block)
        first = ~(x[:shift].any() | y[:shift].any())
        last = x[:shift].all() & y[:shift].all()
        total = Signal(8 + 2 * shift)
        taking, step = Signal(), Signal()
        m.d.comb += [
            step.eq(pixels.pixel & inside & taking),
            *(read.addr.eq(x[shift:]), write.addr.eq(x[shift:])),
            total.eq(pixels.brightness + read.data),
            write.data.eq(total),
            write.en.eq(step),
        ]
        with m.If(first):
            m.d.comb += total.eq(pixels.brightness)
        m.submodules.queue = queue = SyncFIFOBuffered(width=lanes.bits, depth=codes)
        m.d.comb += [
            queue.w_data.eq(total[len(total) - lanes.bits :]),
            queue.w_en.eq(step & last),
        ]
        with m.If(pixels.start):
            m.d.sync += taking.eq(queue.level == 0)
            m.d.comb += self.missed.eq(queue.level != 0)
        self._packets(m, queue, codes)
        return m

    def _packets(self, m: Module, queue: SyncFIFOBuffered, codes: int) -> None:
        """Codes from the queue, side by side in beats, and the last beat marked."""
        lanes, beats = self._lanes, codes // self._lanes.lanes
        parts, filled = Signal(lanes.width), Signal(range(lanes.lanes + 1))
        beat = Signal(range(beats))
        m.d.comb += [
            self.o.valid.eq(filled == lanes.lanes),
            self.o.data.eq(parts),
            self.o.last.eq(beat == beats - 1),
            queue.r_en.eq(~self.o.valid),
        ]
        with m.If(queue.r_en & queue.r_rdy):
            m.d.sync += parts.eq(Cat(parts, queue.r_data)[lanes.bits :])
            m.d.sync += filled.eq(filled + 1)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [filled.eq(0), beat.eq(beat + 1)]
            with m.If(self.o.last):
                m.d.sync += beat.eq(0)


class VideoTop(wiring.Component):
    """A camera's pins on one side, LEDs on the other.

    ``leds`` (out, 8 bits) shows the class of the newest picture, and ``seen`` (out) counts the
    pictures that got one, modulo 256. ``pipeline`` ends in a class, and takes one channel.
    """

    pins: Any
    leds: Signal
    seen: Signal

    def __init__(self, *, pipeline: Pipeline, geometry: Geometry) -> None:
        x = pipeline.network.input_type
        if (x.height, x.width, x.channels) != (geometry.rows, geometry.columns, 1):
            raise ValueError(f"the network takes {x}, and not one channel of the blocks' sides")
        self.core = IpCore(pipeline=pipeline, bus="plain")
        self.scaler = BoxScaler(geometry=geometry, lanes=pipeline.i)
        self._class = pipeline.o
        super().__init__({"pins": In(CameraPins()), "leds": Out(8), "seen": Out(8)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        core: Any = self.core
        m.submodules.core, m.submodules.scaler = core, self.scaler
        wiring.connect(m, wiring.flipped(self.pins), self.scaler.pins)
        wiring.connect(m, self.scaler.o, core.i)
        m.d.comb += core.o.ready.eq(1)
        at = (self._class.lanes - 1) * core.shape.o_word.lane_bits
        with m.If(core.o.valid & core.o.last & ~core.o.error):
            m.d.sync += [self.leds.eq(core.o.data[at:]), self.seen.eq(self.seen + 1)]
        return m
