"""Comparing an imported network with its source, layer by layer, on given images.

What a source rounds may fall on the other side of a threshold, or make another of two equal logits
the greater one. Such numbers and classes are counted apart: they are no differences.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from subbit.sw.data.preprocess import preprocess
from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.mark import End, Mark
from subbit.sw.importers.exact.rounding import FLOAT32_ERROR, Bools
from subbit.sw.ir import INPUT, Encoding, Network, TensorType
from subbit.sw.ir.kinds import layer_kind

__all__ = ["Compared", "ImportAgreement", "compare"]

BATCH = 100
Images = NDArray[np.uint8]
Ints = NDArray[np.int64]
Tensors = dict[str, NDArray[Any]]


@dataclass
class Compared:
    """One layer: how many of its ``elements`` are ``apart``, and where the first one is.

    ``layer``: the Network's; ``node``: the source's. ``rounded``: elements that are not the nearest
    ones, but no further than the source's rounding may take them. ``first``: image, place in the
    source's tensor, the source's number and the Network's, None where all agree. ``deviation``: of
    a layer behind fixed point, how far it is from the source at most, in the source's units, and
    ``last_places``: in steps of its own.
    """

    layer: str
    node: str
    elements: int = 0
    apart: int = 0
    rounded: int = 0
    first: dict[str, Any] | None = None
    deviation: float | None = None
    last_places: float | None = None


@dataclass
class ImportAgreement:
    """What a comparison found, on ``images`` images.

    ``gives``: what the source ends in, see End. ``classes_apart``: images whose class differs, or
    pixels where each has a class, the first image of them ``first_class``; ``classes_tied``: those
    whose class differs because logits are equal but for the source's rounding. ``correct``: how
    many classes are those of ``labels``, where labels were given.
    """

    layers: list[Compared]
    gives: str = "logits"
    images: int = 0
    classes_apart: int = 0
    classes_tied: int = 0
    first_class: int | None = None
    correct: int | None = None
    source_correct: int | None = None
    classes: list[Ints] = field(default_factory=list, repr=False)

    @property
    def first(self) -> Compared | None:
        """The first layer with a difference."""
        return next((row for row in self.layers if row.apart), None)

    @property
    def agrees(self) -> bool:
        """Whether no class and no number differs."""
        exact = self.fixed or not self.classes_apart
        return exact and self.first is None

    @property
    def fixed(self) -> bool:
        """Whether layers behind fixed point were measured."""
        return any(row.deviation is not None for row in self.layers)

    def summary(self) -> dict[str, Any]:
        """The agreement as JSON values."""
        first = self.first
        return {
            "images": self.images,
            "agrees": self.agrees,
            "output": self.gives,
            "classes_apart": self.classes_apart,
            "classes_tied": self.classes_tied,
            "first_class_apart": self.first_class,
            "correct": self.correct,
            "source_correct": self.source_correct,
            "fixed": self.fixed,
            "elements": sum(row.elements for row in self.layers),
            "elements_apart": sum(row.apart for row in self.layers),
            "elements_rounded": sum(row.rounded for row in self.layers),
            "first_difference": None
            if first is None
            else {"layer": first.layer, "node": first.node, **(first.first or {})},
        }


def compare(
    network: Network,
    marks: tuple[Mark, ...],
    run: Callable[[Images], Tensors],
    end: End,
    images: Images,
    labels: Ints | None = None,
    batch: int = BATCH,
    progress: Callable[[int], object] | None = None,
) -> ImportAgreement:
    """Run ``images`` ``[n][h][w][c]`` through the source and the golden model, ``batch`` at a time.

    ``run`` gives the source's tensors, inputs first; ``marks`` name those to compare, ``end`` the
    last one. A number of the source agrees if the Network's integer is the nearest one to it, or as
    near as the source's rounding and, in an Affine layer at the end, the Network's allow. A code
    that the source's rounding leaves open is the source's in what follows, so that the layers
    behind it are compared on what the source has there.
    """
    from subbit.sw.golden import evaluate

    found = ImportAgreement([Compared(mark.name, mark.node) for mark in marks], end.gives)
    spec = network.metadata["dataset"]["preprocess"]
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        theirs, codes = run(part), preprocess(part, spec)
        before = sum(row.rounded for row in found.layers)
        ours = follow(network, list(zip(found.layers, marks, strict=True)), theirs, codes, start)
        if end.gives != "numbers":
            last = network.nodes[-1].name
            free = ours
            if sum(row.rounded for row in found.layers) > before:
                free = {name: x.numpy() for name, x in evaluate(network, codes).items()}
            classes = [tensors[last].reshape(len(part), -1) for tensors in (ours, free)]
            add_classes(found, end, theirs, classes[0], classes[1], labels, start)
        found.images += len(part)
        if progress is not None:
            progress(found.images)
    return found


def follow(
    network: Network,
    rows: list[tuple[Compared, Mark]],
    theirs: Tensors,
    codes: NDArray[Any],
    start: int,
) -> dict[str, Ints]:
    """Every tensor of the golden model, with the source's codes where rounding leaves them open."""
    exactly: dict[str, Bools] = {}
    known = {INPUT: torch.from_numpy(codes.astype(np.int64))}
    for node in network.nodes:
        rule = layer_kind(node.layer.kind).load("golden")
        types = tuple(network.types[name] for name in node.inputs)
        made = rule(node.layer, types, *(known[name] for name in node.inputs))
        known[node.name] = made
        for row, mark in rows:
            if mark.name == node.name:
                tensors = {name: x.numpy() for name, x in known.items()}
                given = add_layer(row, mark, theirs[mark.source], tensors, exactly, start)
                known[node.name] = torch.from_numpy(given)
    return {name: x.numpy() for name, x in known.items()}


