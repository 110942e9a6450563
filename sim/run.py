"""A network's accelerator in simulation, held to the golden model and to the cycle model."""

from dataclasses import asdict, dataclass, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.boards import Board
from subbit.sim.compare import Comparison, Difference, Golden, compare
from subbit.sim.design import Design, network_design
from subbit.sim.place import run_folder
from subbit.sim.runner import build_designs, run_designs
from subbit.sw.cycles import Trace
from subbit.sw.errors import SubbitError
from subbit.sw.evaluate import load_frames
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.layers.argmax import Argmax
from subbit.sw.ir.network import Network
from subbit.sw.labels import class_name
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from subbit.sw.planner.goal import planned
from subbit.sw.report.page import report_page
from subbit.sw.report.scored import score_network
from subbit.sw.report.subject import Subject
from subbit.sw.report.write import write_page

__all__ = [
    "Fed",
    "SimResult",
    "choose_frames",
    "is_short",
    "simulate",
    "simulate_design",
    "with_labels",
    "write_sim_report",
]

FOLDER = Path("build") / "sim"
# Compiling a model for speed costs about as long as simulating this many cycles of it.
QUICK_CYCLES = 20_000


@dataclass(frozen=True, eq=False)
class SimResult:
    """What a simulation of ``frames`` frames found.

    ``mismatches``: elements of any stream that differ from the golden model, and, without back-
    pressure, beats in another cycle than the model's. ``first_difference``: where that begins.
    ``interval_cycles`` and ``latency_cycles`` were measured between the last two frames and on the
    first (None where too few came); the predicted ones are the cycle model's for the same frames
    without back-pressure. ``classes``: int64 ``[frames]``, of a network that gives a class for each
    pixel ``[frames][y][x]``. ``images`` says what was fed in, ``golden`` whether the golden model
    took part (it needs torch) beside the references of the units, ``waves`` where the waveforms
    are. ``drawn_from``: how many images the data set has, of which the frames were drawn by class
    and ``seed``; None where they are of none. ``labels``: the names of ``classes``; ``wanted``:
    those of the right ones, None where they are not known.
    """

    network: str
    frames: int
    backpressure: str
    seed: int
    images: str
    golden: bool
    streams: int
    mismatches: int
    first_difference: Difference | None
    interval_cycles: int | None
    predicted_interval_cycles: int | None
    latency_cycles: int | None
    predicted_latency_cycles: int
    cycles: int
    cycles_per_second: float
    classes: NDArray[np.int64]
    waves: Path | None = None
    drawn_from: int | None = None
    labels: tuple[str, ...] = ()
    wanted: tuple[str, ...] | None = None

    def summary(self) -> dict[str, Any]:
        """What ``subbit sim --json`` prints."""
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        first = self.first_difference
        return row | {
            "cycles_per_second": round(self.cycles_per_second),
            "classes": self.classes.tolist(),
            "first_difference": asdict(first) | {"text": str(first)} if first else None,
            "waves": str(self.waves) if self.waves else None,
        }


def simulate(
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
    progress: Progress = SILENT,
    report_on: Board | None = None,
) -> SimResult:
    """Run ``frames`` frames through the RTL of ``network`` under ``plan``; compare every stream.

    ``codes``: the frames ``[n][y][x][c]``; without, test images of the network's data set, in
    ``data`` and of another ``kind`` if that is named, drawn by ``seed`` and class, or random codes
    where there are none: ``images`` and ``drawn_from`` of the result tell. ``backpressure``:
    ``none`` (cycles are compared too) or ``random`` from ``seed``, at both ends. The run's files go
    into ``folder``/<network>, or beside it while another run is there; the compiled models into
    ``models``, by default ``folder``/models, for the next time. ``report_on``: write what was
    found, and all else about the network on that board, to ``folder``/<network>/report.html.

    Raises ToolError where a tool is missing or fails, PlanError where the plan does not fit,
    DataError or NetworkError where ``data`` is given and cannot be used.
    """
    fed = choose_frames(network, frames, seed, data, kind) if codes is None else Fed(codes)
    pipeline = Pipeline(network, plan)
    name = network.name.replace(".", "_").replace("-", "_")
    result = simulate_design(
        *(network_design(f"net_{name}", pipeline), pipeline, fed.codes),
        backpressure=backpressure,
        seed=seed,
        waves=waves,
        folder=folder / network.name,
        models=models or folder / "models",
        golden=golden_model(network, fed.codes),
        images=fed.text,
        drawn_from=fed.population,
        progress=progress,
    )
    result = with_labels(result, network, fed)
    if report_on is not None:
        path = folder / network.name / "report.html"
        write_sim_report(path, network, plan, report_on, result, data, kind)
    return result


def write_sim_report(
    path: Path,
    network: Network,
    plan: Plan,
    board: Board,
    result: SimResult,
    data: Any = None,
    kind: str | None = None,
) -> None:
    """Write the page of a simulation; ``data`` and ``kind`` are those of ``simulate``."""
    scored, why = score_network(network, data, kind)
    subject = Subject(
        *(network, board, planned(network, board, plan)),
        simulated=result.summary(),
        scored=scored,
        unscored=why,
    )
    write_page(path, report_page(subject))


