"""CNV: the convolutional network of FINN, with 1-bit weights and activations, on 32x32 images.

Y. Umuroglu et al., "FINN: A Framework for Fast, Scalable Binarized Neural Network Inference", FPGA
2017, section 5.1; the trained parameters are those of BNN-PYNQ. Six 3x3 convolutions without
padding, 2x2 pooling behind the second and the fourth, three linear layers.
"""

import os
from typing import Any

from subbit.sw.data.cifar10 import CLASSES
from subbit.sw.errors import NetworkError
from subbit.sw.importers.arrays.described import build_described
from subbit.sw.importers.arrays.npz import read_npz
from subbit.sw.ir.network import Network

__all__ = ["CONVOLUTIONS", "LINEARS", "build_cnv", "describe_cnv"]

CONVOLUTIONS = ("conv0", "conv1", "conv2", "conv3", "conv4", "conv5")
LINEARS = ("fc0", "fc1", "fc2")
POOLED = ("conv1", "conv3")
SIDE = 32
# Codes are the pixels as they are. BNN-PYNQ computes with x = clip(floor((p/255*2 - 1) * 128),
# -128, 127), which is p - 128 for every byte p: 256p/255 = p + p/255, and the clip takes 255 back.
PIXEL_OFFSET = -128


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
    first = arrays.get("conv0.weight")
    channels = first.shape[1] if first is not None and first.ndim == 4 else 3
    try:
        return build_described(arrays, describe_cnv(channels))
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}; name the parameters of a CNV network") from None


def describe_cnv(channels: int = 3) -> dict[str, Any]:
    """What the arrays of CNV are, for ``subbit import --description``: see docs/use/import.md."""
    return {
        "name": "cnv-w1a1",
        "input": {"shape": [SIDE, SIDE, channels], "bits": 8, "offset": PIXEL_OFFSET},
        "layers": [row for name in (*CONVOLUTIONS, *LINEARS) for row in rows_of(name)],
        "metadata": {
            "dataset": {"name": "folder", "preprocess": {"bits": 8, "shift": 0}},
            "classes": list(CLASSES),
        },
    }


def rows_of(name: str) -> list[dict[str, Any]]:
    """The rows that the arrays of ``name`` make."""
    kind = "conv2d" if name in CONVOLUTIONS else "linear"
    rows = [{"kind": kind, "name": name, "weights": f"{name}.weight", "bits": 1}]
    if name == LINEARS[-1]:
        return [*rows, {"kind": "argmax", "name": "argmax"}]
    number = "2*dot" if name == CONVOLUTIONS[0] else "matches"
    limits = {"thresholds": f"{name}.threshold", "number": number, "above": True}
    rows.append({"kind": "threshold", "name": f"{name}_sign", **limits})
    if name in POOLED:
        rows.append({"kind": "maxpool2d", "name": f"{name}_pool"})
    return rows
