"""Classifying image files on a board, as `subbit run` does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import LinkError
from subbit.sw.host.device import Device
from subbit.sw.host.pictures import Picture, read_pictures
from subbit.sw.ir import Network
from subbit.sw.labels import class_labels

__all__ = [
    "Classification",
    "classify_codes",
    "classify_files",
    "classify_pictures",
    "ends_in_codes",
    "file_codes",
]


@dataclass(frozen=True)
class Classification:
    """What a board made of one frame: ``index`` of the class, its ``label``, the ``logits``.

    ``warnings``: why the picture may not be what the network was trained for, see read_pictures.
    ``wanted``: the index of the right class, where it is known. ``failure``: why there is no
    result, or empty; then the index is -1, and label and logits are empty. Of a network that ends
    in a map the index is -1, and ``map`` has the rows of pixels: of each the class, or its numbers.
    Of one that ends in a vector of codes the index is -1, and ``logits`` has their stored numbers.
    """

    name: str
    index: int
    label: str
    logits: tuple[int, ...]
    warnings: tuple[str, ...] = ()
    wanted: int | None = None
    failure: str = ""
    map: tuple[Any, ...] = ()


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
    sides, is_code = map_sides(network), ends_in_codes(network)
    rows = zip(names, answers.classes.tolist(), answers.logits.tolist(), strict=True)
    return [
        Classification(name, -1, "", (), failure=answers.failures[number])
        if number in answers.failures
        else Classification(name, -1, f"{len(row)} codes", tuple(row))
        if sides is None and is_code
        else Classification(name, i, labels[i], tuple(row))
        if sides is None
        else Classification(name, -1, map_label(network), (), map=nested(row, sides))
        for number, (name, i, row) in enumerate(rows)
    ]


def map_sides(network: Network) -> tuple[int, ...] | None:
    """Height, width and numbers of a pixel of the map that a network ends in, without the latter
    where that is a class; None where it ends in a vector.
    """
    output = network.output_type
    if (output.height, output.width) == (1, 1):
        return None
    is_class = network.nodes[-1].layer.kind == "argmax"
    return output.shape[:2] if is_class else output.shape


def map_label(network: Network) -> str:
    """What a map is called in a table."""
    sides = map_sides(network) or ()
    numbers = "codes" if ends_in_codes(network) else "numbers"
    return f"{'x'.join(map(str, sides))} {'classes' if len(sides) == 2 else numbers}"


def ends_in_codes(network: Network) -> bool:
    """Whether the network's output are codes, which have no class, and not integers."""
    return network.output_type.is_code


def nested(numbers: Sequence[int], sides: tuple[int, ...]) -> tuple[Any, ...]:
    """The numbers as rows, of rows, of the sides."""
    if len(sides) == 1:
        return tuple(numbers)
    step = len(numbers) // sides[0]
    parts = (numbers[at : at + step] for at in range(0, len(numbers), step))
    return tuple(nested(part, sides[1:]) for part in parts)


def file_codes(network: Network, path: Path) -> NDArray[np.uint8]:
    """Input codes ``(h, w, c)`` of ``network`` for an image file; raises DataError."""
    (picture,) = read_pictures(network, [path])
    return picture.codes
