"""Networks of all that the C has, and their C compiled with sanitizers and run."""

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.golden import evaluate
from subbit.sw.ir import (
    INPUT,
    Add,
    Affine,
    Argmax,
    AvgPool2d,
    Concat,
    Conv2d,
    DepthToSpace,
    DepthwiseConv2d,
    Encoding,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Pad,
    Padding,
    PlanesWeights,
    Select,
    TensorType,
    TiledWeights,
    Upsample,
)
from subbit.sw.ir.random_weights import random_requantise
from subbit.sw.mcu import export_c
from tests.hw.dots import codebook
from tests.networks import graph
from tests.parts import binary, threshold, tiled

CHECKED = "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -Werror"


def run_c(network: Network, codes: NDArray[np.int64], folder: Path) -> NDArray[np.int64]:
    """The outputs ``[n][outputs]`` of the network's C for frames ``[n][y][x][c]``."""
    export_c(network, folder)
    subprocess.run(
        ["make", "-s", "-C", str(folder), "build/test", f"CFLAGS={CHECKED}"],
        check=True,
        capture_output=True,
        text=True,
    )
    frames = codes.astype(np.uint8).tobytes()
    done = subprocess.run(
        [str(folder / "build" / "test"), "-"], input=frames, check=True, capture_output=True
    )
    rows = done.stdout.decode().splitlines()
    return np.array([[int(number) for number in row.split()] for row in rows])


