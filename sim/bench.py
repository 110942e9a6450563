"""The cocotb bench of streams: one test for each design, told by a file what to do.

The file that SUBBIT_BENCH names is JSON: ``designs`` (a list, in the order of the test bench's
``run`` bits, of ``name``, ``frames``, ``expected`` output beats, ``patience``, the longest time in
cycles without any beat while there are some to come, and ``quiet``, how long without any to go on
when all have come), ``throttle`` and ``seed``. How each test ended is written to the file
``result``: by name ``cycles``, ``given`` output beats, ``seconds`` and whether it was ``stuck``.

Verilog beside the designs records every beat (subbit.sim.testbench), so that a test wakes only
every WAKE_CYCLES cycles to see whether its design has finished.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import First, RisingEdge, Timer

from subbit.sw.atomic import write_atomic

__all__ = ["stream_test"]

PERIOD_STEPS = 2
WAKE_CYCLES = 20_000

TASK = json.loads(Path(os.environ["SUBBIT_BENCH"]).read_text())
DESIGNS = {design["name"]: (k, design) for k, design in enumerate(TASK["designs"])}
RESULTS: dict[str, Any] = {}


async def cycles(number: int) -> None:
    """Wait for some clock periods."""
    await Timer(number * PERIOD_STEPS, "step")


@cocotb.test()
@cocotb.parametrize(design=list(DESIGNS))
async def stream_test(dut: Any, design: str) -> None:
    """Run one design to the last beat of its last stream; fails where it gets stuck."""
    index, task = DESIGNS[design]
    dut.rst.value = 1
    dut.run.value = 0
    dut.throttle.value = int(TASK["throttle"])
    dut.seed.value = TASK["seed"] & 0xFFFF_FFFF
    dut.frames.value = task["frames"]
    Clock(dut.clk, PERIOD_STEPS, "step").start()
    await cycles(4)
    dut.rst.value = 0
    await cycles(4)
    dut.run.value = 1 << index
    began = time.monotonic()
    stuck = await supervise(dut, task)
    while not stuck and (silent := int(dut.cycle.value) - int(dut.moved.value)) < task["quiet"]:
        await cycles(task["quiet"] - silent)
    RESULTS[design] = {
        "cycles": int(dut.cycle.value),
        "given": int(dut.given.value),
        "seconds": time.monotonic() - began,
        "stuck": stuck,
    }
    write_atomic(Path(TASK["result"]), json.dumps(RESULTS, indent=1))
    assert not stuck, f"{design} is stuck after {RESULTS[design]['given']} output beats"


async def supervise(dut: Any, task: dict[str, Any]) -> bool:
    """Wait until all beats have come; whether nothing moved for longer than the task's patience."""
    done, expected = RisingEdge(dut.done), task["expected"]
    while not int(dut.done.value):
        await First(done, Timer(WAKE_CYCLES * PERIOD_STEPS, "step"))
        cycle, given = int(dut.cycle.value), int(dut.given.value)
        print(f"{task['name']}: cycle {cycle}, {given} of {expected} output beats", flush=True)
        if not int(dut.done.value) and cycle - int(dut.moved.value) > task["patience"]:
            return True
    return False
