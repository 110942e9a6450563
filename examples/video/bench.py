"""The cocotb test that run.py starts: waits for pictures, and notes what the LEDs show."""

import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, ValueChange, with_timeout

PICTURES = 2
CYCLES = 20 * int(os.environ["VIDEO_CYCLES"])  # to wait for a picture, in vain
PERIOD_STEPS = 2


@cocotb.test()
async def leds_show_a_class(dut):
    """Run until the class of some pictures is there."""
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_STEPS, "step").start()
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    shown = []
    while len(shown) < PICTURES:
        await with_timeout(ValueChange(dut.seen), CYCLES * PERIOD_STEPS, "step")
        await ReadOnly()
        shown.append(int(dut.leds.value))
    Path(os.environ["VIDEO_SHOWN"]).write_text("\n".join(map(str, shown)))
