"""Classifying image files on a board, as `subbit run` does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import QUOTED
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
    ``wanted``: the index of the right class, where it is known.
    """

    name: str
    index: int
    label: str
    logits: tuple[int, ...]
    warnings: tuple[str, ...] = ()
    wanted: int | None = None


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
    ``invert`` exchanges black and white. Raises LinkError if the board holds another network or
    does not answer, DataError where a file is no image.
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
    winners, logits = device.infer(codes, progress)
    labels = class_labels(network, logits.shape[1])
    rows = zip(names, winners.tolist(), logits.tolist(), strict=True)
    return [Classification(name, i, labels[i], tuple(row)) for name, i, row in rows]


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
