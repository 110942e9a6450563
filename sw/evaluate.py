"""Accuracy of a network on the data set that its metadata names."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.dataset import Split
from subbit.sw.data.load import load_dataset
from subbit.sw.data.preprocess import preprocess
from subbit.sw.errors import DataError, NetworkError, quote
from subbit.sw.ir.network import Network
from subbit.sw.shares import sampled

__all__ = ["Evaluation", "Frames", "evaluate_dataset", "load_frames"]


@dataclass(frozen=True, eq=False)
class Frames:
    """Images as a network takes them: ``codes`` uint8 ``[n][y][x][c]``, ``labels`` int64 [n].

    ``places``: where each stands in its split, which has ``population`` images.
    """

    codes: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    places: NDArray[np.int64]
    population: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network says of its data set's images; ``predicted`` and ``labels`` are int64 [n].

    ``population``: images of the split, from which these were drawn by class with ``seed`` where
    they are fewer; None where they are all.
    """

    network: str
    dataset: str
    split: Split
    predicted: NDArray[np.int64]
    labels: NDArray[np.int64]
    population: int | None = None
    seed: int = 1

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.labels)

    @property
    def correct(self) -> int:
        """Number of images whose class was found."""
        return int((self.predicted == self.labels).sum())

    @property
    def accuracy(self) -> float:
        """``correct / images``, 0 to 1."""
        return self.correct / self.images

    def summary(self) -> dict[str, Any]:
        """What ``subbit eval --json`` prints; of a drawn part also ``of``, ``seed`` and
        ``interval``, see sampled.
        """
        return {
            "network": self.network,
            "dataset": self.dataset,
            "split": self.split,
            "images": self.images,
            "correct": self.correct,
            "accuracy": self.accuracy,
            **sampled(self.correct, self.images, self.population or self.images, self.seed),
        }


def load_frames(
    network: Network,
    data: Path | None,
    limit: int | None = None,
    split: Split = "test",
    *,
    seed: int = 1,
) -> Frames:
    """``limit`` images of the network's data set (all for None), drawn by ``seed`` so that each
    class has its share, in their order and preprocessed for the network.

    ``data`` is the folder with the data set's files, where it needs one. Needs no torch.
    Raises NetworkError where the metadata name no data set, DataError where it cannot be read or
    does not fit the network.
    """
    name, spec = dataset_of(network)
    if limit is not None and limit < 1:
        raise DataError(f"the number of images must be at least 1, not {limit}")
    whole = load_dataset(name, split, data)
    places = whole.draw(limit, seed)
    dataset = whole.at(places)
    if not len(dataset):
        raise DataError(f"data set {quote(name)} has no {split} images; check the folder")
    wanted = network.input_type
    if dataset.images.shape[1:] != wanted.shape:
        raise DataError(
            f"data set {quote(name)} has images of {shape_text(dataset.images.shape[1:])}, but "
            f"network {network.name!r} takes {shape_text(wanted.shape)}; name the data set's own "
            "folder"
        )
    codes = preprocess(dataset.images, spec)
    if int(codes.max()) > wanted.high:
        raise DataError(
            f"the preprocessing of data set {quote(name)} gives codes up to {codes.max()}, but "
            f"network {network.name!r} takes at most {wanted.high}; export it again"
        )
    return Frames(codes, dataset.labels, dataset.classes, places, len(whole))


def evaluate_dataset(
    network: Network,
    data: Path | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], object] | None = None,
    *,
    seed: int = 1,
) -> Evaluation:
    """The golden model's classes of the network's test images; see load_frames for the arguments.

    ``progress`` is told the images done and the images in all. Raises ToolError without torch.
    """
    from subbit.sw.golden import predict

    frames = load_frames(network, data, limit, seed=seed)
    total = len(frames.labels)
    report = None if progress is None else lambda done: progress(done, total)
    predicted = predict(network, frames.codes, progress=report).classes
    return Evaluation(
        *(network.name, dataset_of(network)[0], "test", predicted, frames.labels),
        population=frames.population,
        seed=seed,
    )


def dataset_of(network: Network) -> tuple[str, dict[str, Any]]:
    """Name and preprocessing of the data set in the network's metadata."""
    row = network.metadata.get("dataset")
    if not isinstance(row, dict) or not isinstance(row.get("name"), str):
        raise NetworkError(
            f"network {network.name!r} names no data set; set metadata['dataset'] to "
            "{'name': ..., 'preprocess': {'bits': ..., 'shift': ...}} when exporting it"
        )
    return row["name"], row.get("preprocess", {})


def shape_text(shape: tuple[int, ...]) -> str:
    """``(28, 28, 1)`` as ``28x28x1``."""
    return "x".join(map(str, shape))
