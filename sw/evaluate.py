"""Accuracy of a network on the data set that its metadata names, or on frames that are given."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.dataset import Dataset, Split
from subbit.sw.data.described import load_described, load_other
from subbit.sw.data.description import Description
from subbit.sw.data.load import load_dataset
from subbit.sw.data.pixels import pixels_of, to_pixels
from subbit.sw.data.preprocess import preprocess
from subbit.sw.errors import DataError, NetworkError, quote
from subbit.sw.ir.network import Network
from subbit.sw.metrics import accuracy, confusion, mean_absolute_error, mean_f1, mean_iou
from subbit.sw.shares import sampled

__all__ = [
    "Evaluation",
    "Frames",
    "Scores",
    "evaluate_dataset",
    "evaluate_frames",
    "load_frames",
    "score",
]


@dataclass(frozen=True, eq=False)
class Frames:
    """Images as a network takes them: ``codes`` uint8 ``[n][y][x][c]``, ``labels`` int64 [n], of
    class maps ``[n][y][x]``.

    ``places``: where each stands in its split, which has ``population`` images.
    """

    codes: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    places: NDArray[np.int64]
    population: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network says of its data set's images; ``predicted`` and ``labels`` are int64 [n], of
    class maps ``[n][y][x]``; ``f1`` is the mean F1 of the classes, ``iou`` of class maps the mean
    intersection over union.

    ``population``: images of the split, from which these were drawn by class with ``seed`` where
    they are fewer; None where they are all. ``classes``: their names.
    """

    network: str
    dataset: str
    split: Split
    predicted: NDArray[np.int64]
    labels: NDArray[np.int64]
    population: int | None = None
    seed: int = 1
    classes: tuple[str, ...] = ()
    f1: float = 0.0
    iou: float | None = None

    def __repr__(self) -> str:
        return f"<Evaluation {self.network}: {self.correct:,} of {self.answers:,} right>"

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.labels)

    @property
    def correct(self) -> int:
        """Number of images, or pixels, whose class was found."""
        return int((self.predicted == self.labels).sum())

    @property
    def answers(self) -> int:
        """Number of classes that are wanted: one for each image, or for each pixel."""
        return self.labels.size

    @property
    def accuracy(self) -> float:
        """``correct / answers``, 0 to 1."""
        return self.correct / self.answers

    def summary(self) -> dict[str, Any]:
        """What ``subbit eval --json`` prints; of a drawn part also ``of``, ``seed`` and
        ``interval``, see sampled; of class maps ``pixels`` and ``iou``, and no interval, as pixels
        of an image are much alike.
        """
        population = self.population or self.images
        if self.iou is None:
            drawn = sampled(self.correct, self.images, population, self.seed)
        else:
            drawn = {} if population == self.images else {"of": population, "seed": self.seed}
            drawn |= {"pixels": self.answers, "iou": self.iou}
        return {
            "network": self.network,
            "dataset": self.dataset,
            "split": self.split,
            "images": self.images,
            "correct": self.correct,
            "accuracy": self.accuracy,
            "f1": self.f1,
            **drawn,
            "classes": self.by_class(),
        }

    def by_class(self) -> list[dict[str, Any]]:
        """Of each class its ``name``, how many ``images``, or pixels of class maps, there are and
        how many are ``correct``, and the ``taken_for`` of most of the others, None where there
        is none.
        """
        rows = []
        for label, name in enumerate(self.classes):
            here = self.predicted[self.labels == label]
            wrong = np.bincount(here[here != label], minlength=1)
            most = int(wrong.argmax())
            rows.append(
                {
                    "name": name,
                    "images": len(here),
                    "correct": int((here == label).sum()),
                    "taken_for": self.named(most) if wrong.any() else None,
                }
            )
        return rows

    def named(self, label: int) -> str:
        """The name of a class."""
        return self.classes[label] if label < len(self.classes) else str(label)


