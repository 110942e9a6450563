"""Devices that parts are measured on, and the tools' way from Amaranth to a report for each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from amaranth.hdl import Elaboratable, Signal

from subbit.boards import BOARDS
from subbit.hw.design.elaboration import to_rtlil
from subbit.hw.families.device import FpgaDevice
from subbit.hw.families.family import Family
from subbit.hw.families.part import Part
from subbit.hw.families.table import family
from subbit.sw.errors import SubbitError, ToolError
from subbit.sw.flow.parallel import in_parallel
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.synth import synthesise
from subbit.sw.flow.tools import Tool, find_program
from subbit.sw.flow.verilog import rtlil_to_verilog

__all__ = [
    "DEVICES",
    "BenchDevice",
    "Measured",
    "device_of",
    "measure",
    "measure_verilog",
]


@dataclass(frozen=True)
class BenchDevice:
    """A part without a board, and the clock in MHz that place-and-route is driven to.

    ``pins``: for a tool that chooses none itself.
    """

    name: str
    device: FpgaDevice
    target_mhz: float
    pins: tuple[int, ...] = ()

    @property
    def family(self) -> Family:
        """The family of the part."""
        return family(self.device.fabric)


@dataclass(frozen=True)
class Measured:
    """What one run of nextpnr made of a design."""

    lut4: int
    flip_flops: int
    fmax_mhz: float
    block_rams: int = 0


GW1NR_9 = FpgaDevice("GW1NR-LV9QN88PC6/I5", "QN88", 6, 8640, 6480, 26, 20, fabric="gowin")
GW1NR_9_PINS = (*range(25, 43), 48, 49, *range(53, 58), *range(68, 78))
DEVICES = {
    device.name: device
    for device in (
        *(
            BenchDevice(f"ecp5-{size}k", BOARDS[f"ulx3s-{size}f"].device, 250.0)
            for size in (12, 25, 45, 85)
        ),
        BenchDevice("ice40-up5k", BOARDS["icebreaker"].device, 50.0),
        BenchDevice("gowin-gw1n9", GW1NR_9, 150.0, GW1NR_9_PINS),
    )
}


def device_of(name: str) -> BenchDevice:
    """The device of that name. Raises SubbitError, with the names there are."""
    if name not in DEVICES:
        raise SubbitError(f"no device {name!r}; choose from {', '.join(DEVICES)}")
    return DEVICES[name]


def measure(
    design: Elaboratable,
    ports: list[Signal],
    device: BenchDevice,
    folder: Path,
    seeds: tuple[int, ...],
    jobs: int = 1,
) -> list[Measured]:
    """Synthesise a design once, then place and route it with each seed, ``jobs`` at a time.

    Raises ToolError.
    """
    fabric = device.device.fabric
    text = to_rtlil(design, name="top", ports=ports, platform=Part(fabric))
    # By way of Verilog, as bitstreams are made: only there memories' attributes have an effect.
    rtlil_to_verilog(text, folder=folder, name="top")
    names = [f"{port.name}[{at}]" for port in ports for at in range(len(port))]
    return measure_verilog(names, device, folder, seeds, jobs)


def measure_verilog(
    names: list[str], device: BenchDevice, folder: Path, seeds: tuple[int, ...], jobs: int = 1
) -> list[Measured]:
    """The same of ``top.v`` in the folder, whose clock is ``clk``; ``names``: of its other ports'
    bits, reset aside.
    """
    nextpnr = router(device)
    synthesise(folder, name="top", fabric=device.device.fabric)
    if device.pins:
        pins = dict(zip(["clk", "rst", *names], device.pins, strict=False))
        place = folder / f"top.{device.family.constraints}"
        place.write_text(device.family.pin_constraints(pins))

    def run(seed: int, on_line: Callable[[str], None]) -> Measured:
        return route(nextpnr, device, folder, seed, on_line)

    return in_parallel(seeds, run, jobs)


def router(device: BenchDevice) -> Tool:
    """The device's nextpnr. Raises ToolError where there is none, with how to get it."""
    try:
        return find_program(device.family.router)
    except ToolError as error:
        raise ToolError(f"{error}; 'pip install subbit[bench]' brings all of them") from error


def route(
    nextpnr: Tool, device: BenchDevice, folder: Path, seed: int, on_line: Callable[[str], None]
) -> Measured:
    """One run of nextpnr."""
    part, routed = device.family, folder / f"top{seed}.out"
    arguments = [*part.device_arguments(device.device), "--json", "top.json"]
    arguments += part.pin_arguments("top") if device.pins else []
    arguments += ["--report", f"report{seed}.json", part.output, routed.name]
    arguments += ["--seed", str(seed), "--freq", str(device.target_mhz), "--timing-allow-fail"]
    run_tool(nextpnr, arguments, folder=folder, log=f"route{seed}.log", on_line=on_line)
    report = json.loads((folder / f"report{seed}.json").read_text())
    used = {kind: row["used"] for kind, row in report["utilization"].items()}
    lines = (folder / f"route{seed}.log").read_text().splitlines()
    used |= dict(filter(None, map(part.cells_in, lines)))
    fmax = max(clock["achieved"] for clock in report["fmax"].values())
    cost = part.probe_cost(used, routed)
    return Measured(cost.lut4, cost.flip_flops, round(fmax, 1), cost.block_rams)
