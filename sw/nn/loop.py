"""The training loop: deterministic for a seed, and resumable after every epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.data import Dataset, load_dataset, preprocess
from subbit.sw.data.dataset import strata, stratified
from subbit.sw.errors import DataError
from subbit.sw.nn.augment import augment
from subbit.sw.nn.checkpoint import (
    History,
    load_checkpoint,
    save_checkpoint,
    start_from_checkpoint,
)
from subbit.sw.nn.events import EventFile
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import Recipe
from subbit.sw.nn.settings import RunSettings
from subbit.sw.nn.settle import settle
from subbit.sw.nn.sharing import SharingPenalty

__all__ = [
    "Split",
    "Trainer",
    "TrainingProgress",
    "classes_of",
    "count_correct",
    "load_split",
]

EVAL_BATCH = 500
# One of so many training images.
HELD_OUT = 10
MAX_SEED = (1 << 31) - 1


@dataclass(frozen=True)
class TrainingProgress:
    """Where a run stands: finished ``epoch`` of ``epochs``, finished ``batch`` of ``batches`` in
    the next one.

    ``loss``: of the last batch; ``accuracy``: on the ``images`` of the test set after the last
    epoch, 0 before the first.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    images: int = 0


@dataclass(frozen=True, eq=False)
class Split:
    """Codes as floats ``[n][c][h][w]`` and labels ``[n]``, of class maps ``[n][h][w]``."""

    codes: Tensor
    labels: Tensor

    @property
    def answers(self) -> int:
        """How many labels there are: one for each image, or for each pixel."""
        return self.labels.numel()


def load_split(recipe: Recipe, split: str, data: Path | None) -> tuple[Dataset, Split]:
    """A recipe's data set and its codes; raises DataError where the images have another size."""
    dataset = load_dataset(recipe.dataset, split, data)
    if (
        dataset.images.shape[1:] != recipe.input_type.shape
        or len(dataset.classes) != recipe.classes
    ):
        raise DataError(
            f"{recipe.name} takes {recipe.classes} classes of images {recipe.input_type.shape}; "
            f"the data set has {len(dataset.classes)} of {dataset.images.shape[1:]}"
        )
    codes = torch.from_numpy(preprocess(dataset.images, recipe.preprocess))
    return dataset, Split(codes.permute(0, 3, 1, 2).float(), torch.from_numpy(dataset.labels))


def class_scores(logits: Tensor) -> Tensor:
    """Logits ``(n, classes)``, or of class maps ``(n, classes, h, w)``, as they are; of maps of one
    pixel without it.
    """
    return logits if logits.ndim == 4 and logits.shape[2:] != (1, 1) else logits.flatten(1)


def classes_of(model: nn.Module, split: Split) -> Tensor:
    """The class that ``model``, in eval mode, gives each image or pixel; ties go to the lowest
    one.
    """
    model.eval()
    with torch.no_grad():
        parts = torch.split(split.codes, EVAL_BATCH)
        return torch.cat([class_scores(model(codes)).argmax(1) for codes in parts])


def count_correct(model: nn.Module, split: Split) -> int:
    """How many images, or pixels, ``model`` classifies right, see classes_of."""
    return int((classes_of(model, split) == split.labels).sum())


def mean_loss(model: nn.Module, split: Split) -> float:
    """The mean cross entropy of ``model``, in eval mode."""
    model.eval()
    with torch.no_grad():
        rows = zip(*(torch.split(x, EVAL_BATCH) for x in (split.codes, split.labels)), strict=True)
        found = [
            functional.cross_entropy(class_scores(model(codes)), labels, reduction="sum")
            for codes, labels in rows
        ]
    return float(torch.stack(found).sum()) / split.answers


def hold_out(train: Split, seed: int) -> tuple[Split, Split]:
    """The training set without a tenth of it, drawn by class, and that tenth; raises DataError
    where there are too few images.
    """
    count = len(train.labels) // HELD_OUT
    if not count:
        raise DataError(
            f"{len(train.labels)} training images are too few to hold some out; leave patience out"
        )
    held = torch.from_numpy(stratified(strata(train.labels.numpy()), count, seed))
    rest = torch.ones(len(train.labels), dtype=torch.bool)
    rest[held] = False
    return (
        Split(train.codes[rest], train.labels[rest]),
        Split(train.codes[held], train.labels[held]),
    )