def simulate_design(
    design: Design,
    pipeline: Pipeline,
    codes: NDArray[np.integer[Any]],
    *,
    folder: Path,
    models: Path,
    model: Path | None = None,
    backpressure: str = "none",
    seed: int = 0,
    waves: bool = False,
    golden: Golden | None = None,
    images: str = "the codes given",
    drawn_from: int | None = None,
    progress: Progress = SILENT,
) -> SimResult:
    """``simulate`` for a design that stands for the accelerator of ``pipeline``; see there.

    ``model``: the design's simulation model where it is built already.
    """
    inputs = codes.astype(np.int64).reshape(-1, pipeline.i.lanes)
    trace = pipeline.cycles(len(codes))
    model = model or build_designs(
        *([design], models), waves=waves, quick=is_short(trace), progress=progress
    )
    with run_folder(folder) as place:
        (outcome,) = run_designs(
            *(model, [design], [inputs]),
            backpressure=backpressure,
            seed=seed,
            folder=place,
            waves=waves,
            progress=progress,
        )
        progress.phase("comparison")
        exact = trace if backpressure == "none" else None
        found = compare(design, outcome.folder, inputs, exact, golden)
        if not found.mismatches:
            for record in outcome.folder.glob("*.rec"):
                record.unlink()
    return SimResult(
        network=pipeline.network.name,
        frames=len(codes),
        backpressure=backpressure,
        seed=seed,
        images=images,
        drawn_from=drawn_from,
        golden=golden is not None,
        streams=len(design.watched),
        mismatches=found.mismatches,
        first_difference=found.first,
        interval_cycles=interval(found),
        predicted_interval_cycles=trace.interval_cycles if len(codes) > 1 else None,
        latency_cycles=int(found.cycles[0][-1]) if found.cycles else None,
        predicted_latency_cycles=trace.latency_cycles,
        cycles=outcome.cycles,
        cycles_per_second=outcome.cycles / max(outcome.seconds, 1e-9),
        classes=classes(pipeline.network, found),
        waves=place / "dump.vcd" if waves else None,
    )


def is_short(trace: Trace) -> bool:
    """Whether a simulation of so many cycles is over before a faster model would be compiled."""
    return int(trace.branches[-1][0][-1]) < QUICK_CYCLES


@dataclass(frozen=True, eq=False)
class Fed:
    """Frames to simulate: ``codes``, where they come from, how many there are in all, and the names
    of their classes; None where neither is known.
    """

    codes: NDArray[np.integer[Any]]
    text: str = "the codes given"
    population: int | None = None
    wanted: tuple[str, ...] | None = None


def choose_frames(network: Network, frames: int, seed: int, data: Any, kind: str | None) -> Fed:
    """Test images of the network's data set, or random codes."""
    try:
        found = load_frames(network, data, frames, seed=seed, kind=kind)
        wanted = None
        if found.labels.ndim == 1:
            wanted = tuple(class_name(network, label) for label in found.labels.tolist())
        text = "test images of the network's data set"
        return Fed(found.codes, text, found.population, wanted)
    except SubbitError as error:
        if data is not None or kind is not None:
            raise
        wide = network.input_type
        draw = np.random.default_rng(seed)
        codes = draw.integers(wide.low, wide.high + 1, (frames, *wide.shape), np.int64)
        return Fed(codes, f"random codes ({error})")


def with_labels(result: SimResult, network: Network, fed: Fed) -> SimResult:
    """The result with the names of its classes; a network that gives a class for each pixel has no
    name for a frame.
    """
    if result.classes.ndim > 1:
        return result
    labels = tuple(class_name(network, index) for index in result.classes.tolist())
    return replace(result, labels=labels, wanted=fed.wanted)


def golden_model(network: Network, codes: NDArray[np.integer[Any]]) -> Golden | None:
    """The golden model, one frame at a time; None without torch, which it needs."""
    if find_spec("torch") is None:
        return None
    from subbit.sw.golden import evaluate

    def tensors(frame: int) -> dict[str, NDArray[Any]]:
        found = evaluate(network, codes[frame : frame + 1])
        return {name: tensor.numpy() for name, tensor in found.items()}

    return tensors


def interval(found: Comparison) -> int | None:
    """Cycles between the last output beats of the last two frames."""
    if len(found.cycles) < 2:
        return None
    return int(found.cycles[-1][-1] - found.cycles[-2][-1])


def classes(network: Network, found: Comparison) -> NDArray[np.int64]:
    """The class of each frame that came whole: the argmax layer's, or the greatest logit's. Of a
    network that gives a class for each pixel ``(frames, height, width)``.
    """
    last, output = isinstance(network.nodes[-1].layer, Argmax), network.output_type
    if last and output.elements > 1:
        maps = [beats.reshape(output.height, output.width) for beats in found.outputs]
        return np.array(maps, np.int64)
    flat = [beats.ravel() for beats in found.outputs]
    return np.array([beats[-1] if last else beats.argmax() for beats in flat], np.int64)
