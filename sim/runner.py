"""Running designs: Verilog, model, input files, the bench, and where the records are."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from subbit.hw.contract.unit import Beats
from subbit.sim.design import Design
from subbit.sim.records import write_beats
from subbit.sim.simtop import SimTop
from subbit.sim.testbench import testbench
from subbit.sim.verilator import build_model, run_model
from subbit.sw.errors import ToolError
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.flow.verilog import to_verilog

__all__ = ["BACKPRESSURE", "Outcome", "build_designs", "run_designs"]

BACKPRESSURE = ("none", "random")
# A throttled end goes on in one cycle of eight on average, and may pause for up to 4096 cycles,
# several times in a row: so long it may hold up everything.
PAUSE_CYCLES = 20_000
# The simulation goes on for a while after the last beat, in case there is one too many.
QUIET_CYCLES = 100


@dataclass(frozen=True)
class Outcome:
    """How the run of a design ended: its records are in ``folder``.

    ``cycles``: simulated from the first input on, until no beat more was to come; ``seconds``:
    that the whole run took; ``stuck``: it ended because nothing moved any more.
    """

    folder: Path
    cycles: int
    seconds: float
    stuck: bool


def build_designs(
    designs: Sequence[Design],
    models: Path,
    *,
    waves: bool = False,
    quick: bool = False,
    progress: Progress = SILENT,
) -> Path:
    """The model that holds all the designs, from the folder ``models`` if it is there already.

    ``quick``: one for few cycles is enough; see subbit.sim.verilator. Raises ToolError where a tool
    is missing or fails.
    """
    progress.phase("verilog")
    components = {d.name: d.component for d in designs}
    top = SimTop(
        components, {d.name: d.taps for d in designs}, {d.name: d.payload_delays for d in designs}
    )
    streams = {
        design.name: {
            port: replace(ports, beats=design.beats[port])
            for port, ports in top.streams[design.name].items()
        }
        for design in designs
    }
    verilog = to_verilog(top, name="simtop") + testbench(streams)
    return build_model(verilog, "bench", models, waves=waves, quick=quick, progress=progress)


def run_designs(
    model: Path,
    designs: Sequence[Design],
    inputs: Sequence[Beats],
    *,
    backpressure: str,
    seed: int,
    folder: Path,
    waves: bool = False,
    progress: Progress = SILENT,
) -> list[Outcome]:
    """Simulate the designs of a model, all at once; ``inputs[k]`` are beats of whole frames.

    Everything of the run goes into ``folder``, which is emptied first: subbit.sim.place has one
    that no other run uses. Raises ToolError where the simulation breaks off.
    """
    if backpressure not in BACKPRESSURE:
        raise ValueError(f"back-pressure is one of {', '.join(BACKPRESSURE)}, not {backpressure!r}")
    progress.phase("simulation")
    shutil.rmtree(folder, ignore_errors=True)
    for design, beats in zip(designs, inputs, strict=True):
        write_beats(folder / design.name / "input.hex", beats, design.i)
    task = write_task(folder, designs, inputs, backpressure == "random", seed)
    run_model(
        *(model, "bench", "subbit.sim.bench", folder),
        environment={"SUBBIT_BENCH": task.name},
        waves=waves,
        progress=progress,
    )
    return read_results(folder, designs)


def write_task(
    folder: Path, designs: Sequence[Design], inputs: Sequence[Beats], throttle: bool, seed: int
) -> Path:
    """Write the file that tells the bench what to do, and how long by the cycle model."""
    pause = PAUSE_CYCLES if throttle else 0
    rows = [
        {
            "name": design.name,
            "frames": len(beats) // design.i_beats,
            "expected": len(beats) // design.i_beats * design.o_beats,
            "patience": design.silence_cycles + pause,
            "quiet": QUIET_CYCLES + design.fold_cycles + pause,
        }
        for design, beats in zip(designs, inputs, strict=True)
    ]
    task = {"throttle": throttle, "seed": seed, "result": "result.json", "designs": rows}
    path = folder / "task.json"
    path.write_text(json.dumps(task, indent=1))
    return path


def read_results(folder: Path, designs: Sequence[Design]) -> list[Outcome]:
    """What the bench wrote of every design."""
    path = folder / "result.json"
    rows = json.loads(path.read_text()) if path.exists() else {}
    missing = [design.name for design in designs if design.name not in rows]
    if missing:
        raise ToolError(f"the simulation of {missing[0]} broke off; see {folder / 'sim.log'}")
    return [
        Outcome(
            folder / design.name,
            rows[design.name]["cycles"],
            rows[design.name]["seconds"],
            rows[design.name]["stuck"],
        )
        for design in designs
    ]
