"""Looking inside: what every layer makes of one picture, by the golden model and in simulation."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit import boards
from subbit.boards import Board
from subbit.sw.errors import DataError
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.host.pictures import read_pictures
from subbit.sw.ir import Network, load_network
from subbit.sw.labels import class_name
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from subbit.sw.planner.choose import choose
from subbit.sw.report.activations import Activations, activations_page, write_pngs
from subbit.sw.report.write import write_page

__all__ = ["Traced", "simulated_tensors", "trace", "write_trace"]

FOLDER = Path("build") / "sim"
Tensor = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Traced:
    """What the layers of ``network`` make of the frame ``name``: ``golden`` by the golden model,
    ``simulated`` in simulation, both int64 ``[y][x][c]`` by tensor, ``input`` included; of the
    latter those that a stream carries. ``index``: of the class, None of a network that ends in a
    map; ``label``: its name.
    """

    network: Network
    name: str
    golden: dict[str, Tensor]
    simulated: dict[str, Tensor] = field(default_factory=dict)
    index: int | None = None
    label: str = ""

    @property
    def differences(self) -> dict[str, int]:
        """For each simulated tensor how many of its elements differ from the golden model's."""
        return {
            name: int((tensor != self.golden[name]).sum())
            for name, tensor in self.simulated.items()
        }

    def summary(self) -> dict[str, Any]:
        """What ``subbit trace --json`` prints."""
        return {
            "network": self.network.name,
            "frame": self.name,
            "class": self.index,
            "label": self.label,
            "tensors": {name: list(tensor.shape) for name, tensor in self.golden.items()},
            "differences": self.differences,
        }


def trace(
    network: Network | str | os.PathLike[str],
    source: NDArray[np.integer[Any]] | str | os.PathLike[str],
    *,
    simulate: bool = False,
    plan: Plan | None = None,
    board: Board | None = None,
    invert: bool = False,
    folder: Path = FOLDER,
    progress: Progress = SILENT,
) -> Traced:
    """Run one frame through every layer of ``network``, or of the network in a file.

    ``source``: a picture, or another sample, in a file, prepared as `subbit run` does (``invert``:
    black for white); or input codes ``[y][x][c]``. ``simulate``: in the RTL too, under ``plan`` or
    the default one for ``board``; compiled models are kept in ``folder``. Raises SubbitError where
    one cannot be read, or a tool is missing.
    """
    from subbit.sw.golden import evaluate, predict

    if not isinstance(network, Network):
        network = load_network(network)
    name, codes = frame_of(network, source, invert)
    found = evaluate(network, codes[None])
    golden = {name: tensor[0].numpy() for name, tensor in found.items()}
    index, label = None, ""
    if (network.output_type.height, network.output_type.width) == (1, 1):
        index = int(predict(network, codes[None]).classes[0])
        label = class_name(network, index)
    simulated: dict[str, Tensor] = {}
    if simulate:
        target = board or boards.board(boards.DEFAULT_BOARD)
        chosen = plan or choose(network, target).plan
        simulated = simulated_tensors(network, chosen, codes, folder, progress)
    return Traced(network, name, golden, simulated, index, label)


def frame_of(
    network: Network, source: NDArray[np.integer[Any]] | str | os.PathLike[str], invert: bool
) -> tuple[str, NDArray[Any]]:
    """The name of a frame, and its codes ``[y][x][c]``."""
    if isinstance(source, np.ndarray):
        if source.shape != network.input_type.shape:
            shape = "x".join(map(str, network.input_type.shape))
            raise DataError(f"the network takes codes of {shape}, not of shape {source.shape}")
        return "codes", source
    pictures = read_pictures(network, [Path(source)], invert)
    if len(pictures) != 1:
        raise DataError(f"{source} has {len(pictures)} samples; give a file with one")
    return str(pictures[0].path), pictures[0].codes


def simulated_tensors(
    network: Network, plan: Plan, codes: NDArray[Any], folder: Path, progress: Progress = SILENT
) -> dict[str, Tensor]:
    """The tensors that streams of the RTL carry for one frame ``[y][x][c]``, by name."""
    from subbit.sim.design import network_design
    from subbit.sim.place import run_folder
    from subbit.sim.records import Record
    from subbit.sim.runner import build_designs, run_designs

    pipeline = Pipeline(network, plan)
    name = "net_" + network.name.replace(".", "_").replace("-", "_")
    design = network_design(name, pipeline)
    inputs = codes.astype(np.int64).reshape(-1, pipeline.i.lanes)
    model = build_designs([design], folder / "models", quick=True, progress=progress)
    found: dict[str, Tensor] = {"input": codes.astype(np.int64)}
    with run_folder(folder / f"{network.name}-trace") as place:
        (outcome,) = run_designs(
            *(model, [design], [inputs]),
            backpressure="none",
            seed=0,
            folder=place,
            progress=progress,
        )
        for stream in design.watched:
            if stream.golden is not None:
                record = Record(outcome.folder / f"{stream.port}.rec", stream.unit.o)
                beats, _ = record.read(0, stream.unit.o_beats)
                shape = network.types[stream.golden].shape
                flat = beats.ravel()
                count = int(np.prod(shape))  # a class stands behind the logits that it is of
                if len(flat) >= count:
                    found[stream.golden] = flat[len(flat) - count :].reshape(shape)
    return found


def write_trace(
    traced: Traced, out: str | os.PathLike[str], pngs: str | os.PathLike[str] | None = None
) -> Path:
    """Write the activations of all layers as one HTML page; with ``pngs`` also as a PNG of each
    tensor into that folder, simulated ones with ``-rtl`` behind their name.
    """
    shown = Activations(traced.network, traced.name, traced.golden, traced.simulated, traced.label)
    if pngs is not None:
        write_pngs(shown, Path(pngs))
    return write_page(out, activations_page(shown))