def load_frames(
    network: Network,
    data: Any = None,
    limit: int | None = None,
    split: Split = "test",
    *,
    seed: int = 1,
    kind: str | None = None,
) -> Frames:
    """``limit`` samples of the network's data set (all for None), drawn by ``seed`` so that each
    class has its share, in their order and preprocessed for the network.

    ``data`` is the path of the data set, where it needs one, or arrays from Python; ``split`` its
    part, ``test``, ``train`` or ``all``. ``kind``: of the data, where it is not the one that the
    network was trained on. Needs no torch. Raises NetworkError where the metadata name no data set,
    DataError where it cannot be read or does not fit the network.
    """
    name, spec = dataset_of(network)
    if limit is not None and limit < 1:
        raise DataError(f"the number of images must be at least 1, not {limit}")
    whole = whole_set(network, data, split, kind)
    places = whole.draw(limit, seed)
    dataset = whole.at(places)
    if not len(dataset):
        raise DataError(f"data set {quote(name)} has no {split} images; check the folder")
    wanted = network.input_type
    check_labels(network, dataset)
    codes = preprocess(dataset.images, spec)
    if codes.shape[1:] != wanted.shape:
        raise DataError(
            f"data set {quote(name)} has images of {shape_text(codes.shape[1:])}, but "
            f"network {network.name!r} takes {shape_text(wanted.shape)}; name the data set's own "
            "folder"
        )
    if int(codes.max()) > wanted.high:
        raise DataError(
            f"the preprocessing of data set {quote(name)} gives codes up to {codes.max()}, but "
            f"network {network.name!r} takes at most {wanted.high}; export it again"
        )
    return Frames(codes, dataset.labels, dataset.classes, places, len(whole))


def check_labels(network: Network, dataset: Dataset) -> None:
    """Raise DataError unless the labels are what the network gives: a class for each image, or for
    each pixel.
    """
    output = network.output_type
    in_maps = (output.height, output.width) != (1, 1)
    if in_maps and network.nodes[-1].layer.kind != "argmax":
        raise DataError(
            f"network {network.name!r} ends in a map of numbers, {output}, of which a data set's "
            "classes say nothing; compare it with frames that are given"
        )
    sides = (output.height, output.width) if in_maps else ()
    if dataset.labels.shape[1:] != sides:
        wanted = dataset.labels.shape[1:]
        has = f"a class for each of {shape_text(wanted)} pixels" if wanted else "one for each image"
        gives = f"a class for each of {shape_text(sides)} pixels" if sides else "one for each image"
        raise DataError(f"network {network.name!r} gives {gives}, and the data have {has}")


def whole_set(network: Network, data: Any, split: Split, kind: str | None) -> Dataset:
    """All samples of a part of the network's data set."""
    row = network.dataset
    name, said = row["name"], network.metadata.get("classes")
    classes = said if isinstance(said, list) and all(type(x) is str for x in said) else None
    description = Description.from_json(row)
    if kind is not None and kind != name:
        if data is None:
            raise DataError(f"data of the kind {kind} need a path; name it with --data")
        return in_range(network, load_other(kind, data, split, network.input_type.shape, classes))
    if description is not None:
        return load_described(description, data, split, classes)
    if name == "digits" and data is not None:
        raise DataError(
            f"network {network.name!r} was trained on scikit-learn's digits, which need no --data; "
            "say the kind of your own data with --data-kind"
        )
    return load_dataset(name, split, None if data is None else Path(data))


def in_range(network: Network, dataset: Dataset) -> Dataset:
    """Pictures of 0 to 255 in the range of pixels that the network was made for."""
    pixels = pixels_of(network.metadata, network.input_type.channels)
    if dataset.images.dtype != np.uint8 or (pixels.low, pixels.high) == (0, dataset.white):
        return dataset
    return replace(dataset, images=to_pixels(dataset.images / np.float32(255), pixels))