def fingerprint(teacher: nn.Module | None) -> str:
    """What tells one teacher from another; nothing for none."""
    if teacher is None:
        return ""
    total = sha256(type(teacher).__name__.encode())
    for name, value in teacher.state_dict().items():
        total.update(name.encode())
        total.update(value.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The parameters for the optimizer: codeword patterns, and all others, each with its relative
    rate.
    """
    named = dict(model.named_parameters())
    patterns = [value for name, value in named.items() if name.endswith("patterns")]
    others = [value for name, value in named.items() if not name.endswith("patterns")]
    groups: list[dict[str, Any]] = [{"params": others, "rate": 1.0, "until": 1.0}]
    if patterns:
        rate, until = recipe.pattern_rate, recipe.pattern_share
        groups.append({"params": patterns, "rate": rate, "until": until})
    return groups


def store_channels_last(model: nn.Module) -> None:
    """Lay convolution weights out channel last, in which a CPU trains a sixth faster."""
    for parameter in model.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def seeded_model(recipe: Recipe, seed: int) -> nn.Module:
    """The untrained module of a recipe; torch's random numbers stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_model(recipe, seed)


class Trainer:
    """One run: model, optimizer and history.

    All randomness comes from ``seed`` and the number of the epoch, so a resumed run equals an
    uninterrupted one. ``start`` is a checkpoint of another recipe from whose parameters the run
    starts, of a higher precision as a rule. ``model``: what is trained instead of the recipe's.
    ``teacher``: a module whose logits for the same codes the model is to come near, see
    RunSettings. ``events``: the folder for TensorBoard's scalars.
    """

    def __init__(
        self,
        recipe: Recipe,
        epochs: int,
        seed: int,
        checkpoint: Path,
        start: Path | None = None,
        *,
        model: nn.Module | None = None,
        settings: RunSettings | None = None,
        teacher: nn.Module | None = None,
        events: Path | None = None,
    ) -> None:
        if epochs < 1:
            raise DataError(f"training takes at least one epoch, not {epochs}")
        if not 0 <= seed <= MAX_SEED:
            raise DataError(f"a seed lies in 0..{MAX_SEED}, not {seed}")
        self.recipe, self.epochs, self.seed, self.checkpoint = recipe, epochs, seed, checkpoint
        self.model = seeded_model(recipe, seed) if model is None else model
        self.started_from = start_from_checkpoint(start, self.model) if start else ""
        store_channels_last(self.model)
        self.penalty = SharingPenalty(self.model) if recipe.sharing else None
        self.optimizer = torch.optim.Adam(parameter_groups(self.model, recipe))
        self.settings = settings or RunSettings()
        self.teacher = None if teacher is None else teacher.eval()
        self.events = None if events is None else EventFile(events)
        self.history = History([], [])
        self.images = 0

    @property
    def run(self) -> dict[str, Any]:
        """What a checkpoint must agree with."""
        return {
            "name": self.recipe.name,
            "recipe": repr(self.recipe),
            "epochs": self.epochs,
            "seed": self.seed,
            "start": self.started_from,
            "settings": repr(self.settings),
            "teacher": fingerprint(self.teacher),
        }

    def resume(self) -> None:
        """Go on where the checkpoint stands; raises DataError, see load_checkpoint."""
        self.history = load_checkpoint(self.checkpoint, self.run, self.model, self.optimizer)

    def fit(self, train: Split, test: Split, progress: Callable[[TrainingProgress], None]) -> None:
        """Train to the last epoch, or until patience ends, with a checkpoint after each."""
        self.images = test.answers
        held: Split | None = None
        if self.settings.patience:
            train, held = hold_out(train, self.seed)
        while self.history.epochs < self.epochs and not self.is_over:
            loss = self.epoch(train, progress)
            if self.recipe.settled:
                settle(self.model, train.codes, self.recipe.batch)
            correct = count_correct(self.model, test)
            self.history.loss.append(loss)
            self.history.accuracy.append(correct / test.answers)
            if held is not None:
                self.validate(held)
            self.note()
            save_checkpoint(self.checkpoint, self.run, self.model, self.optimizer, self.history)
            progress(self.standing(0, self.batches(train), loss))
        if self.history.best is not None:
            self.model.load_state_dict(self.history.best)

    def note(self) -> None:
        """The last epoch's numbers for TensorBoard."""
        if self.events is None:
            return
        rows = {"loss/training": self.history.loss, "accuracy/test": self.history.accuracy}
        if self.history.validation:
            rows["loss/held out"] = self.history.validation
        scalars = {name: row[-1] for name, row in rows.items()}
        rate = self.optimizer.param_groups[0]["lr"]
        self.events.add(self.history.epochs, scalars | {"rate": rate})

    @property
    def is_over(self) -> bool:
        """Whether patience has ended."""
        return 0 < self.settings.patience <= self.history.waited

    def validate(self, held: Split) -> None:
        """Note the loss on the images that are held out, and the parameters if it is the least."""
        self.history.validation.append(mean_loss(self.model, held))
        if self.history.waited == 0:
            state = self.model.state_dict()
            self.history.best = {name: value.detach().clone() for name, value in state.items()}

    def batches(self, train: Split) -> int:
        """Batches in an epoch; what does not fill one is left out, another part in every epoch."""
        return max(len(train.labels) // self.recipe.batch, 1)

    def standing(self, batch: int, batches: int, loss: float) -> TrainingProgress:
        """The present state as a TrainingProgress."""
        accuracy = self.history.accuracy[-1] if self.history.accuracy else 0.0
        standing = (self.history.epochs, self.epochs, batch, batches, loss, accuracy)
        return TrainingProgress(*standing, self.images)

    def epoch(self, train: Split, progress: Callable[[TrainingProgress], None]) -> float:
        """One pass over the training set; returns the mean loss. What draws torch's own random
        numbers, as a Dropout does, draws those of the seed and the epoch.
        """
        seed = self.seed * 100_003 + self.history.epochs
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.seeded_epoch(train, torch.Generator().manual_seed(seed), progress)

    def seeded_epoch(
        self,
        train: Split,
        generator: torch.Generator,
        progress: Callable[[TrainingProgress], None],
    ) -> float:
        """See epoch; ``generator`` draws the order and the augmentation."""
        number, batches = self.history.epochs, self.batches(train)
        order = torch.randperm(len(train.labels), generator=generator)
        total = 0.0
        self.model.train()
        for batch, chosen in enumerate(torch.split(order, self.recipe.batch)[:batches]):
            self.set_rate((number + batch / batches) / self.epochs)
            moved = augment(
                train.codes[chosen],
                self.recipe.augmentation,
                (1 << self.recipe.bits) - 1,
                generator,
            )
            loss = self.step(moved, train.labels[chosen])
            total += loss
            progress(self.standing(batch + 1, batches, loss))
        return total / batches

    def set_rate(self, done: float) -> None:
        """The learning rate after the share ``done`` of the run, see RunSettings.

        That of codeword patterns is 0 after the recipe's share for them.
        """
        factor = self.settings.rate(done, self.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * group["rate"] * factor
            if done >= group["until"]:
                group["lr"] = 0.0

    def step(self, codes: Tensor, labels: Tensor) -> float:
        """One step of the optimizer; returns the loss."""
        logits = class_scores(self.model(codes))
        loss = functional.cross_entropy(logits, labels)
        if self.teacher is not None and self.settings.distil:
            share = self.settings.distil
            loss = (1 - share) * loss + share * self.distance(logits, codes)
        if self.penalty:
            loss = loss + self.recipe.sharing * self.penalty()
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        return float(loss.detach())

    def distance(self, logits: Tensor, codes: Tensor) -> Tensor:
        """How far the softened logits are from the teacher's (Hinton, Vinyals and Dean, 2015)."""
        assert self.teacher is not None
        heat = self.settings.temperature
        with torch.no_grad():
            wanted = functional.softmax(class_scores(self.teacher(codes)) / heat, 1)
        found = functional.log_softmax(logits / heat, 1)
        answers = logits.numel() // logits.shape[1]
        return heat**2 * functional.kl_div(found, wanted, reduction="sum") / answers
