"""Random weights, layers and networks, small and seeded, that several tests share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.sw.errors import SubbitError
from subbit.sw.ir import (
    Affine,
    Argmax,
    Conv2d,
    Encoding,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    PlanesWeights,
    TensorType,
    Threshold,
    Weights,
)
from tests import parts


def message(function: Callable[[], Any], kind: type[SubbitError]) -> str:
    """The one-line message of the error that ``function`` must raise."""
    with pytest.raises(kind) as caught:
        function()
    text = str(caught.value)
    assert "\n" not in text
    return text


def bits(rng: np.random.Generator, *shape: int) -> NDArray[np.int64]:
    """Random bits."""
    return rng.integers(0, 2, shape)


def binary(rng: np.random.Generator, shape: tuple[int, ...]) -> Weights:
    """Plain weights."""
    return parts.binary(rng, *shape)


def codebook(rng: np.random.Generator, shape: tuple[int, ...], tau: int = 3) -> Weights:
    """Codebook weights of a convolution."""
    return parts.codebook(rng, *shape[:2], tau, shape[2])


def tiled(
    rng: np.random.Generator, shape: tuple[int, ...], repeats: int, scaled: bool = False
) -> Weights:
    """Tiled weights, with scales from 1 to 9 or all 1."""
    return parts.tiled(rng, shape, repeats, 9 if scaled else 1)


def planes(rng: np.random.Generator, shape: tuple[int, ...], count: int) -> Weights:
    """Weights of ``count`` bits: planes that are plain, a codebook's (of a convolution), a tile."""
    kinds: list[Callable[[], Weights]] = [
        lambda: binary(rng, shape),
        lambda: codebook(rng, shape) if len(shape) == 4 else binary(rng, shape),
        lambda: tiled(rng, shape, shape[0]),
    ]
    return PlanesWeights(tuple(kinds[k % 3]() for k in range(count)))


def threshold(
    rng: np.random.Generator, channels: int, width: int = 1, spread: int = 20
) -> Threshold:
    """Thresholds of a ``width``-bit activation with both polarities."""
    return parts.threshold(rng, channels, spread, width)


def conv_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> dict[str, Weights]:
    """Every encoding of a convolution's weights, by a name for the test's title."""
    count = int(np.prod(shape))
    uneven = next(p for p in range(2, count + 1) if count % p == 0 and shape[0] % p)
    return {
        "binary": binary(rng, shape),
        "codebook": codebook(rng, shape),
        "tiled": tiled(rng, shape, shape[0]),
        "tiled-scaled": tiled(rng, shape, shape[0], scaled=True),
        "tiled-uneven": tiled(rng, shape, uneven),
        "tiled-uneven-scaled": tiled(rng, shape, uneven, scaled=True),
        "planes": planes(rng, shape, 3),
        "planes-ternary": PlanesWeights((binary(rng, shape), binary(rng, shape)), (1, 1)),
    }


def chain(rng: np.random.Generator) -> Network:
    """A network with every layer kind and every weight encoding."""
    layers: dict[str, Layer] = {
        "conv1": Conv2d(binary(rng, (4, 2, 3, 3)), 1, "zero"),
        "act1": threshold(rng, 4, 2),
        "conv2": Conv2d(codebook(rng, (6, 4, 3, 3)), 1, "minus"),
        "pool": MaxPool2d(),
        "act2": threshold(rng, 6),
        "conv3": Conv2d(tiled(rng, (5, 6, 1, 1), 3, scaled=True), 2),
        "act3": threshold(rng, 5),
        "flat": Flatten(),
        "fc": Linear(tiled(rng, (7, 20), 4)),
        "scale": Affine(rng.integers(-9, 10, 7), rng.integers(-99, 100, 7)),
        "top": Argmax(),
    }
    metadata = {"dataset": {"name": "digits", "preprocess": {"bits": 4, "shift": 0}}}
    source = TensorType.codes(8, 8, 2, 4, Encoding.UNSIGNED)
    return Network.chain("sample", source, layers, metadata)


def codes(rng: np.random.Generator, kind: TensorType, frames: int) -> NDArray[np.int64]:
    """Random input frames of the type; the extremes occur."""
    values = rng.integers(kind.low, kind.high + 1, (frames, *kind.shape))
    values.flat[0], values.flat[-1] = kind.low, kind.high
    return values
