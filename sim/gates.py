"""The accelerator as Yosys maps it for a part, cell by cell, held to the golden model.

A mapper may have bugs, or read a construct in another way than simulators do. So the netlist that
place and route takes is simulated with models of the vendor's cells. Names of inner signals are
gone by then, so that the accelerator's results and their cycles are what is compared.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.boards import DEFAULT_BOARD, Board, board
from subbit.hw.families.part import Part
from subbit.hw.families.table import family
from subbit.sim.design import (
    INPUT_STREAM,
    OUTPUT_STREAM,
    Design,
    WholePipeline,
    network_design,
)
from subbit.sim.place import run_folder
from subbit.sim.run import (
    FOLDER,
    Fed,
    SimResult,
    choose_frames,
    golden_model,
    is_short,
    simulate_design,
    with_labels,
    write_sim_report,
)
from subbit.sim.simtop import StreamPorts
from subbit.sim.testbench import testbench
from subbit.sim.verilator import build_model
from subbit.sw.flow import tools
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.flow.synth import synthesise
from subbit.sw.flow.verilog import to_verilog
from subbit.sw.ir.network import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan

__all__ = [
    "WholePipeline",
    "build_mapped",
    "map_design",
    "map_designs",
    "mapped_design",
    "simulate_mapped",
]

DEFAULT_FABRIC = board(DEFAULT_BOARD).device.fabric
PARTS = ("valid", "ready", "payload")
GROUP = 8  # designs that a run of Yosys maps: see subbit.sw.bench.costs
SCRIPT = """\
read_json netlists.json
write_verilog -noattr netlists.v
"""


def mapped_design(name: str, pipeline: Pipeline) -> Design:
    """The accelerator of a pipeline, of which no stream but the last can be watched."""
    whole = network_design(name, pipeline)
    last = replace(whole.watched[-1], unit=WholePipeline(pipeline), sources=(-1,))
    return replace(whole, taps={}, watched=(last,))


def map_design(design: Design, folder: Path, *, fabric: str, progress: Progress = SILENT) -> str:
    """The netlist, as JSON, of a design that is mapped just as for a bitstream.

    Its module is named like the design and has the ports of the module that ``subbit rtl`` writes.
    Verilog, netlist and log stay in ``folder``. Raises ToolError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    progress.phase("verilog")
    text = to_verilog(design.component, name=design.name, platform=Part(fabric))
    (folder / f"{design.name}.v").write_text(text)
    progress.phase("synthesis")
    return synthesise(folder, name=design.name, fabric=fabric, progress=progress).read_text()


def map_designs(designs: Sequence[Design], folder: Path, *, fabric: str) -> dict[str, str]:
    """The same for several designs, by their names: each stays a module of its own, and a run of
    Yosys maps up to GROUP of them. Raises ToolError.
    """
    return {
        name: netlist
        for at in range(0, len(designs), GROUP)
        for name, netlist in map_group(designs[at : at + GROUP], folder, fabric).items()
    }


def map_group(designs: Sequence[Design], folder: Path, fabric: str) -> dict[str, str]:
    """The netlists of designs that one run of Yosys maps."""
    folder.mkdir(parents=True, exist_ok=True)
    verilog = simtop({design.name: ports(design) for design in designs})
    for design in designs:
        text = to_verilog(design.component, name=design.name, platform=Part(fabric))
        start = f"module {design.name}("
        assert text.count(start) == 1, f"no module {design.name}"
        verilog += text.replace(start, f"(* keep_hierarchy = 1 *)\n{start}")
    (folder / "simtop.v").write_text(verilog)
    modules = json.loads(synthesise(folder, name="simtop", fabric=fabric).read_text())["modules"]
    return {
        design.name: json.dumps({"modules": {design.name: modules[design.name]}})
        for design in designs
    }


