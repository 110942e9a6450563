"""Running a whole network on input codes."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from subbit.sw.errors import DataError, NetworkError
from subbit.sw.ir.kinds import layer_kind
from subbit.sw.ir.layers.argmax import Argmax
from subbit.sw.ir.network import INPUT, Network
from subbit.sw.ir.types import TensorType

__all__ = ["Codes", "Prediction", "evaluate", "predict", "run_batches"]

Codes = NDArray[np.integer[Any]] | torch.Tensor
MAX_BATCH = 256
BATCH_ELEMENTS = 1 << 21


class Prediction(NamedTuple):
    """What a network says of ``n`` frames.

    ``classes``: int64 ``[n]``, the index of the greatest logit, the lowest one on ties; ``logits``:
    int64 ``[n][k]``. Of a network that gives a class for each pixel ``[n][y][x]`` and
    ``[n][y][x][k]``.
    """

    classes: NDArray[np.int64]
    logits: NDArray[np.int64]


def evaluate(network: Network, codes: Codes) -> dict[str, torch.Tensor]:
    """Every tensor of the network for the frames in ``codes``, by name, ``input`` included.

    ``codes``: integers ``[n][y][x][c]`` within the range of the input type. The results are int64
    ``[n][y][x][c]``: the code where the tensor's type is a code, the integer where it is not. All
    of them are held at once; run_batches bounds the memory.

    Raises DataError where the codes do not fit the network's input.
    """
    check_codes(network.input_type, codes)
    if isinstance(codes, np.ndarray):
        codes = torch.from_numpy(codes.astype(np.int64))
    tensors = {INPUT: codes.to(torch.int64)}
    for node in network.nodes:
        rule = layer_kind(node.layer.kind).load("golden")
        types = tuple(network.types[name] for name in node.inputs)
        tensors[node.name] = rule(node.layer, types, *(tensors[name] for name in node.inputs))
    return tensors


def run_batches(
    network: Network, codes: Codes, batch: int | None = None
) -> Iterator[tuple[slice, dict[str, torch.Tensor]]]:
    """``evaluate`` on ``batch`` frames at a time, each with the slice of ``codes`` that it covers.

    Without ``batch``, as many frames as keep all tensors within about 16 MiB, at most 256.
    Raises DataError where the codes do not fit, before the first batch.
    """
    check_codes(network.input_type, codes)
    if batch is None:
        elements = sum(kind.elements for kind in network.types.values())
        batch = min(max(BATCH_ELEMENTS // elements, 1), MAX_BATCH)
    if batch < 1:
        raise DataError(f"a batch has at least one frame, not {batch}")
    for start in range(0, len(codes), batch):
        part = slice(start, min(start + batch, len(codes)))
        yield part, evaluate(network, codes[part])


def predict(
    network: Network,
    codes: Codes,
    batch: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Prediction:
    """Class and logits of every frame; ``progress`` is told the number of frames done so far.

    Raises DataError where the codes do not fit, and NetworkError where the network's output is
    neither a vector nor an argmax.
    """
    name = logits_name(network)
    height, width, classes = network.types[name].shape
    sides = (height, width) if (height, width) != (1, 1) else ()
    logits = np.zeros((len(codes), *sides, classes), np.int64)
    for part, tensors in run_batches(network, codes, batch):
        logits[part] = tensors[name].reshape(part.stop - part.start, *sides, classes).numpy()
        if progress is not None:
            progress(part.stop)
    return Prediction(logits.argmax(axis=-1).astype(np.int64), logits)


def logits_name(network: Network) -> str:
    """The tensor whose greatest element is the class, of the frame or of each pixel."""
    last = network.nodes[-1]
    ends_in_class = isinstance(last.layer, Argmax)
    name = last.inputs[0] if ends_in_class else last.name
    kind = network.types[name]
    if (kind.height, kind.width) != (1, 1) and not ends_in_class:
        raise NetworkError(
            f"network {network.name!r} ends in a map, {kind}; only a vector of logits has a class"
        )
    return name


def check_codes(wanted: TensorType, codes: Codes) -> None:
    """Raise DataError unless ``codes`` are frames of the type."""
    if not isinstance(codes, np.ndarray | torch.Tensor) or codes.ndim != 4:
        raise DataError(
            f"frames are an array [n][y][x][c], not {type(codes).__name__} "
            f"of shape {tuple(np.shape(codes))}"
        )
    if tuple(codes.shape[1:]) != wanted.shape:
        raise DataError(
            f"the network takes frames of {'x'.join(map(str, wanted.shape))} (height, width, "
            f"channels), not {'x'.join(map(str, codes.shape[1:]))}"
        )
    if isinstance(codes, torch.Tensor):
        integral = not (codes.is_floating_point() or codes.is_complex())
    else:
        integral = np.issubdtype(codes.dtype, np.integer)
    if not integral or codes.dtype == torch.bool:
        raise DataError(f"input codes are integers, not {codes.dtype}; preprocess the images first")
    if len(codes) and not (wanted.low <= int(codes.min()) and int(codes.max()) <= wanted.high):
        raise DataError(
            f"input codes must lie in {wanted.low}..{wanted.high}, not "
            f"{int(codes.min())}..{int(codes.max())}; preprocess the images first"
        )
