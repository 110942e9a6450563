"""The training loop: deterministic for a seed, and resumable after every epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.data import Dataset, load_dataset, preprocess
from subbit.sw.errors import DataError
from subbit.sw.nn.augment import augment
from subbit.sw.nn.checkpoint import (
    History,
    load_checkpoint,
    save_checkpoint,
    start_from_checkpoint,
)
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import Recipe

__all__ = ["Split", "Trainer", "TrainingProgress", "count_correct", "load_split"]

EVAL_BATCH = 500
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
    """Codes as floats ``[n][c][h][w]`` and labels ``[n]``."""

    codes: Tensor
    labels: Tensor


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


def count_correct(model: nn.Module, split: Split) -> int:
    """How many images ``model``, in eval mode, classifies right; ties go to the lowest class."""
    model.eval()
    with torch.no_grad():
        found = [model(codes).argmax(1) for codes in torch.split(split.codes, EVAL_BATCH)]
    return int((torch.cat(found) == split.labels).sum())


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


class Trainer:
    """One run: model, optimizer and history.

    All randomness comes from ``seed`` and the number of the epoch, so a resumed run equals an
    uninterrupted one. ``start`` is a checkpoint of another recipe from whose parameters the run
    starts, of a higher precision as a rule.
    """

    def __init__(
        self,
        recipe: Recipe,
        epochs: int,
        seed: int,
        checkpoint: Path,
        start: Path | None = None,
    ) -> None:
        if epochs < 1:
            raise DataError(f"training takes at least one epoch, not {epochs}")
        if not 0 <= seed <= MAX_SEED:
            raise DataError(f"a seed lies in 0..{MAX_SEED}, not {seed}")
        self.recipe, self.epochs, self.seed, self.checkpoint = recipe, epochs, seed, checkpoint
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = build_model(recipe, seed)
        self.started_from = start_from_checkpoint(start, self.model) if start else ""
        store_channels_last(self.model)
        self.optimizer = torch.optim.Adam(parameter_groups(self.model, recipe))
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
        }

    def resume(self) -> None:
        """Go on where the checkpoint stands; raises DataError, see load_checkpoint."""
        self.history = load_checkpoint(self.checkpoint, self.run, self.model, self.optimizer)

    def fit(self, train: Split, test: Split, progress: Callable[[TrainingProgress], None]) -> None:
        """Train to the last epoch, with a checkpoint after each."""
        self.images = len(test.labels)
        while self.history.epochs < self.epochs:
            loss = self.epoch(train, progress)
            correct = count_correct(self.model, test)
            self.history.loss.append(loss)
            self.history.accuracy.append(correct / len(test.labels))
            save_checkpoint(self.checkpoint, self.run, self.model, self.optimizer, self.history)
            progress(self.standing(0, self.batches(train), loss))

    def batches(self, train: Split) -> int:
        """Batches in an epoch; what does not fill one is left out, another part in every epoch."""
        return max(len(train.labels) // self.recipe.batch, 1)

    def standing(self, batch: int, batches: int, loss: float) -> TrainingProgress:
        """The present state as a TrainingProgress."""
        accuracy = self.history.accuracy[-1] if self.history.accuracy else 0.0
        standing = (self.history.epochs, self.epochs, batch, batches, loss, accuracy)
        return TrainingProgress(*standing, self.images)

    def epoch(self, train: Split, progress: Callable[[TrainingProgress], None]) -> float:
        """One pass over the training set; returns the mean loss."""
        number, batches = self.history.epochs, self.batches(train)
        generator = torch.Generator().manual_seed(self.seed * 100_003 + number)
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
        """The learning rate after the share ``done`` of the run: half a cosine down to 0.

        That of codeword patterns is 0 after the recipe's share for them.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * group["rate"] * 0.5 * (1 + cos(pi * done))
            if done >= group["until"]:
                group["lr"] = 0.0

    def step(self, codes: Tensor, labels: Tensor) -> float:
        """One step of the optimizer; returns the loss."""
        loss = functional.cross_entropy(self.model(codes), labels)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        return float(loss.detach())
