"""The cocotb bench that gives a simulated board's serial line to a pseudo-terminal.

The file that SUBBIT_BRIDGE names is JSON: ``sync_ps`` and ``link_ps`` (clock periods, even
numbers), ``bit_ps`` (one bit on the line), ``ready`` (the file to which the pseudo-terminal's path
is written when the board is out of reset), ``stop`` (the file whose appearance ends the
simulation), ``ended`` (the file that is then written if all went well). The design has the clocks
``clk`` and ``link_clk`` with resets, and the pins ``rx`` and ``tx``.

Bytes that come in go to ``rx`` bit by bit, and bytes from ``tx`` go out; what nobody reads is lost,
as on a real line. Time passes as fast as the simulator goes while the line was busy lately, and
slowly otherwise. The simulation also ends when the process that started it is gone.
"""

import contextlib
import json
import os
import pty
import select
import tty
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

from subbit.sw.atomic import write_atomic

__all__ = ["bridge"]

BYTE_BITS = 10
READ_BYTES = 4096
# Byte times without traffic after which the bridge waits for the host instead of simulating on.
BUSY_BYTES = 3000
IDLE_WAIT_S = 0.005

TASK = json.loads(Path(os.environ["SUBBIT_BRIDGE"]).read_text())
PARENT = os.getppid()


class SerialLine:
    """The board's end of the pseudo-terminal."""

    def __init__(self) -> None:
        # The host's end stays open here too, so that hosts may come and go.
        self.board, self.host = pty.openpty()
        tty.setraw(self.host)
        os.set_blocking(self.board, False)
        self.quiet = 0

    def read(self) -> bytes:
        """What the host has sent, perhaps nothing."""
        wait = IDLE_WAIT_S if self.quiet > BUSY_BYTES else 0
        if not select.select([self.board], [], [], wait)[0]:
            self.quiet += 1
            return b""
        self.quiet = 0
        return os.read(self.board, READ_BYTES)

    def write(self, byte: int) -> None:
        """Give a byte to the host, if it has room for it."""
        self.quiet = 0
        with contextlib.suppress(BlockingIOError):
            os.write(self.board, bytes([byte]))


def bits(number: float) -> Timer:
    """The time of some bits."""
    return Timer(round(number * TASK["bit_ps"]), "step")


async def send(dut: Any, byte: int) -> None:
    """One byte on ``rx``."""
    for level in (0, *(byte >> bit & 1 for bit in range(8)), 1):
        dut.rx.value = level
        await bits(1)


async def watch(dut: Any, line: SerialLine) -> None:
    """Every byte on ``tx`` to the host; one whose stop bit is missing fails the test."""
    while True:
        await FallingEdge(dut.tx)
        await bits(1.5)
        byte = 0
        for bit in range(8):
            byte |= int(dut.tx.value) << bit
            await bits(1)
        assert int(dut.tx.value) == 1, "the board sent a byte without a stop bit"
        line.write(byte)


@cocotb.test()
async def bridge(dut: Any) -> None:
    """Carry bytes until told to stop."""
    Clock(dut.clk, TASK["sync_ps"], "step").start()
    Clock(dut.link_clk, TASK["link_ps"], "step").start()
    dut.rx.value = 1
    dut.rst.value = dut.link_rst.value = 1
    await bits(BYTE_BITS)
    dut.rst.value = dut.link_rst.value = 0
    await bits(BYTE_BITS)
    line = SerialLine()
    watcher = cocotb.start_soon(watch(dut, line))
    write_atomic(Path(TASK["ready"]), os.ttyname(line.host))
    stop = Path(TASK["stop"])
    while not stop.exists() and os.getppid() == PARENT:
        received = line.read()
        for byte in received:
            await send(dut, byte)
        if not received:
            await bits(BYTE_BITS)
        if watcher.done():
            await watcher
    watcher.cancel()
    write_atomic(Path(TASK["ended"]), "")