def values(kind: TensorType, codes: Ints) -> Ints:
    """What stored numbers stand for."""
    return 2 * codes - kind.high if kind.encoding is Encoding.BIPOLAR else codes


def spread(numbers: NDArray[Any], mark: Mark) -> NDArray[np.float64]:
    """A number for each channel as one for each element of the source's tensor."""
    count = mark.kind.elements // mark.kind.channels
    return np.tile(numbers.astype(np.float64), count)[mark.index.reshape(-1)]


def add_layer(
    row: Compared,
    mark: Mark,
    theirs: NDArray[Any],
    tensors: dict[str, Ints],
    exactly: dict[str, Bools],
    start: int,
) -> Ints:
    """Compare one layer's tensors of one batch; returns the Network's, with the source's codes
    where rounding leaves them open. Notes in ``exactly`` where the source has rounded nothing.
    """
    ours = tensors[mark.name]
    places = mark.index.reshape(-1)
    scale, offset, error = (spread(x, mark) for x in (mark.scale, mark.offset, mark.errors()))
    mine = values(mark.kind, ours).reshape(len(ours), -1)[:, places]
    if np.size(theirs) != mine.size:
        raise NetworkError(
            f"the source's {mark.source[:64]!r} has the shape {np.shape(theirs)} for {len(ours)} "
            f"images, where layer {mark.name!r} has {mark.kind}; please report this with the file"
        )
    source = np.asarray(theirs, np.float64).reshape(len(ours), -1)
    here = mine * scale + offset
    distance = np.abs(source - here)
    if mark.loose:
        steps = np.divide(distance, np.abs(scale), out=np.zeros_like(distance), where=scale != 0)
        row.deviation = max(row.deviation or 0.0, float(distance.max()))
        row.last_places = max(row.last_places or 0.0, float(steps.max()))
        return ours
    same = np.zeros((len(ours), ours[0].size), np.bool_)
    same[:, places] = source == here.astype(np.float32)
    exactly.setdefault(mark.name, same.reshape(ours.shape))
    # The values of a bipolar code lie 2 apart, so that the nearest one is within 1.
    half = (1.0 if mark.kind.encoding is Encoding.BIPOLAR else 0.5) * np.abs(scale)
    slack = 0.0 if mark.slack is None else spread(mark.slack, mark) * np.abs(scale)
    near = (distance < half) | ((scale == 0) & (distance <= error))
    apart = ~near & ~(distance <= half + slack + error)
    open_ = np.zeros_like(apart)
    if apart.any() and mark.within is not None:
        low, high = (
            x.reshape(len(ours), -1)[:, places] for x in mark.within.ends(tensors, exactly)
        )
        low, high = low - error, high + error
        # Both lie there: a wrong threshold gives what no rounding can.
        open_ = apart & (source >= low) & (source <= high) & (here >= low) & (here <= high)
        apart &= ~open_
    row.elements += apart.size
    row.apart += int(apart.sum())
    row.rounded += int((~near & ~apart).sum())
    if row.first is None and apart.any():
        image, place = (int(i) for i in np.argwhere(apart)[0])
        row.first = {
            "image": start + image,
            "place": [int(i) for i in np.unravel_index(place, mark.index.shape)],
            "source": float(source[image, place]),
            "network": float(here[image, place]),
        }
    return ours if not open_.any() else taken(mark, ours, source, open_, scale, offset)


