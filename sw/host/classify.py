"""Classifying image files on a board, as `subbit run` does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import QUOTED, LinkError
from subbit.sw.host.device import Device
from subbit.sw.host.pictures import Picture, read_pictures
from subbit.sw.ir import Network

__all__ = [
    "Classification",
    "classify_codes",
    "classify_files",
    "classify_pictures",
    "file_codes",
]


@dataclass(frozen=True)
class Classification:
    """What a board made of one frame: ``index`` of the class, its ``label``, the ``logits``.

    ``warnings``: why the picture may not be what the network was trained for, see read_pictures.
    ``wanted``: the index of the right class, where it is known. ``failure``: why there is no
    result, or empty; then the index is -1, and label and logits are empty.
    """

    name: str
    index: int
    label: str
    logits: tuple[int, ...]
    warnings: tuple[str, ...] = ()
    wanted: int | None = None
    failure: str = ""


def classify_files(
    device: Device,
    network: Network,
    paths: Sequence[Path],
    progress: Callable[[int], None] | None = None,
    *,
    invert: bool = False,
) -> list[Classification]:
    """Classify the image files ``paths`` on ``device``, which must hold ``network``.

    Images are scaled to the network's input and prepared as its metadata says, see read_pictures;
    ``invert`` exchanges black and white. A frame for which no result comes has its reason in
    ``failure``. Raises LinkError if the board holds another network or gives no result at all,
    DataError where a file is no image.
    """
    pictures = read_pictures(network, paths, invert)
    return classify_pictures(device, network, pictures, progress)


def classify_pictures(
    device: Device,
    network: Network,
    pictures: Sequence[Picture],
    progress: Callable[[int], None] | None = None,
) -> list[Classification]:
    """Classify what read_pictures has made of files; raises as classify_files."""
    codes = np.stack([picture.codes for picture in pictures])
    names = [str(picture.path) for picture in pictures]
    found = classify_codes(device, network, codes, names, progress)
    rows = zip(found, pictures, strict=True)
    return [replace(row, warnings=picture.warnings) for row, picture in rows]


def classify_codes(
    device: Device,
    network: Network,
    codes: NDArray[Any],
    names: Sequence[str],
    progress: Callable[[int], None] | None = None,
) -> list[Classification]:
    """Classify stored numbers ``codes`` ``(n, h, w, c)``, called ``names``; raises as
    classify_files.
    """
    device.require(network)
    answers = device.answers(codes, progress)
    if len(answers.failures) == len(codes) > 0:
        raise LinkError(answers.failures[0])
    labels = class_labels(network, answers.logits.shape[1])
    rows = zip(names, answers.classes.tolist(), answers.logits.tolist(), strict=True)
    return [
        Classification(name, -1, "", (), failure=answers.failures[number])
        if number in answers.failures
        else Classification(name, i, labels[i], tuple(row))
        for number, (name, i, row) in enumerate(rows)
    ]


def file_codes(network: Network, path: Path) -> NDArray[np.uint8]:
    """Input codes ``(h, w, c)`` of ``network`` for an image file; raises DataError."""
    (picture,) = read_pictures(network, [path])
    return picture.codes


def class_labels(network: Network, count: int) -> list[str]:
    """The names of the classes, or their numbers where the network does not name them all in at
    most 200 characters each.
    """
    names = network.metadata.get("classes")
    if isinstance(names, list) and len(names) == count:
        texts = [" ".join(str(name).split())[:QUOTED] for name in names]
        return [text or str(index) for index, text in enumerate(texts)]
    return [str(index) for index in range(count)]
