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
from subbit.sw.errors import DataError, NetworkError
from subbit.sw.ir.network import Network

__all__ = ["Evaluation", "Frames", "evaluate_dataset", "load_frames"]


@dataclass(frozen=True, eq=False)
class Frames:
    """Images as a network takes them: ``codes`` uint8 ``[n][y][x][c]``, ``labels`` int64 [n]."""

    codes: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network says of its data set's images; ``predicted`` and ``labels`` are int64 [n]."""

    network: str
    dataset: str
    split: Split
    predicted: NDArray[np.int64]
    labels: NDArray[np.int64]

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
        """What ``subbit eval --json`` prints."""
        return {
            "network": self.network,
            "dataset": self.dataset,
            "split": self.split,
            "images": self.images,
            "correct": self.correct,
            "accuracy": self.accuracy,
        }


def load_frames(
    network: Network, data: Path | None, limit: int | None = None, split: Split = "test"
) -> Frames:
    """The first ``limit`` images (all for None) of the network's data set, preprocessed for it.

    ``data`` is the folder with the data set's files, where it needs one. Needs no torch.
    Raises NetworkError where the metadata name no data set, DataError where it cannot be read or
    does not fit the network.
    """
    name, spec = dataset_of(network)
    if limit is not None and limit < 1:
        raise DataError(f"the number of images must be at least 1, not {limit}")
    dataset = load_dataset(name, split, data).take(limit)
    if not len(dataset):
        raise DataError(f"data set {name!r} has no {split} images; check the folder")
    wanted = network.input_type
    if dataset.images.shape[1:] != wanted.shape:
        raise DataError(
            f"data set {name!r} has images of {shape_text(dataset.images.shape[1:])}, but network "
            f"{network.name!r} takes {shape_text(wanted.shape)}; name the data set's own folder"
        )
    codes = preprocess(dataset.images, spec)
    if int(codes.max()) > wanted.high:
        raise DataError(
            f"the preprocessing of data set {name!r} gives codes up to {codes.max()}, but network "
            f"{network.name!r} takes at most {wanted.high}; export it again"
        )
    return Frames(codes, dataset.labels, dataset.classes)


def evaluate_dataset(
    network: Network,
    data: Path | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Evaluation:
    """The golden model's classes of the network's test images; see load_frames for the arguments.

    ``progress`` is told the images done and the images in all. Raises ToolError without torch.
    """
    from subbit.sw.golden import predict

    frames = load_frames(network, data, limit)
    total = len(frames.labels)
    report = None if progress is None else lambda done: progress(done, total)
    predicted = predict(network, frames.codes, progress=report).classes
    return Evaluation(network.name, dataset_of(network)[0], "test", predicted, frames.labels)


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
