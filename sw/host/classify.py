"""Classifying image files on a board, as `subbit run` does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.image import load_image
from subbit.sw.data.preprocess import preprocess
from subbit.sw.errors import LinkError
from subbit.sw.host.device import Device
from subbit.sw.ir import Network

__all__ = ["Classification", "classify_codes", "classify_files", "file_codes"]


@dataclass(frozen=True)
class Classification:
    """What a board made of one frame: ``index`` of the class, its ``label``, the ``logits``.

    ``failure``: why there is no result, or empty; then the index is -1, and label and logits are
    empty.
    """

    name: str
    index: int
    label: str
    logits: tuple[int, ...]
    failure: str = ""


def classify_files(
    device: Device,
    network: Network,
    paths: Sequence[Path],
    progress: Callable[[int], None] | None = None,
) -> list[Classification]:
    """Classify the image files ``paths`` on ``device``, which must hold ``network``.

    Images are scaled to the network's input and prepared as its metadata says. A frame for which
    no result comes has its reason in ``failure``. Raises LinkError if the board holds another
    network or gives no result at all, DataError where a file is no image.
    """
    codes = np.stack([file_codes(network, path) for path in paths])
    return classify_codes(device, network, codes, [str(path) for path in paths], progress)


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
        Classification(name, -1, "", (), answers.failures[number])
        if number in answers.failures
        else Classification(name, i, labels[i], tuple(row))
        for number, (name, i, row) in enumerate(rows)
    ]


def file_codes(network: Network, path: Path) -> NDArray[np.uint8]:
    """Input codes ``(h, w, c)`` of ``network`` for an image file; raises DataError."""
    x = network.input_type
    return preprocess(load_image(path, x.height, x.width, x.channels), preprocessing(network))


def preprocessing(network: Network) -> dict[str, Any]:
    """What the network's metadata says, or the top bits of a pixel where it says nothing."""
    dataset = network.metadata.get("dataset")
    spec = dataset.get("preprocess") if isinstance(dataset, dict) else None
    if isinstance(spec, dict):
        return spec
    bits: int = network.input_type.bits
    return {"bits": bits, "shift": 8 - bits}


def class_labels(network: Network, count: int) -> list[str]:
    """The names of the classes, or their numbers where the network does not name them all."""
    names = network.metadata.get("classes")
    if isinstance(names, list) and len(names) == count:
        return [str(name) for name in names]
    return [str(index) for index in range(count)]
