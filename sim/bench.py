"""The cocotb bench of streams: all designs at once, told by a file what to do.

The file that SUBBIT_BENCH names is JSON: ``designs`` (a list, in the order of the test bench's
ports, of ``name``, ``frames``, ``expected`` output beats, ``patience``, the longest time in
cycles without any beat while there are some to come, and ``quiet``, how long without any to go on
when all have come), ``throttle`` and ``seed``. How each ended is written to the file ``result``:
by name ``cycles``, ``given`` output beats, ``seconds`` and whether it was ``stuck``.

Verilog beside the designs records every beat (subbit.sim.testbench), so that the test wakes only
every WAKE_CYCLES cycles to see which designs have finished.
"""

import json
import os
import time
from dataclasses import dataclass
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


@dataclass
class Run:
    """One design on its way."""

    dut: Any
    index: int
    task: dict[str, Any]
    stuck: bool = False

    def start(self) -> None:
        """Say how much is to come."""
        getattr(self.dut, f"frames{self.index}").value = self.task["frames"]

    @property
    def done(self) -> bool:
        """Whether every stream has moved all its beats."""
        return bool(int(getattr(self.dut, f"done{self.index}").value))

    @property
    def given(self) -> int:
        """Output beats so far."""
        return int(getattr(self.dut, f"given{self.index}").value)

    @property
    def silent(self) -> int:
        """Cycles since the last beat of any stream."""
        return int(self.dut.cycle.value) - int(getattr(self.dut, f"moved{self.index}").value)

    @property
    def remaining(self) -> int:
        """Cycles to wait for one beat too many; of a design that is stuck none, or less."""
        return 0 if self.stuck else int(self.task["quiet"]) - self.silent


async def cycles(number: int) -> None:
    """Wait for some clock periods."""
    await Timer(number * PERIOD_STEPS, "step")


@cocotb.test()
async def stream_test(dut: Any) -> None:
    """Run the designs to the last beat of their last streams; fails where one gets stuck."""
    runs = [Run(dut, index, task) for index, task in enumerate(TASK["designs"])]
    dut.rst.value = 1
    dut.run.value = 0
    dut.throttle.value = int(TASK["throttle"])
    dut.seed.value = TASK["seed"] & 0xFFFF_FFFF
    for run in runs:
        run.start()
    Clock(dut.clk, PERIOD_STEPS, "step").start()
    await cycles(4)
    dut.rst.value = 0
    await cycles(4)
    dut.run.value = 1
    began = time.monotonic()
    await supervise(dut, runs)
    while (remaining := max(run.remaining for run in runs)) > 0:
        await cycles(remaining)
    write_results(runs, time.monotonic() - began)
    stuck = [f"{run.task['name']} after {run.given} output beats" for run in runs if run.stuck]
    assert not stuck, f"stuck: {', '.join(stuck)}"


async def supervise(dut: Any, runs: list[Run]) -> None:
    """Wait until each design has finished, or nothing moved in it for longer than its patience."""
    going, done = runs, RisingEdge(dut.done)
    while going := [run for run in going if not run.done and not run.stuck]:
        await First(done, Timer(WAKE_CYCLES * PERIOD_STEPS, "step"))
        report(int(dut.cycle.value), runs)
        for run in going:
            run.stuck = not run.done and run.silent > run.task["patience"]


def report(cycle: int, runs: list[Run]) -> None:
    """Print how far it is."""
    given, expected = sum(run.given for run in runs), sum(run.task["expected"] for run in runs)
    name = runs[0].task["name"] if len(runs) == 1 else f"{len(runs)} designs"
    print(f"{name}: cycle {cycle}, {given} of {expected} output beats", flush=True)


def write_results(runs: list[Run], seconds: float) -> None:
    """Write how each design ended."""
    results = {
        run.task["name"]: {
            "cycles": int(run.dut.cycle.value) + min(run.remaining, 0),
            "given": run.given,
            "seconds": seconds,
            "stuck": run.stuck,
        }
        for run in runs
    }
    write_atomic(Path(TASK["result"]), json.dumps(results, indent=1))
