"""Training a network in one call: data, recipe, export, file, curve."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import torch

from subbit.boards import Board
from subbit.sw.data import DataOptions
from subbit.sw.errors import DataError, NetworkError
from subbit.sw.importers.torch.export import export_module
from subbit.sw.ir import Network, save_network
from subbit.sw.lower.plan import save_plan
from subbit.sw.nn.curve import save_curve
from subbit.sw.nn.loop import Trainer, TrainingProgress, count_correct
from subbit.sw.nn.recipes import RECIPES, Recipe, find_recipe
from subbit.sw.nn.training_data import TrainingData, training_data
from subbit.sw.train.rate import Candidate, plan_of, recipe_for

__all__ = ["Target", "TrainResult", "checkpoint_path", "curve_path", "plan_path", "train_network"]


@dataclass(frozen=True)
class TrainResult:
    """A finished run: the network, its file, the curve's file, and how many test images came out
    right, or ``what`` is classified: pixels of class maps. ``plan``, ``fps``: the file of its plan
    for a target, and the frames a second of that; None without a target, or where the trained
    network has no plan of the rate after all.
    """

    network: Network
    path: Path
    curve: Path
    correct: int
    images: int
    epochs: int
    seed: int
    plan: Path | None = None
    fps: float | None = None
    what: str = "images"

    @property
    def accuracy(self) -> float:
        """Share of the test images that are classified right, 0 to 1."""
        return self.correct / self.images


def checkpoint_path(out: Path) -> Path:
    """Where a run that writes ``out`` keeps its state between epochs; deleted when the run is
    finished, unless it is to be kept.
    """
    return out.with_suffix(".checkpoint")


def curve_path(out: Path) -> Path:
    """Where a run that writes ``out`` puts its training curve."""
    return out.with_suffix(".png")


def plan_path(out: Path) -> Path:
    """Where a run that writes ``out`` for a target puts its plan."""
    return out.with_suffix(".plan.json")


@dataclass(frozen=True)
class Target:
    """The board that a network is trained for, and the frames a second that it is to reach there.
    ``looked_at``: called with each candidate that is planned.
    """

    board: Board
    fps: float
    looked_at: Callable[[Candidate], None] = lambda candidate: None


def ignore(progress: object) -> None:
    """Show nothing."""


def train_network(
    recipe: str,
    out: Path,
    data: Any = None,
    epochs: int | None = None,
    seed: int = 1,
    resume: bool = False,
    progress: Callable[[TrainingProgress], None] = ignore,
    *,
    start: Path | None = None,
    keep_checkpoint: bool = False,
    kind: str | None = None,
    options: DataOptions | None = None,
    told: Callable[[str], object] = ignore,
    sharing: float = 0.0,
    target: Target | None = None,
) -> TrainResult:
    """Train ``recipe`` and write the Network to ``out`` (.safetensors), its curve beside it.

    ``data``: the path of the data set, where the recipe needs one, or arrays or a torch Dataset,
    see subbit.sw.data.arrays; its ``kind``, where it cannot be told, and ``options`` of how to read
    it; ``told`` gets a line on what it is. ``epochs``: None for the recipe's. After Ctrl-C,
    ``resume`` goes on after the last finished epoch, with the result of an uninterrupted run.
    ``progress`` is called after every batch. ``start``: the checkpoint of a finished run at another
    precision, from whose weights this one starts; such a run was told to ``keep_checkpoint``.
    ``sharing``: the weight of the penalty for rows that differ, see SharingPenalty. ``target``:
    choose tiles and codebooks of the inner layers for a board and a rate first, see recipe_for; a
    plan for the trained network is then written beside it.

    Raises DataError, NetworkError, and FitError where no coding reaches the rate, see there; what
    does not fit the recipe before training.
    """
    chosen, out = find_recipe(recipe), Path(out)
    check_out(out)
    options = options or DataOptions()
    if not (isfinite(sharing) and sharing >= 0):
        raise DataError(f"the weight of sharing is a number from 0 up, not {sharing}")
    if target and not target.fps > 0:
        raise DataError(f"a rate is above 0 frames/s, not {target.fps:g}")
    with one_thread():
        path = checkpoint_path(out)
        found = training_data(chosen, data, kind, options)
        told(found.text)
        wanted = replace(found.recipe, sharing=sharing)
        if target:
            wanted = recipe_for(wanted, target.board, target.fps, target.looked_at)
        epochs = wanted.epochs if epochs is None else epochs
        trainer = Trainer(wanted, epochs, seed, path, start)
        if resume:
            trainer.resume()
        wish = data_text(data, kind, options)
        result = run(trainer, out, found, wish, start, progress, target)
    if not keep_checkpoint:
        path.unlink(missing_ok=True)
    return result


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread, so that sums round the same on any number of cores.

    Layers this small gain little from a second.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run(
    trainer: Trainer,
    out: Path,
    data: TrainingData,
    wish: str,
    start: Path | None,
    progress: Callable[[TrainingProgress], None],
    target: Target | None,
) -> TrainResult:
    """The run that train_network describes, from where ``trainer`` stands; ``wish`` are the options
    of a command that say which data.
    """
    chosen, seed = trainer.recipe, trainer.seed
    trainer.fit(data.train, data.test, progress)
    correct, images = count_correct(trainer.model, data.test), len(data.codes)
    metadata = data.metadata | describe(trainer, correct, images, out, wish, start, target)
    name = chosen.name if chosen.name in RECIPES else name_of(out, chosen.name)
    made = export_module(trainer.model, chosen.input_type, name, metadata, codes=data.codes)
    made.require_exact(data.codes)
    network = made.network
    save_network(network, out)
    save_curve(trainer.history, title(chosen, seed), curve_path(out))
    planned = target and plan_of(network, target.board, target.fps)
    if planned:
        save_plan(planned.plan, plan_path(out))
    return TrainResult(
        *(network, out, curve_path(out), correct, images, trainer.epochs, seed),
        plan=plan_path(out) if planned else None,
        fps=planned.fps if planned else None,
    )


def check_out(out: Path) -> None:
    """Raise an error now, and not after the training, if the network could not be written."""
    if out.suffix != ".safetensors":
        raise NetworkError(f"a network's file ends in .safetensors; {out} does not")
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise DataError(f"cannot write {out}: its folder must exist and it must be a file")


def name_of(out: Path, usual: str) -> str:
    """The network's name by that of its file, as far as a name may have such letters."""
    name = re.sub(r"[^a-z0-9_.-]+", "-", out.stem.lower()).strip("_.-")
    return name[:63] or usual