def taken(
    mark: Mark,
    ours: Ints,
    source: NDArray[np.float64],
    open_: NDArray[np.bool_],
    scale: NDArray[np.float64],
    offset: NDArray[np.float64],
) -> Ints:
    """The Network's codes with those of the source in the places that are open."""
    whole = np.divide(source - offset, scale, out=np.zeros_like(source), where=scale != 0)
    if mark.kind.encoding is Encoding.BIPOLAR:
        whole = (whole + mark.kind.high) / 2
    flat = ours.reshape(len(ours), -1).copy()
    places = mark.index.reshape(-1)
    flat[:, places] = np.where(open_, np.rint(whole).astype(np.int64), flat[:, places])
    return flat.reshape(ours.shape)


def add_classes(
    found: ImportAgreement,
    end: End,
    theirs: Tensors,
    followed: Ints,
    ours: Ints,
    labels: Ints | None,
    start: int,
) -> None:
    """Compare the classes of one batch, ``(images, pixels)``: ``ours``, and those that ``followed``
    the source's codes where its rounding left them open.
    """
    given = theirs[end.output].reshape(len(ours), -1)
    wanted = given if end.gives == "class" else given.argmax(axis=1)[:, None]
    wanted = wanted.astype(np.int64)
    flat = np.asarray(theirs[end.mark.source], np.float64).reshape(len(ours), -1)
    placed = np.empty_like(flat)
    placed[:, end.mark.index.reshape(-1)] = flat
    logits: NDArray[np.float64] = placed.reshape(*ours.shape, -1)
    error = end.mark.errors() + (FLOAT32_ERROR if end.curved else 0.0)
    inside = (wanted >= 0) & (wanted < logits.shape[2])
    theirs_at = np.clip(wanted, 0, logits.shape[2] - 1)
    both = [np.take_along_axis(logits, at[..., None], 2)[..., 0] for at in (theirs_at, followed)]
    gap = np.abs(both[0] - both[1])
    # Where the Network rounds logits, its own rounding is the likelier reason by far.
    tied = inside & (not end.rounded) & (gap <= error[theirs_at] + error[followed])
    differ = followed != wanted
    apart = np.argwhere(differ & ~tied)
    found.classes_apart += len(apart)
    found.classes_tied += int(((ours != wanted) & ~(differ & ~tied)).sum())
    if found.first_class is None and len(apart):
        found.first_class = start + int(apart[0, 0])
    found.classes.append(ours if ours.shape[1] > 1 else ours[:, 0])
    if labels is not None and ours.shape[1] == 1:
        right = labels[start : start + len(ours), None]
        found.correct = (found.correct or 0) + int((ours == right).sum())
        found.source_correct = (found.source_correct or 0) + int((wanted == right).sum())
