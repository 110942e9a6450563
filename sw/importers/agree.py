"""Comparing an imported network with its source, layer by layer, on given images."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.preprocess import preprocess
from subbit.sw.importers.exact.mark import Mark
from subbit.sw.ir import Encoding, Network, TensorType

__all__ = ["Compared", "ImportAgreement", "compare"]

BATCH = 100
FLOAT32_ERROR = 2.0**-22
Images = NDArray[np.uint8]
Tensors = dict[str, NDArray[Any]]


@dataclass
class Compared:
    """One layer: how many of its ``elements`` are ``apart``, and where the first one is.

    ``layer``: the Network's; ``node``: the source's. ``first``: image, place in the source's
    tensor, the source's number and the Network's, None where all agree.
    """

    layer: str
    node: str
    elements: int = 0
    apart: int = 0
    first: dict[str, Any] | None = None


@dataclass
class ImportAgreement:
    """What a comparison found, on ``images`` images.

    ``classes_apart``: images whose class differs, the first of them ``first_class``;
    ``correct``: how many classes are those of ``labels``, where labels were given.
    """

    layers: list[Compared]
    images: int = 0
    classes_apart: int = 0
    first_class: int | None = None
    correct: int | None = None
    source_correct: int | None = None
    classes: list[NDArray[np.int64]] = field(default_factory=list, repr=False)

    @property
    def first(self) -> Compared | None:
        """The first layer with a difference."""
        return next((row for row in self.layers if row.apart), None)

    def summary(self) -> dict[str, Any]:
        """The agreement as JSON values."""
        first = self.first
        return {
            "images": self.images,
            "classes_apart": self.classes_apart,
            "first_class_apart": self.first_class,
            "correct": self.correct,
            "source_correct": self.source_correct,
            "elements": sum(row.elements for row in self.layers),
            "elements_apart": sum(row.apart for row in self.layers),
            "first_difference": None
            if first is None
            else {"layer": first.layer, "node": first.node, **(first.first or {})},
        }


def compare(
    network: Network,
    marks: tuple[Mark, ...],
    run: Callable[[Images], Tensors],
    logits: str,
    images: Images,
    labels: NDArray[np.int64] | None = None,
    batch: int = BATCH,
    progress: Callable[[int], object] | None = None,
) -> ImportAgreement:
    """Run ``images`` ``[n][h][w][c]`` through the source and the golden model, ``batch`` at a time.

    ``run`` gives the source's tensors, inputs first, among them ``logits``; ``marks`` name those to
    compare. A number of the source agrees if the Network's integer is the nearest one to it, or
    as near as float32 is precise where a layer's integers have more than 22 bits.
    """
    from subbit.sw.golden import evaluate

    found = ImportAgreement([Compared(mark.name, mark.node) for mark in marks])
    spec = network.metadata["dataset"]["preprocess"]
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        theirs = run(part)
        ours = {name: x.numpy() for name, x in evaluate(network, preprocess(part, spec)).items()}
        for row, mark in zip(found.layers, marks, strict=True):
            add_layer(row, mark, theirs[mark.source], ours[mark.name], start)
        ours_class = ours[network.nodes[-1].name].reshape(len(part), -1)
        if network.nodes[-1].layer.kind == "argmax":
            expected = theirs[logits].reshape(len(part), -1).argmax(axis=1)
            add_classes(found, ours_class[:, 0], expected, labels, start)
        found.images += len(part)
        if progress is not None:
            progress(found.images)
    return found


def values(kind: TensorType, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """What stored numbers stand for."""
    return 2 * codes - kind.high if kind.encoding is Encoding.BIPOLAR else codes


def add_layer(
    row: Compared, mark: Mark, theirs: NDArray[Any], ours: NDArray[np.int64], start: int
) -> None:
    """Compare one layer's tensors of one batch."""
    channels = mark.kind.channels
    scale, offset = (
        np.tile(numbers.astype(np.float64), mark.kind.elements // channels)
        for numbers in (mark.scale, mark.offset)
    )
    places = mark.index.reshape(-1)
    mine = values(mark.kind, ours).reshape(len(ours), -1)[:, places]
    source = np.asarray(theirs, np.float64).reshape(len(ours), -1)
    # What is multiplied by 0 stands for its offset, whatever the integer is.
    mine = np.where(scale[places] == 0, 0, mine)
    nearest = (source - offset[places]) / np.where(scale == 0, 1, scale)[places]
    # The values of a bipolar code lie 2 apart, so that the nearest one is within 1.
    reach = 1.0 if mark.kind.encoding is Encoding.BIPOLAR else 0.5
    # A source in float32 cannot tell apart more than some 2**22 integers.
    reach = max(reach, max(-mark.kind.low, mark.kind.high) * FLOAT32_ERROR)
    apart = ~(np.abs(nearest - mine) < reach)
    row.elements += apart.size
    row.apart += int(apart.sum())
    if row.first is None and apart.any():
        image, place = (int(i) for i in np.argwhere(apart)[0])
        row.first = {
            "image": start + image,
            "place": [int(i) for i in np.unravel_index(place, mark.index.shape)],
            "source": float(source[image, place]),
            "network": float(mine[image, place] * scale[places[place]] + offset[places[place]]),
        }


def add_classes(
    found: ImportAgreement,
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
    start: int,
) -> None:
    """Compare the classes of one batch."""
    apart = np.flatnonzero(ours != theirs)
    found.classes_apart += len(apart)
    if found.first_class is None and len(apart):
        found.first_class = start + int(apart[0])
    found.classes.append(ours)
    if labels is not None:
        wanted = labels[start : start + len(ours)]
        found.correct = (found.correct or 0) + int((ours == wanted).sum())
        found.source_correct = (found.source_correct or 0) + int((theirs == wanted).sum())
