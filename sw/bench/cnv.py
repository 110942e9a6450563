"""CNV from its published parameters to RTL: how exact, how fast, how large, and how long it takes.

The check that the whole way works at a real size: 1.5 million weights in nine layers.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.cost import Cost
from subbit.sw.bench.images import unpacked
from subbit.sw.evaluate import evaluate_dataset, load_frames
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.flow.rtl import write_rtl
from subbit.sw.ir.file import save_network
from subbit.sw.ir.network import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import save_plan
from subbit.sw.models.cnv import build_cnv
from subbit.sw.models.cnv_plan import cnv_plan

__all__ = ["FOLDER", "CnvReport", "bench_cnv"]

FOLDER = Path("build") / "bench" / "cnv"


@dataclass(frozen=True)
class CnvReport:
    """What ``bench_cnv`` found.

    ``correct`` of ``images`` test images, by the golden model in ``golden_s`` seconds. By the plan:
    ``interval_cycles``, ``latency_cycles``, and estimated ``lut4``, ``flip_flops`` and
    ``block_rams``. Generating the Verilog of ``verilog_mb`` megabytes took ``rtl_s`` seconds.
    ``streams`` streams of ``frames`` frames were compared in simulation, of which ``mismatches``
    elements or cycles were wrong; building the model took ``model_s`` seconds if it was not there
    already, simulating ``cycles`` cycles ``simulation_s``, comparing ``comparison_s``.
    """

    network: str
    dataset: str
    weights: int
    images: int
    correct: int
    golden_s: float
    interval_cycles: int
    latency_cycles: int
    lut4: int
    flip_flops: int
    block_rams: int
    rtl_s: float
    verilog_mb: float
    frames: int
    streams: int
    mismatches: int
    first_difference: str | None
    simulated_interval_cycles: int | None
    model_s: float
    cycles: int
    simulation_s: float
    comparison_s: float
    cycles_per_second: int


class Stopwatch:
    """Hands the phases of a task on, and keeps how long each took."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self.name = ""
        self.began = time.monotonic()

    def phase(self, name: str) -> None:
        """See Progress."""
        now = time.monotonic()
        self.seconds[self.name] = self.seconds.get(self.name, 0) + now - self.began
        self.name, self.began = name, now
        self.progress.phase(name)

    def detail(self, text: str) -> None:
        """See Progress."""
        self.progress.detail(text)

    def of(self, *names: str) -> float:
        """Seconds that these phases took together."""
        return round(sum(self.seconds.get(name, 0) for name in names), 1)


def bench_cnv(
    parameters: Path,
    images: Path,
    *,
    frames: int = 3,
    folder: Path = FOLDER,
    progress: Progress = SILENT,
) -> CnvReport:
    """Build CNV from the archive ``parameters``; evaluate, generate and simulate it.

    ``images``: a folder ``test/CLASS/*.jpg``, or a tar archive of such. The first of each of
    ``frames`` equal parts of the test set is simulated. ``folder`` gets network, plan, Verilog and
    records.

    Raises NetworkError, DataError, PlanError or ToolError.
    """
    from subbit.sim.run import simulate

    watch = Stopwatch(progress)
    watch.phase("network")
    network = build_cnv(parameters)
    plan = cnv_plan(network)
    save_network(network, folder / "cnv.safetensors")
    save_plan(plan, folder / "plan.json")
    watch.phase("images")
    data = unpacked(images, folder)
    watch.phase("golden")
    found = evaluate_dataset(network, data)
    watch.phase("plan")
    pipeline = Pipeline(network, plan)
    cost = sum((step.unit.cost() for step in pipeline.steps), Cost())
    timing = pipeline.interval_cycles, pipeline.latency_cycles
    watch.phase("rtl")
    write_rtl(network, plan, folder / "cnv.v")
    result = simulate(
        *(network, plan, sample(network, data, frames)),
        folder=folder,
        progress=watch,
    )
    watch.phase("")
    return CnvReport(
        network=network.name,
        dataset=images.name,
        weights=network.weight_count,
        images=found.images,
        correct=found.correct,
        golden_s=watch.of("golden"),
        interval_cycles=timing[0],
        latency_cycles=timing[1],
        lut4=cost.lut4,
        flip_flops=cost.flip_flops,
        block_rams=cost.block_rams,
        rtl_s=watch.of("rtl"),
        verilog_mb=round((folder / "cnv.v").stat().st_size / 1e6, 2),
        frames=result.frames,
        streams=result.streams,
        mismatches=result.mismatches,
        first_difference=str(result.first_difference) if result.first_difference else None,
        simulated_interval_cycles=result.interval_cycles,
        model_s=watch.of("verilator", "c++"),
        cycles=result.cycles,
        simulation_s=watch.of("simulation"),
        comparison_s=watch.of("comparison"),
        cycles_per_second=round(result.cycles_per_second),
    )


def sample(network: Network, data: Path, frames: int) -> NDArray[np.integer[Any]]:
    """``frames`` test images from all over the set, as the network takes them."""
    codes = load_frames(network, data).codes
    return codes[np.linspace(0, len(codes), frames, endpoint=False, dtype=np.int64)]