def title(recipe: Recipe, seed: int) -> str:
    """The curve's title."""
    return f"{recipe.name}, seed {seed}"


def describe(
    trainer: Trainer,
    correct: int,
    images: int,
    out: Path,
    wish: str,
    start: Path | None,
    target: Target | None,
) -> dict[str, Any]:
    """The network's metadata on accuracy, and how it was trained."""
    recipe = trainer.recipe
    before = f" --start {place_of(start)}" if start else ""
    before += f" --sharing {recipe.sharing:g}" if recipe.sharing else ""
    before += f" --for {target.board.name} --fps {target.fps:.12g}" if target else ""
    default = "" if trainer.epochs == recipe.epochs else f" --epochs {trainer.epochs}"
    return {
        "accuracy": {"correct": correct, "images": images, "split": "test"},
        "training": {
            "command": f"subbit train {recipe.name}{wish} --out {place_of(out)}{default} "
            f"--seed {trainer.seed}{before}",
            "recipe": recipe.name,
            "seed": trainer.seed,
            "epochs": trainer.epochs,
            "final_loss": round(trainer.history.loss[-1], 6),
            **({"codings": list(map(str, recipe.codings))} if recipe.codings else {}),
            **({"started_from": trainer.started_from} if start else {}),
        },
    }


def data_text(data: Any, kind: str | None, options: DataOptions) -> str:
    """The options of ``subbit train`` that say which data, without the folders of one computer."""
    if data is None:
        return ""
    usual, rows = DataOptions(), [" --data DIR"]
    height, width = options.size or (0, 0)
    said = {
        "--data-kind": kind,
        "--size": f"{width}x{height}" if options.size else None,
        "--colour": None if options.colour is None else ("rgb" if options.colour else "grey"),
        "--label": options.label,
        "--test-share": options.test if options.test != usual.test else None,
        "--split-seed": options.seed if options.seed != usual.seed else None,
        "--input-bits": options.bits,
        "--levels": options.levels,
    }
    rows += [
        f" {name} {shlex.quote(str(value))}" for name, value in said.items() if value is not None
    ]
    return "".join(rows)


def place_of(path: Path) -> str:
    """A path as the metadata may tell it: without the folders of one computer."""
    return path.name if path.is_absolute() else path.as_posix()