def golden(network: Network, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the golden model gives, of a classifier the logits, of a map the class of each pixel."""
    last = network.nodes[-1]
    classifies = last.layer.kind == "argmax" and network.output_type.elements == 1
    name = last.inputs[0] if classifies else last.name
    found: NDArray[np.int64] = evaluate(network, codes)[name].reshape(len(codes), -1).numpy()
    return found


def random_codes(network: Network, count: int, seed: int) -> NDArray[np.int64]:
    """Frames of the input's range."""
    kind = network.input_type
    draw = np.random.default_rng(seed)
    return draw.integers(kind.low, kind.high + 1, (count, *kind.shape), np.int64)


def dots(name: str) -> Network:
    """One dot product after another in an encoding."""
    chance = np.random.default_rng(3)
    encoding = Encoding.UNSIGNED if name == "pixels" else Encoding.BIPOLAR
    x = TensorType.codes(5, 6, 3, 8 if name == "pixels" else 2, encoding)
    first = {
        "pixels": lambda: binary(chance, 9, 3, 3, 3),
        "plus": lambda: binary(chance, 9, 3, 3, 3),
        "crossing": lambda: TiledWeights((9, 3, 3, 3), bits(chance, 81), np.ones(3, np.int64)),
        "scaled": lambda: TiledWeights((9, 3, 3, 3), bits(chance, 27), np.arange(1, 10)),
        "scaled_crossing": lambda: TiledWeights((6, 3, 3, 3), bits(chance, 18), np.arange(1, 10)),
        "short_tile": lambda: TiledWeights((9, 3, 3, 3), bits(chance, 9), np.ones(27, np.int64)),
        "codebook": lambda: codebook(chance, 40, 3, 4),
        "few_outputs": lambda: codebook(chance, 5, 3, 5),
        "planes": lambda: PlanesWeights(
            (binary(chance, 8, 3, 3, 3), codebook(chance, 8, 3, 3), tiled(chance, (8, 3, 3, 3), 4))
        ),
        "crossing_planes": lambda: PlanesWeights(
            (
                codebook(chance, 6, 3, 3),
                TiledWeights((6, 3, 3, 3), bits(chance, 18), np.ones(9, np.int64)),
            )
        ),
    }[name]()
    channels = first.shape[0]
    padding = {"pixels": Padding.ZERO, "plus": Padding.PLUS, "planes": Padding.MINUS}
    layers: dict[str, Layer] = {
        "conv1": Conv2d(first, 1, padding.get(name, Padding.ZERO), (1, 0, 1, 1)),
        "act1": threshold(chance, channels, 30, 2),
        "depth": DepthwiseConv2d(binary(chance, channels, 1, 3, 3), 2, Padding.ZERO),
        "act2": threshold(chance, channels, 5, 1),
        "pool": MaxPool2d(),
        "flatten": Flatten(),
        "fc": Linear(binary(chance, 7, channels)),
        "affine": Affine(chance.integers(-9, 9, 7), chance.integers(-99, 99, 7)),
    }
    return Network.chain(name, x, layers)


def scaled() -> Network:
    """Integers on lines of each channel: a leaky path and a shortcut of another scale, added."""
    chance = np.random.default_rng(8)
    layers: dict[str, tuple[Layer, str]] = {
        "conv1": (Conv2d(binary(chance, 6, 2, 3, 3), 1, Padding.ZERO), INPUT),
        "leaky": (random_requantise(chance, 6, 126, 8, lines=2), "conv1"),
        "same": (random_requantise(chance, 6, 126, 6), "conv1"),
        "add": (Add(0, 1), "leaky same"),
        "narrow": (random_requantise(chance, 6, 256, 4, lines=2), "add"),
        "flatten": (Flatten(), "narrow"),
        "fc": (Linear(binary(chance, 5, 6 * 20)), "flatten"),
    }
    return graph("scaled", TensorType.codes(4, 5, 2, 3), layers)


def moved() -> Network:
    """Channels, rows and columns that move as codes of one width, of several and as integers."""
    chance = np.random.default_rng(6)
    x = TensorType.codes(4, 5, 3, 3, Encoding.UNSIGNED)
    layers: dict[str, tuple[Layer, str]] = {
        "conv1": (Conv2d(binary(chance, 8, 3, 3, 3), 1, Padding.ZERO), INPUT),
        "act1": (threshold(chance, 8, 9, 2), "conv1"),
        "act2": (threshold(chance, 8, 9, 1), "conv1"),
        "same": (Concat(), "act1 act1"),
        "wider": (Concat(), "act2 act1 act2"),
        "edge": (Pad(1, 0, 2, 1, 3), "same"),
        "frame": (Pad(0, 2, 1, 0, -1000), "wider"),
        "less": (Select(np.array([9, 0, 9, 15, 3])), "edge"),
        "sums": (Select(np.array([23, 1, 8])), "frame"),
        "high": (Upsample(3, 1), "sums"),
        "wide": (Upsample(1, 2), "less"),
        "blocks": (DepthToSpace(2, 1), "same"),
        "small": (GlobalAvgPool(), "blocks"),
        "mean": (GlobalAvgPool(), "high"),
        "more": (GlobalAvgPool(), "wide"),
        "joined": (Concat(), "mean more small"),
        "conv2": (Conv2d(binary(chance, 4, 5, 3, 3), 2, Padding.MINUS), "wide"),
        "classes": (Argmax(), "conv2"),
        "flat": (Flatten(), "classes"),
        "all": (Concat(), "flat joined"),
    }
    return graph("moved", x, layers)


def bits(chance: np.random.Generator, count: int) -> NDArray[np.uint8]:
    """Random bits."""
    return chance.integers(0, 2, count).astype(np.uint8)


def geometry() -> Network:
    """Kernels, strides, dilations, pads, groups and pools of unlike sides."""
    chance = np.random.default_rng(4)
    layers: dict[str, Layer] = {
        "conv1": Conv2d(binary(chance, 6, 2, 2, 5), (1, 2), Padding.ZERO, (1, 3, 0, 2)),
        "pool1": MaxPool2d((2, 3), (1, 2), (1, 1, 0, 1)),
        "act1": threshold(chance, 6, 10, 2),
        "conv2": Conv2d(binary(chance, 9, 2, 3, 1), 1, Padding.ZERO, None, (2, 1), 3),
        "act2": threshold(chance, 9, 10, 1),
        "mean": AvgPool2d((3, 2), 1, (1, 0, 1, 1)),
        "act3": threshold(chance, 9, 4, 3),
        "pool2": MaxPool2d(2, 1, (1, 1, 0, 0)),
        "depth": DepthwiseConv2d(binary(chance, 9, 1, 1, 4), (2, 1), Padding.ZERO),
        "flatten": Flatten(),
    }
    network = Network.chain("geometry", TensorType.codes(9, 11, 2, 2), layers)
    size = network.output_type.channels
    return Network.chain(
        "geometry", network.input_type, layers | {"fc": Linear(binary(chance, 5, size))}
    )


DOTS = (
    *("pixels", "plus", "crossing", "scaled", "scaled_crossing", "short_tile"),
    *("codebook", "few_outputs", "planes", "crossing_planes"),
)
