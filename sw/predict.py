"""A network's answer to an array, in one call."""

import os
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from subbit.sw.data.preprocess import preprocess
from subbit.sw.errors import DataError
from subbit.sw.host.pictures import preprocessing
from subbit.sw.ir import Network, load_network

if TYPE_CHECKING:
    from subbit.sw.golden.run import Prediction

__all__ = ["predict"]


def predict(
    network: Network | str | os.PathLike[str], array: ArrayLike, *, raw: bool = False
) -> "Prediction":
    """What the golden model says of frames: their ``classes`` and ``logits``, see Prediction.

    ``network``: or its file. ``array``: integers, the network's input codes, ``[n][y][x][c]``; one
    frame ``[y][x][c]``, and without the last side where there is one channel. ``raw``: it holds
    pixels, or other numbers, as they are in the network's data set, which its preprocessing makes
    codes of. Raises DataError where shape or numbers do not fit, ToolError without torch.
    """
    from subbit.sw.golden import predict as golden

    if not isinstance(network, Network):
        network = load_network(network)
    frames = np.asarray(array)
    sides, one_channel = network.input_type.shape[:2], network.input_type.channels == 1
    if one_channel and frames.ndim in (2, 3) and frames.shape[-2:] == sides:
        frames = frames[..., None]
    if frames.ndim == 3:
        frames = frames[None]
    if raw and frames.ndim == 4:
        frames = preprocess(frames, preprocessing(network))
    if frames.ndim != 4:
        raise DataError(
            f"frames are [n][y][x][c], or one of them, not an array of shape {np.shape(array)}"
        )
    return golden(network, frames)
