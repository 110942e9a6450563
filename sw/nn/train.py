"""Training a network in one call: data, recipe, export, file, curve."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from subbit.sw.data import Dataset, preprocess
from subbit.sw.data.pixels import measure_pixels
from subbit.sw.errors import DataError, NetworkError
from subbit.sw.ir import Network, save_network
from subbit.sw.nn.agree import compare
from subbit.sw.nn.curve import save_curve
from subbit.sw.nn.export import export
from subbit.sw.nn.loop import Trainer, TrainingProgress, count_correct, load_split
from subbit.sw.nn.recipes import Recipe, find_recipe

__all__ = ["TrainResult", "checkpoint_path", "curve_path", "train_network"]


@dataclass(frozen=True)
class TrainResult:
    """A finished run: the network, its file, the curve's file, and how many test images came out
    right.
    """

    network: Network
    path: Path
    curve: Path
    correct: int
    images: int
    epochs: int
    seed: int

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


def ignore(progress: TrainingProgress) -> None:
    """Show nothing."""


def train_network(
    recipe: str,
    out: Path,
    data: Path | None = None,
    epochs: int | None = None,
    seed: int = 1,
    resume: bool = False,
    progress: Callable[[TrainingProgress], None] = ignore,
    *,
    start: Path | None = None,
    keep_checkpoint: bool = False,
) -> TrainResult:
    """Train ``recipe`` and write the Network to ``out`` (.safetensors), its curve beside it.

    ``data``: the data set's folder, where it needs one; ``epochs``: None for the recipe's. After
    Ctrl-C, ``resume`` goes on after the last finished epoch, with the result of an uninterrupted
    run. ``progress`` is called after every batch. ``start``: the checkpoint of a finished run at
    another precision, from whose weights this one starts; such a run was told to
    ``keep_checkpoint``. Raises DataError and NetworkError, see there.
    """
    chosen, out = find_recipe(recipe), Path(out)
    check_out(out)
    with one_thread():
        path = checkpoint_path(out)
        epochs = chosen.epochs if epochs is None else epochs
        trainer = Trainer(chosen, epochs, seed, path, start)
        if resume:
            trainer.resume()
        result = run(trainer, out, data, start, progress)
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
    data: Path | None,
    start: Path | None,
    progress: Callable[[TrainingProgress], None],
) -> TrainResult:
    """The run that train_network describes, from where ``trainer`` stands."""
    chosen, seed = trainer.recipe, trainer.seed
    shown, train = load_split(chosen, "train", data)
    dataset, test = load_split(chosen, "test", data)
    trainer.fit(train, test, progress)
    correct = count_correct(trainer.model, test)
    metadata = describe(trainer, dataset, correct, out, data is not None, start)
    metadata["pixels"] = measure_pixels(shown.images, shown.white).to_json()
    codes = preprocess(dataset.images, chosen.preprocess)
    network = export(trainer.model, chosen.input_type, chosen.name, metadata, codes=codes)
    compare(trainer.model, network, codes).require_exact()
    save_network(network, out)
    save_curve(trainer.history, title(chosen, seed), curve_path(out))
    return TrainResult(network, out, curve_path(out), correct, len(dataset), trainer.epochs, seed)


def check_out(out: Path) -> None:
    """Raise an error now, and not after the training, if the network could not be written."""
    if out.suffix != ".safetensors":
        raise NetworkError(f"a network's file ends in .safetensors; {out} does not")
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise DataError(f"cannot write {out}: its folder must exist and it must be a file")


def title(recipe: Recipe, seed: int) -> str:
    """The curve's title."""
    return f"{recipe.name}, seed {seed}"


def describe(
    trainer: Trainer,
    dataset: Dataset,
    correct: int,
    out: Path,
    needs_data: bool,
    start: Path | None,
) -> dict[str, Any]:
    """The network's metadata: data set and preprocessing, classes, accuracy, and how it was
    trained.
    """
    recipe = trainer.recipe
    folder = " --data DIR" if needs_data else ""
    before = f" --start {place_of(start)}" if start else ""
    default = "" if trainer.epochs == recipe.epochs else f" --epochs {trainer.epochs}"
    return {
        "dataset": {"name": recipe.dataset, "preprocess": recipe.preprocess},
        "classes": list(dataset.classes),
        "accuracy": {"correct": correct, "images": len(dataset), "split": "test"},
        "training": {
            "command": f"subbit train {recipe.name}{folder} --out {place_of(out)}{default} "
            f"--seed {trainer.seed}{before}",
            "recipe": recipe.name,
            "seed": trainer.seed,
            "epochs": trainer.epochs,
            "final_loss": round(trainer.history.loss[-1], 6),
            **({"started_from": trainer.started_from} if start else {}),
        },
    }


def place_of(path: Path) -> str:
    """A path as the metadata may tell it: without the folders of one computer."""
    return path.name if path.is_absolute() else path.as_posix()
