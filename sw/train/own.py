"""Training a user's own model in one call: its file, data, the check, training, export."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from subbit import boards
from subbit.boards import Board
from subbit.sw.data import DataOptions
from subbit.sw.errors import DataError, NetworkError
from subbit.sw.importers.torch.export import export_module
from subbit.sw.ir import TensorType, save_network
from subbit.sw.nn.augment import Augmentation
from subbit.sw.nn.class_map import exportable
from subbit.sw.nn.confusion import confusion_of, save_confusion
from subbit.sw.nn.curve import save_curve
from subbit.sw.nn.loop import Trainer, TrainingProgress, class_scores, classes_of
from subbit.sw.nn.recipes import Recipe
from subbit.sw.nn.settings import RunSettings, schedule_of
from subbit.sw.train.check import check_model
from subbit.sw.train.model_file import Built, build_model_file, is_model_file, network_name, said_by
from subbit.sw.train.own_data import OwnData, own_data
from subbit.sw.train.preview import Preview, preview_module
from subbit.sw.train.train import (
    TrainResult,
    check_out,
    checkpoint_path,
    curve_path,
    ignore,
    one_thread,
)

__all__ = [
    "OwnTraining",
    "built_of",
    "confusion_path",
    "finished",
    "preview_file",
    "train_model",
]

EPOCHS = 30


@dataclass(frozen=True)
class OwnTraining:
    """How an own model is trained.

    ``epochs``; images in a ``batch``; ``lr``, Adam's first learning rate; random ``shift`` in
    pixels, ``degrees`` of rotation and relative ``scale`` of the images. ``pattern_share``: the
    share of the run after which the codewords of codebooks stand still. The others are those of
    RunSettings: ``schedule``, ``warmup``, ``patience``, ``distil``, ``temperature``.
    """

    epochs: int = EPOCHS
    batch: int = 64
    lr: float = 0.005
    shift: float = 0.0
    degrees: float = 0.0
    scale: float = 0.0
    pattern_share: float = 0.7
    schedule: str = "cosine"
    warmup: float = 0.0
    patience: int = 0
    distil: float = 0.5
    temperature: float = 4.0

    def __post_init__(self) -> None:
        _ = self.settings
        if self.batch < 2 or not 0 < self.lr < 10:
            raise NetworkError(
                f"a batch has at least 2 images and a learning rate lies in 0..10, not "
                f"{self.batch} and {self.lr}"
            )

    @property
    def settings(self) -> RunSettings:
        """The settings of the loop; raises DataError where they are none."""
        rest = self.warmup, self.patience, self.distil, self.temperature
        return RunSettings(schedule_of(self.schedule), *rest)

    def check(self, data: OwnData) -> None:
        """Raise DataError where images would be moved and their class maps would not."""
        if data.maps and (self.shift or self.degrees or self.scale):
            raise DataError(
                "class maps are not moved with their images; leave shift, degrees and scale out"
            )

    def recipe(self, name: str, data: OwnData) -> Recipe:
        """What the training loop needs to know."""
        height, width, _ = data.input_type.shape
        return Recipe(
            name=name,
            dataset=data.name,
            height=height,
            width=width,
            bits=data.input_type.bits,
            channels=(),
            epochs=self.epochs,
            batch=self.batch,
            lr=self.lr,
            augmentation=Augmentation(self.shift, self.degrees, self.scale),
            pattern_share=self.pattern_share,
            classes=len(data.classes),
        )


def train_model(
    model: str | nn.Module,
    out: Path,
    data: Any = None,
    *,
    kind: str | None = None,
    options: DataOptions | None = None,
    training: OwnTraining | None = None,
    seed: int = 1,
    board: str | Board | None = None,
    resume: bool = False,
    progress: Callable[[TrainingProgress], None] = ignore,
    told: Callable[[str], object] = ignore,
    start: Path | None = None,
    keep_checkpoint: bool = False,
    teacher: str | nn.Module | None = None,
    events: Path | None = None,
) -> TrainResult:
    """Train a model of the user's own and write its Network to ``out``, the curve beside it.

    ``model``: ``FILE.py:NAME``, see build_model_file, whose code is executed; or a module, which is
    trained in place and whose random numbers are its maker's affair. It is checked whole before the
    first epoch, against ``board`` too where that is given: see check_model, whose errors these are.
    ``teacher``: a trained module that takes the same codes, or the ``FILE.py:NAME`` that makes it,
    whose logits the model learns from too; see ``distil`` of OwnTraining. ``events``: a folder for
    TensorBoard. ``told`` gets a line on the data. The other arguments are those of train_network.
    """
    out, chosen = Path(out), training or OwnTraining()
    check_out(out)
    if isinstance(model, str) and not is_model_file(model):
        raise NetworkError(f"{model} is no Python file; name one, as in my_model.py:Net")
    wanted = boards.board(board) if isinstance(board, str) else board
    with one_thread():
        found = own_data(data, kind, options)
        told(found.text)
        chosen.check(found)
        built = built_of(model, found, seed)
        check_model(
            built.module,
            found.input_type,
            len(found.classes),
            name=built.name,
            places=built.places,
            board=wanted,
            maps=found.maps,
        )
        path = checkpoint_path(out)
        recipe = chosen.recipe(built.name, found)
        trainer = Trainer(
            *(recipe, chosen.epochs, seed, path, start),
            model=built.module,
            settings=chosen.settings,
            teacher=teacher_of(teacher, found, seed),
            events=events,
        )
        if resume:
            trainer.resume()
        trainer.fit(found.train, found.test, progress)
        result = finished(trainer, built, found, out)
    if not keep_checkpoint:
        path.unlink(missing_ok=True)
    return result


def built_of(model: str | nn.Module, data: OwnData, seed: int) -> Built:
    """The module, its name and places."""
    if isinstance(model, nn.Module):
        return Built(model, network_name(type(model).__name__), {})
    return build_model_file(model, data.input_type, len(data.classes), seed)


def teacher_of(teacher: str | nn.Module | None, data: OwnData, seed: int) -> nn.Module | None:
    """The teacher; raises NetworkError unless it gives logits of the same classes."""
    if teacher is None:
        return None
    built = built_of(teacher, data, seed)
    module = built.module.eval()
    try:
        with torch.no_grad():
            logits = module(data.test.codes[:2])
    except Exception as error:
        raise NetworkError(f"the teacher does not run: {said_by(error)}; mend it") from None
    labels = data.test.labels[:2]
    wanted = (len(labels), len(data.classes), *labels.shape[1:])
    if not isinstance(logits, Tensor) or tuple(class_scores(logits).shape) != wanted:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise NetworkError(
            f"the teacher {built.name} gives {shape} where the model's logits are {wanted}; take "
            "one of the same classes"
        )
    return module


def finished(
    trainer: Trainer,
    built: Built,
    data: OwnData,
    out: Path,
    more: dict[str, Any] | None = None,
) -> TrainResult:
    """The trained model's network, compared with it on the test set, and written; ``more`` goes
    into its metadata.
    """
    predicted = classes_of(trainer.model, data.test)
    correct, images = int((predicted == data.test.labels).sum()), data.test.answers
    epochs = trainer.history.epochs
    training: dict[str, Any] = {"model": built.name, "seed": trainer.seed, "epochs": epochs}
    if epochs:
        training["final_loss"] = round(trainer.history.loss[-1], 6)
    if trainer.started_from:
        training["started_from"] = trainer.started_from
    accuracy = {"correct": correct, "images": images, "split": "test"}
    if data.maps:
        accuracy["of"] = "pixels"
    metadata = data.metadata | {"accuracy": accuracy, "training": training} | (more or {})
    made = export_module(
        *(exportable(trainer.model, data.maps), data.input_type, built.name, metadata),
        codes=data.codes,
        places=built.places,
    )
    made.require_exact(data.codes)
    save_network(made.network, out)
    curve = curve_path(out)
    title = f"{built.name}, seed {trainer.seed}"
    save_curve(trainer.history, title, curve)
    labels = data.test.labels.numpy().reshape(-1)
    matrix = confusion_of(labels, predicted.numpy().reshape(-1), len(data.classes))
    save_confusion(matrix, data.classes, title, confusion_path(out))
    what = "pixels" if data.maps else "images"
    return TrainResult(
        *(made.network, out, curve, correct, images, epochs, trainer.seed), what=what
    )


def confusion_path(out: Path) -> Path:
    """Where a run that writes ``out`` puts the picture of what is taken for what."""
    return out.with_suffix(".confusion.png")


def preview_file(
    model: str,
    board: str | Board,
    data: Any = None,
    *,
    kind: str | None = None,
    input_type: TensorType | None = None,
    classes: int = 10,
    seed: int = 1,
) -> Preview:
    """The preview of ``FILE.py:NAME`` for inputs of ``input_type`` and so many classes, or for
    those of the data set in ``data``, of digits for None. Raises what train_model raises.
    """
    if input_type is None:
        found = own_data(data, kind)
        input_type, classes = found.input_type, len(found.classes)
    built = build_model_file(model, input_type, classes, seed)
    chosen = boards.board(board) if isinstance(board, str) else board
    return preview_module(
        built.module, input_type, chosen, classes=classes, name=built.name, places=built.places
    )
