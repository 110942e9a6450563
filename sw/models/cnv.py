"""CNV: the convolutional network of FINN, with 1-bit weights and activations, on 32x32 images.

Y. Umuroglu et al., "FINN: A Framework for Fast, Scalable Binarized Neural Network Inference", FPGA
2017, section 5.1; the trained parameters are those of BNN-PYNQ. Six 3x3 convolutions without
padding, 2x2 pooling behind the second and the fourth, three linear layers.
"""

import os

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.cifar10 import CLASSES
from subbit.sw.errors import NetworkError
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.layers.argmax import Argmax
from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import BinaryWeights
from subbit.sw.models.npz import read_npz

__all__ = ["CONVOLUTIONS", "LINEARS", "build_cnv"]

CONVOLUTIONS = ("conv0", "conv1", "conv2", "conv3", "conv4", "conv5")
LINEARS = ("fc0", "fc1", "fc2")
POOLED = ("conv1", "conv3")
SIDE = 32
LIMIT = 1 << 31
# Codes are the pixels as they are. BNN-PYNQ computes with x = clip(floor((p/255*2 - 1) * 128),
# -128, 127), which is p - 128 for every byte p: 256p/255 = p + p/255, and the clip takes 255 back.
PIXEL_OFFSET = 128
Ints = NDArray[np.int64]


def build_cnv(path: str | os.PathLike[str]) -> Network:
    """The exact integer network of the parameters in the archive ``path``.

    ``convN.weight`` ``(out, in, 3, 3)`` and ``fcN.weight`` ``(out, in)`` of -1 and +1, and a
    ``threshold`` ``(out,)`` for each but the last. conv0 gives +1 where ``2 * sum(w * (p - 128)) >
    threshold`` for pixels p; the others where the number of matching positions is greater than
    theirs. Channels may be any number, so that small networks of the same form can be built.

    Raises NetworkError where the file cannot be read, where an array is missing, unknown or of a
    wrong shape, or where a weight is neither -1 nor +1.
    """
    arrays = read_npz(path)
    try:
        layers = {
            key: layer
            for name in (*CONVOLUTIONS, *LINEARS)
            for key, layer in layers_of(name, arrays).items()
        }
        if arrays:
            raise NetworkError(f"unknown arrays {', '.join(sorted(arrays))[:200]}")
        first = layers[CONVOLUTIONS[0]]
        assert isinstance(first, Conv2d)
        shape = (SIDE, SIDE, first.weights.shape[1])
        source = TensorType.codes(*shape, 8, Encoding.UNSIGNED)
        return Network.chain("cnv-w1a1", source, layers | {"argmax": Argmax()}, metadata())
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}; name the parameters of a CNV network") from None


def metadata() -> dict[str, object]:
    """Classes, and the data set as a folder of images."""
    preprocess = {"bits": 8, "shift": 0}
    return {
        "dataset": {"name": "folder", "preprocess": preprocess},
        "classes": list(CLASSES),
    }


def layers_of(name: str, arrays: dict[str, Ints]) -> dict[str, Layer]:
    """The layers that the arrays of ``name`` make, taken out of them."""
    weights = take(arrays, f"{name}.weight", 4 if name in CONVOLUTIONS else 2)
    if not np.isin(weights, (-1, 1)).all():
        raise NetworkError(f"{name}.weight must hold -1 and +1 alone")
    bits = BinaryWeights((weights > 0).astype(np.uint8))
    layers: dict[str, Layer] = {
        name: Conv2d(bits) if name in CONVOLUTIONS else Linear(bits),
    }
    if name != LINEARS[-1]:
        limits = take(arrays, f"{name}.threshold", 1)
        if len(limits) != len(weights):
            raise NetworkError(f"{name} has {len(weights)} outputs but {len(limits)} thresholds")
        rising = np.ones(len(weights), np.uint8)
        layers[f"{name}_sign"] = Threshold(least(name, limits, weights)[:, None], rising)
    if name in POOLED:
        layers[f"{name}_pool"] = MaxPool2d()
    return layers


def take(arrays: dict[str, Ints], name: str, rank: int) -> Ints:
    """Remove and return the array ``name``, which must have ``rank`` dimensions."""
    if name not in arrays:
        raise NetworkError(f"the array {name} is missing")
    array = arrays.pop(name)
    if array.ndim != rank or not array.size:
        raise NetworkError(f"{name} must have {rank} dimensions, not the shape {array.shape}")
    if np.abs(array).max() > LIMIT:
        raise NetworkError(f"{name} must lie in {-LIMIT}..{LIMIT}")
    return array


def least(name: str, limits: Ints, weights: Ints) -> Ints:
    """For each output the least dot product that gives +1, where numbers above ``limits`` do.

    conv0: ``2 * (dot - offset * sum(w)) > limit``. The others: ``(dot + N) / 2 > limit``.
    """
    rows = weights.reshape(len(weights), -1)
    if name == CONVOLUTIONS[0]:
        dots: Ints = limits // 2 + 1 + PIXEL_OFFSET * rows.sum(axis=1)
    else:
        dots = 2 * (limits + 1) - rows.shape[1]
    return dots