def evaluate_dataset(
    network: Network,
    data: Any = None,
    limit: int | None = None,
    progress: Callable[[int, int], object] | None = None,
    *,
    seed: int = 1,
    split: Split = "test",
    kind: str | None = None,
) -> Evaluation:
    """The golden model's classes of the network's test images, of their pixels where it gives class
    maps; see load_frames for the arguments.

    ``progress`` is told the images done and the images in all. Raises ToolError without torch.
    """
    from subbit.sw.golden import predict

    frames = load_frames(network, data, limit, split, seed=seed, kind=kind)
    total = len(frames.labels)
    report = None if progress is None else lambda done: progress(done, total)
    predicted, logits = predict(network, frames.codes, progress=report)
    table = confusion(predicted, frames.labels, logits.shape[-1])
    return Evaluation(
        *(network.name, kind or dataset_of(network)[0], split, predicted, frames.labels),
        population=frames.population,
        seed=seed,
        classes=frames.classes,
        f1=mean_f1(table),
        iou=mean_iou(table) if frames.labels.ndim == 3 else None,
    )


@dataclass(frozen=True)
class Scores:
    """How near a network's output is to what was wanted of ``frames`` frames.

    ``output``: ``class``, ``class map`` or ``numbers``. Of classes, of the frame or of each pixel:
    ``accuracy``, the mean ``f1`` and the mean intersection over union ``iou`` of the classes; of
    numbers ``mean_absolute_error``, in integers of the network's output. Others are None.
    """

    network: str
    frames: int
    output: str
    accuracy: float | None = None
    f1: float | None = None
    iou: float | None = None
    mean_absolute_error: float | None = None

    def summary(self) -> dict[str, Any]:
        """What ``subbit eval --frames --json`` prints: what there is."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def evaluate_frames(network: Network, path: str | os.PathLike[str]) -> Scores:
    """``score`` of the arrays ``codes`` and ``wanted`` in an .npz file; raises as that does, and
    NetworkError where the file cannot be read, or has other arrays.
    """
    from subbit.sw.importers.arrays.npz import read_npz

    arrays = read_npz(path)
    if set(arrays) != {"codes", "wanted"}:
        names = ", ".join(sorted(arrays))[:200]
        raise DataError(f"{path}: it has the arrays {names}; give 'codes' and 'wanted'")
    return score(network, arrays["codes"], arrays["wanted"])


def score(network: Network, codes: NDArray[Any], wanted: NDArray[Any]) -> Scores:
    """How near the golden model's output for ``codes`` ``[n][y][x][c]`` is to ``wanted``.

    ``wanted``, integers: a class for each frame ``[n]``, of a network that ends in a vector; a
    class for each pixel ``[n][y][x]``, of one that ends in an argmax of a map (other numbers than
    classes do not count); or the numbers of the network's output ``[n][y][x][c]``, of a vector
    ``[n][c]``, as they are stored. Raises DataError where shapes or numbers do not fit.
    """
    from subbit.sw.golden import predict, run_batches

    last, output = network.nodes[-1], network.output_type
    if len(wanted) != len(codes) or not len(codes):
        raise DataError(f"{len(wanted)} answers are wanted of {len(codes)} frames; give as many")
    if not np.issubdtype(wanted.dtype, np.integer):
        raise DataError(f"what is wanted are integers, not {wanted.dtype}")
    is_vector = (output.height, output.width) == (1, 1)
    ends_in_class = last.layer.kind == "argmax"
    sides = () if is_vector else (output.height, output.width)
    if wanted.shape[1:] == sides and (is_vector or ends_in_class):
        classes, logits = predict(network, codes)
        table = confusion(classes, wanted.astype(np.int64), logits.shape[-1])
        if not table.sum():
            raise DataError("no class is wanted of any frame; give classes from 0 up")
        what = "class" if is_vector else "class map"
        scores = accuracy(table), mean_f1(table), mean_iou(table)
        return Scores(network.name, len(codes), what, *scores)
    if wanted.shape[1:] not in (output.shape, *((output.shape[2:],) if is_vector else ())):
        raise DataError(
            f"network {network.name!r} gives {output}, and answers of shape {wanted.shape[1:]} are "
            "wanted; give a class, a class for each pixel of an argmax, or the output's numbers"
        )
    flat, error = wanted.reshape(len(wanted), -1), 0.0
    for part, tensors in run_batches(network, codes):
        found = tensors[last.name].numpy().reshape(part.stop - part.start, -1)
        error += mean_absolute_error(found, flat[part]) * len(found)
    return Scores(network.name, len(codes), "numbers", mean_absolute_error=error / len(codes))


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
