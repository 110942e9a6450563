"""Accuracy for a report: classes of test images, and the pictures that were taken for others."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import SubbitError
from subbit.sw.evaluate import Evaluation, load_frames
from subbit.sw.ir.network import Network
from subbit.sw.metrics import confusion

__all__ = ["MOST_IMAGES", "PICTURES", "Scored", "score_network"]

MOST_IMAGES = 1000  # that a report looks at unless more are asked for
PICTURES = 10


@dataclass(frozen=True, eq=False)
class Scored:
    """An evaluation, its ``matrix`` ``[class][taken for]`` of numbers of images, and the first
    ``wrong`` ones: input codes ``[n][y][x][c]``, and ``(class, taken for)`` of each.
    """

    evaluation: Evaluation
    matrix: NDArray[np.int64]
    wrong: NDArray[np.uint8]
    taken: tuple[tuple[int, int], ...]

    def name(self, label: int) -> str:
        """Of a class."""
        return self.evaluation.named(label)


def score_network(
    network: Network, data: Any = None, kind: str | None = None, limit: int = MOST_IMAGES
) -> tuple[Scored | None, str]:
    """The golden model's classes of up to ``limit`` test images, drawn with seed 1 and by class; or
    None, and why there are none.
    """
    if find_spec("torch") is None:
        return None, "the golden model needs torch, which is not installed"
    output = network.output_type
    if (output.height, output.width) != (1, 1):
        return None, f"the network ends in a map, {output}, and not in one class of each image"
    try:
        frames = load_frames(network, data, limit, kind=kind)
    except SubbitError as error:
        if data is not None or kind is not None:
            raise
        return None, str(error)
    from subbit.sw.golden import predict

    predicted, logits = predict(network, frames.codes)
    wrong = np.flatnonzero(predicted != frames.labels)[:PICTURES]
    evaluation = Evaluation(
        *(network.name, kind or str(network.dataset.get("name")), "test", predicted, frames.labels),
        population=frames.population,
        classes=frames.classes,
    )
    count = max(logits.shape[-1], len(frames.classes), int(frames.labels.max()) + 1)
    matrix = confusion(predicted, frames.labels, count)
    pairs = zip(frames.labels[wrong].tolist(), predicted[wrong].tolist(), strict=True)
    return Scored(evaluation, matrix, frames.codes[wrong], tuple(pairs)), ""