def build_mapped(
    designs: Sequence[Design],
    netlists: Sequence[str],
    models: Path,
    *,
    fabric: str,
    waves: bool = False,
    quick: bool = False,
    progress: Progress = SILENT,
) -> Path:
    """The simulation model, kept in ``models``, of the designs' netlists side by side.

    ``netlists``: JSON; of the modules in each, the one named like the design is taken. Raises
    ToolError where a tool is missing or fails.
    """
    progress.phase("netlist")
    streams = {design.name: ports(design) for design in designs}
    rows = zip(designs, netlists, strict=True)
    part = family(fabric)
    mapped = as_verilog({design.name: part.modelled(netlist) for design, netlist in rows})
    verilog = part.cell_models(tools.yosys_data()) + mapped + simtop(streams) + testbench(streams)
    return build_model(verilog, "bench", models, waves=waves, quick=quick, progress=progress)


def as_verilog(netlists: Mapping[str, str]) -> str:
    """Modules, each by its name from a netlist in JSON, as Verilog that instantiates cells."""
    modules = {name: json.loads(netlist)["modules"][name] for name, netlist in netlists.items()}
    with tempfile.TemporaryDirectory(prefix="subbit-") as place:
        folder = Path(place)
        (folder / "netlists.json").write_text(json.dumps({"modules": modules}))
        (folder / "netlists.ys").write_text(SCRIPT)
        run_tool(tools.yosys(), ["netlists.ys"], folder=folder, log="netlists.log")
        return (folder / "netlists.v").read_text()


def ports(design: Design) -> dict[str, StreamPorts]:
    """The ports in the test bench of a design's two streams."""
    widths = {INPUT_STREAM: design.i.width, OUTPUT_STREAM: design.watched[-1].unit.o.width}
    return {
        name: StreamPorts(f"{design.name}__{name}", bits, beats=design.beats[name])
        for name, bits in widths.items()
    }


def simtop(designs: Mapping[str, Mapping[str, StreamPorts]]) -> str:
    """Verilog of the module that the test bench wants around the netlists' modules."""
    declared, instances = ["input clk", "input rst"], []
    for name, streams in designs.items():
        connected = [".clk(clk)", ".rst(rst)"]
        for stream, port in streams.items():
            for part in PARTS:
                inward = (stream == INPUT_STREAM) != (part == "ready")
                bits = f"[{port.width - 1}:0] " if part == "payload" else ""
                declared.append(f"{'input' if inward else 'output'} {bits}{port.prefix}__{part}")
                connected.append(f".{stream}__{part}({port.prefix}__{part})")
        instances.append(f"  {name} {name}_netlist ({', '.join(connected)});\n")
    return f"module simtop ({', '.join(declared)});\n{''.join(instances)}endmodule\n"


def simulate_mapped(
    network: Network,
    plan: Plan,
    codes: NDArray[np.integer[Any]] | None = None,
    *,
    frames: int = 20,
    backpressure: str = "none",
    seed: int = 1,
    waves: bool = False,
    folder: Path = FOLDER,
    models: Path | None = None,
    data: Any = None,
    kind: str | None = None,
    fabric: str = DEFAULT_FABRIC,
    progress: Progress = SILENT,
    report_on: Board | None = None,
) -> SimResult:
    """``simulate`` for the netlist mapped for parts of ``fabric``, by default the family of the
    board that all commands take: otherwise the same arguments, the same result, results compared
    alone.

    The netlist stays in ``folder``/<network>-mapped. Raises what ``simulate`` raises.
    """
    fed = choose_frames(network, frames, seed, data, kind) if codes is None else Fed(codes)
    pipeline = Pipeline(network, plan)
    name = "net_" + network.name.replace(".", "_").replace("-", "_")
    design, models = mapped_design(name, pipeline), models or folder / "models"
    with run_folder(folder / f"{network.name}-mapped") as place:
        netlist = map_design(design, place, fabric=fabric, progress=progress)
        model = build_mapped(
            *([design], [netlist], models),
            fabric=fabric,
            waves=waves,
            quick=is_short(pipeline.cycles(len(fed.codes))),
            progress=progress,
        )
        result = simulate_design(
            *(design, pipeline, fed.codes),
            backpressure=backpressure,
            seed=seed,
            waves=waves,
            folder=place / "run",
            models=models,
            model=model,
            golden=golden_model(network, fed.codes),
            images=fed.text,
            drawn_from=fed.population,
            progress=progress,
        )
    result = with_labels(result, network, fed)
    if report_on is not None:
        path = folder / f"{network.name}-mapped" / "report.html"
        write_sim_report(path, network, plan, report_on, result, data, kind)
    return result
