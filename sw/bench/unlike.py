"""Small networks of random weights that are unlike each other, for measuring the planner."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from subbit.sw.ir.layer import Layer
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.argmax import Argmax
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.ir.layers.globalavgpool import GlobalAvgPool
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.network import INPUT, Network, Node
from subbit.sw.ir.random_weights import (
    random_binary,
    random_codebook,
    random_threshold,
    random_tiled,
)
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import Weights

__all__ = ["RandomNetwork", "calibration_networks", "resnet18", "test_networks"]


class RandomNetwork:
    """Adds layers of random parameters one behind the other."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Node] = []
        self.last = INPUT

    def add(self, layer: Layer, *sources: str) -> str:
        """A layer behind ``sources``, or behind the last one; its name."""
        name = f"{layer.kind}{len(self.nodes)}"
        self.nodes.append(Node(name, layer, sources or (self.last,)))
        self.last = name
        return name

    def weights(self, shape: tuple[int, ...], tau: int = 0, repeats: int = 0) -> Weights:
        """Binary weights, a codebook, or a tile."""
        if tau:
            return random_codebook(self.rng, shape[0], shape[1], tau)
        if repeats:
            return random_tiled(self.rng, shape, repeats)
        return random_binary(self.rng, shape)

    def sign(self, channels: int, spread: int, bits: int = 1) -> str:
        """Random thresholds within ``spread``."""
        return self.add(random_threshold(self.rng, channels, (1 << bits) - 1, spread))

    def conv(
        self,
        out: int,
        cin: int,
        kernel: int = 3,
        stride: int = 1,
        source: str = "",
        tau: int = 0,
        repeats: int = 0,
    ) -> str:
        """A convolution of the same size but for its stride."""
        padding = Padding.MINUS if kernel > 1 else Padding.NONE
        if self.last == INPUT:  # unsigned pixels
            padding = Padding.ZERO
        weights = self.weights((out, cin, kernel, kernel), tau, repeats)
        layer = Conv2d(weights, stride, padding)
        return self.add(layer, source or self.last)

    def linear(self, out: int, inputs: int, **kind: int) -> str:
        """A linear layer."""
        return self.add(Linear(self.weights((out, inputs), **kind)))

    def network(self, name: str, side: int, channels: int, bits: int) -> Network:
        """The network, an argmax behind its last layer."""
        self.add(Argmax())
        x = TensorType.codes(side, side, channels, bits, Encoding.UNSIGNED)
        return Network(name, x, tuple(self.nodes))


def chain(
    name: str,
    seed: int,
    *,
    side: int,
    channels: tuple[int, ...],
    kernel: int = 3,
    bits: int = 1,
    x_bits: int = 8,
    **kind: int,
) -> Network:
    """Convolutions with thresholds of ``bits``, pooling behind each, and a linear layer."""
    b, cin, size = RandomNetwork(seed), 1, side
    for position, out in enumerate(channels):
        weights = kind if position else {}
        b.conv(out, cin, kernel, tau=weights.get("tau", 0), repeats=weights.get("repeats", 0))
        b.sign(out, 40 if position else 400, bits)
        b.add(MaxPool2d())
        cin, size = out, size // 2
    b.add(Flatten())
    b.linear(10, cin * size * size)
    return b.network(name, side, 1, x_bits)


def dense(name: str, seed: int, sizes: tuple[int, ...], bits: int = 1, **kind: int) -> Network:
    """Linear layers."""
    b = RandomNetwork(seed)
    b.add(Flatten())
    for inputs, out in pairwise(sizes):
        b.linear(out, inputs, **kind)
        b.sign(out, 30, bits)
    b.linear(10, sizes[-1])
    side = round(sizes[0] ** 0.5)
    return b.network(name, side, 1, 1)


def scaled(name: str, seed: int) -> Network:
    """A 1x1 and a strided convolution, scale and offset on the logits."""
    b = RandomNetwork(seed)
    b.conv(16, 1, 5, stride=2)
    b.sign(16, 200)
    b.conv(24, 16, 1)
    b.sign(24, 6)
    b.conv(32, 24, 3, stride=2)
    b.sign(32, 30)
    b.add(Flatten())
    b.linear(10, 32 * 16)
    scale = b.rng.integers(1, 50, 10)
    b.add(Affine(scale, b.rng.integers(-99, 99, 10)))
    return b.network(name, 16, 1, 4)


def residual(name: str, seed: int, channels: int, bits: int) -> Network:
    """A block with a way round it, and pooling over all pixels."""
    b = RandomNetwork(seed)
    b.conv(channels, 1)
    x = b.sign(channels, 400, bits)
    b.conv(channels, channels)
    b.sign(channels, 40, bits)
    b.conv(channels, channels)
    b.add(Add(), b.last, x)
    b.sign(channels, 40, bits)
    b.add(GlobalAvgPool())
    b.sign(channels, 20, 4)
    b.add(Flatten())
    b.linear(10, channels)
    return b.network(name, 8, 1, 8)


def test_networks() -> list[Callable[[], Network]]:
    """Ten that the calibration has not seen."""
    return [
        lambda: chain("plain", 1, side=16, channels=(16, 32)),
        lambda: chain("codebook", 2, side=16, channels=(16, 32), tau=5),
        lambda: chain("tiled", 3, side=16, channels=(16, 32), repeats=4),
        lambda: chain("two-bit", 4, side=8, channels=(16, 32), bits=2),
        lambda: chain("four-bit", 5, side=8, channels=(8, 16), bits=4),
        lambda: chain("wide", 6, side=8, channels=(32, 64)),
        lambda: dense("dense", 7, (256, 128, 64)),
        lambda: dense("dense-tiled", 8, (256, 128, 128), repeats=4),
        lambda: scaled("strided", 9),
        lambda: residual("residual", 10, 16, 2),
    ]


def calibration_networks() -> list[Callable[[], Network]]:
    """Others, that the calibration is made from."""
    return [
        lambda: chain("plain", 101, side=8, channels=(24, 24)),
        lambda: chain("codebook", 102, side=8, channels=(16, 48), tau=4),
        lambda: chain("tiled", 103, side=8, channels=(32, 32), repeats=2),
        lambda: chain("two-bit", 104, side=16, channels=(8, 24), bits=2),
        lambda: chain("three-bit", 105, side=8, channels=(8, 16), bits=3),
        lambda: dense("dense", 106, (144, 96, 48)),
        lambda: scaled("strided", 107),
        lambda: residual("residual", 108, 8, 1),
    ]


def resnet18(side: int = 224, classes: int = 1000, seed: int = 0) -> Network:
    """ResNet-18 with binary weights and activations, a 5x5 first layer on 8-bit pixels."""
    b = RandomNetwork(seed)
    b.conv(64, 3, 5, stride=2)
    b.sign(64, 500)
    x = b.add(MaxPool2d())
    cin = 64
    for stage, out in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stage and not block else 1
            b.conv(out, cin, stride=stride, source=x)
            b.sign(out, 50)
            y = b.conv(out, out)
            if stride == 2:
                x = b.conv(out, cin, 1, stride=2, source=x)
            b.add(Add(), y, x)
            x, cin = b.sign(out, 50), out
    b.add(GlobalAvgPool())
    b.sign(cin, 5, 2)
    b.add(Flatten())
    b.linear(classes, cin)
    return b.network("resnet18", side, 3, 8)
