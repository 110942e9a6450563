"""A small design that uses both clock domains: it echoes the serial port by way of the fast one."""

from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import io
from amaranth.lib.fifo import AsyncFIFO

from subbit.boards import Board
from subbit.hw.design.platform import board_clocks

__all__ = ["Echo"]


class Echo(Elaboratable):
    """Every bit of the serial port goes to ``sync`` and back; a counter drives the LEDs."""

    def __init__(self, *, board: Board, width: int = 32, **clocks: Any) -> None:
        self.board = board
        self.width = width
        self.clocks = clocks

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.clocks = clocks = board_clocks(self.board, **self.clocks)
        m.domains += clocks.domains
        pins = {pin.name: "-" for pin in platform.lookup("uart").ios}
        uart = platform.request("uart", 0, dir=pins)
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        there = AsyncFIFO(width=1, depth=4, w_domain="link", r_domain="sync")
        back = AsyncFIFO(width=1, depth=4, w_domain="sync", r_domain="link")
        m.submodules.there, m.submodules.back = there, back
        m.d.comb += [
            there.w_data.eq(rx.i),
            there.w_en.eq(1),
            back.w_data.eq(there.r_data),
            back.w_en.eq(there.r_rdy),
            there.r_en.eq(back.w_rdy),
            back.r_en.eq(1),
        ]
        m.d.link += tx.o.eq(back.r_data)
        count = Signal(self.width)
        m.d.sync += count.eq(count + 1)
        for n in range(self.board.leds):
            m.submodules[f"led{n}"] = led = io.Buffer("o", platform.request("led", n, dir="-"))
            m.d.comb += led.o.eq(Cat(count)[self.width - 1 - n])
        return m
