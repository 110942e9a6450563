"""Small networks with random parameters, one for each encoding and kind of padding."""

import numpy as np

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
    Node,
    Pad,
    Padding,
    PlanesWeights,
    Select,
    TensorType,
    Upsample,
    Weights,
)
from tests.parts import binary, codebook, threshold, tiled

__all__ = [
    "GRAPHS",
    "NETWORKS",
    "block_network",
    "decoder_network",
    "pooled_network",
    "residual_network",
    "shapes_network",
    "small_network",
    "sums_network",
]


def planes(chance: np.random.Generator) -> Weights:
    """Weights of three bits: a codebook, a tile, and plain ones."""
    tile = tiled(chance, (12, 8, 3, 3), 4)
    return PlanesWeights((codebook(chance, 12, 8), tile, binary(chance, 12, 8, 3, 3)))


def small_network(name: str, seed: int = 1) -> Network:
    """The network of that name, one of NETWORKS."""
    chance = np.random.default_rng(seed)
    x = TensorType.codes(8, 8, 1, 4, Encoding.UNSIGNED)
    stem = Conv2d(binary(chance, 8, 1, 3, 3), 1, Padding.ZERO)
    body = {
        "plain": lambda: Conv2d(binary(chance, 12, 8, 3, 3), 1, Padding.ZERO),
        "codebook": lambda: Conv2d(codebook(chance, 12, 8, 4), 1, Padding.MINUS),
        "tiled": lambda: Conv2d(tiled(chance, (12, 8, 3, 3), 4), 1, Padding.PLUS),
        "strided": lambda: Conv2d(tiled(chance, (12, 8, 5, 5), 3), 2, Padding.ZERO),
        "bits": lambda: Conv2d(binary(chance, 12, 8, 3, 3), 1, Padding.ZERO),
        "planes": lambda: Conv2d(planes(chance), 1, Padding.ZERO),
    }[name]()
    side = 2 if body.stride == 1 else 1
    head = binary(chance, 10, 12 * side * side)
    if name == "tiled":
        head = tiled(chance, (10, 12 * side * side), 4, top=3)
    few = {"bits": 2, "planes": 2}.get(name, 1)
    encoding = Encoding.UNSIGNED if name == "planes" else Encoding.BIPOLAR
    if name == "planes":
        head = PlanesWeights((head, binary(chance, *head.shape)))
    layers = {
        "conv1": stem,
        "act1": threshold(chance, 8, 40, few, encoding),
        "pool1": MaxPool2d(),
        "conv2": body,
        "act2": threshold(chance, 12, 12, 3 if name == "planes" else 1),
        "pool2": MaxPool2d(),
        "flatten": Flatten(),
        "fc": Linear(head),
    }
    if name == "strided":
        layers["affine"] = Affine(chance.integers(-9, 9, 10), chance.integers(-99, 99, 10))
    return Network.chain(name, x, layers | {"argmax": Argmax()})


NETWORKS = ("plain", "codebook", "tiled", "strided", "bits", "planes")


def graph(name: str, x: TensorType, layers: dict[str, tuple[Layer, str]]) -> Network:
    """A network from its layers, each with the names of what it reads, blanks between."""
    nodes = [Node(key, layer, tuple(reads.split())) for key, (layer, reads) in layers.items()]
    return Network(name, x, tuple(nodes))


def residual_network(seed: int = 1) -> Network:
    """Two residual blocks of two convolutions, one past the identity and one past a 1x1 convolution
    of stride 2; a sum over the map, and a linear layer.
    """
    chance = np.random.default_rng(seed)
    x = TensorType.codes(6, 6, 2, 4, Encoding.UNSIGNED)
    layers: dict[str, tuple[Layer, str]] = {
        "conv1": (Conv2d(binary(chance, 4, 2, 3, 3), 1, Padding.ZERO), INPUT),
        "act1": (threshold(chance, 4, 60, 2), "conv1"),
        "conv2": (Conv2d(binary(chance, 4, 4, 3, 3), 1, Padding.ZERO), "act1"),
        "act2": (threshold(chance, 4, 20, 2), "conv2"),
        "conv3": (Conv2d(binary(chance, 4, 4, 3, 3), 1, Padding.ZERO), "act2"),
        "add1": (Add(0, 2), "conv3 act1"),
        "act3": (threshold(chance, 4, 20, 2), "add1"),
        "conv4": (Conv2d(binary(chance, 6, 4, 3, 3), 2, Padding.ZERO), "act3"),
        "act4": (threshold(chance, 6, 20, 1), "conv4"),
        "conv5": (Conv2d(binary(chance, 6, 6, 3, 3), 1, Padding.ZERO), "act4"),
        "skip": (Conv2d(binary(chance, 6, 4, 1, 1), 2), "act3"),
        "scale": (Affine(chance.integers(1, 5, 6), chance.integers(-9, 9, 6)), "skip"),
        "add2": (Add(), "conv5 scale"),
        "act5": (threshold(chance, 6, 30, 2), "add2"),
        "pool": (GlobalAvgPool(), "act5"),
        "act6": (threshold(chance, 6, 9, 3), "pool"),
        "fc": (Linear(binary(chance, 10, 6)), "act6"),
        "argmax": (Argmax(), "fc"),
    }
    return graph("residual", x, layers)


def block_network(seed: int = 1) -> Network:
    """A residual block of two convolutions past the identity, and a linear layer."""
    chance = np.random.default_rng(seed)
    x = TensorType.codes(6, 6, 2, 4, Encoding.UNSIGNED)
    layers: dict[str, tuple[Layer, str]] = {
        "conv1": (Conv2d(binary(chance, 4, 2, 3, 3), 1, Padding.ZERO), INPUT),
        "act1": (threshold(chance, 4, 60, 2), "conv1"),
        "conv2": (Conv2d(binary(chance, 4, 4, 3, 3), 1, Padding.ZERO), "act1"),
        "act2": (threshold(chance, 4, 20, 2), "conv2"),
        "conv3": (Conv2d(binary(chance, 4, 4, 3, 3), 1, Padding.ZERO), "act2"),
        "add1": (Add(0, 2), "conv3 act1"),
        "pool": (GlobalAvgPool(), "add1"),
        "fc": (Linear(binary(chance, 5, 4)), "pool"),
        "argmax": (Argmax(), "fc"),
    }
    return graph("block", x, layers)


def pooled_network(seed: int = 1) -> Network:
    """Depthwise convolutions of one and of two bits, average pooling of codes and of integers, an
    image that two layers read, a stream that three do, and classes from a sum over the map.
    """
    chance = np.random.default_rng(seed)
    x = TensorType.codes(9, 9, 2, 4, Encoding.UNSIGNED)
    planes = (binary(chance, 4, 1, 3, 3), binary(chance, 4, 1, 3, 3))
    layers: dict[str, tuple[Layer, str]] = {
        "half": (AvgPool2d(2), INPUT),
        "stem": (Conv2d(binary(chance, 2, 2, 3, 3), 2, Padding.ZERO), INPUT),
        "crop": (AvgPool2d(2, 1), "stem"),
        "both": (Add(0, 1), "half crop"),
        "act1": (threshold(chance, 2, 90, 2), "both"),
        "wide": (Conv2d(binary(chance, 4, 2, 1, 1)), "act1"),
        "act2": (threshold(chance, 4, 4, 2), "wide"),
        "dw1": (DepthwiseConv2d(binary(chance, 4, 1, 3, 3), 1, Padding.ZERO), "act2"),
        "act3": (threshold(chance, 4, 9, 1), "dw1"),
        "dw2": (DepthwiseConv2d(PlanesWeights(planes), 1, Padding.MINUS), "act3"),
        "add1": (Add(), "dw2 act2"),
        "add2": (Add(1), "act2 add1"),
        "act4": (threshold(chance, 4, 30, 2), "add2"),
        "fc": (Conv2d(binary(chance, 10, 4, 1, 1)), "act4"),
        "sum": (GlobalAvgPool(), "fc"),
        "argmax": (Argmax(), "sum"),
    }
    return graph("pooled", x, layers)


def sums_network(seed: int = 1) -> Network:
    """Weights that meet sums as they are: a convolution behind average pooling, a linear layer
    behind a sum over the map; paddings that are not the same on all sides.
    """
    chance = np.random.default_rng(seed)
    x = TensorType.codes(8, 9, 2, 3, Encoding.UNSIGNED)
    layers: dict[str, tuple[Layer, str]] = {
        "conv1": (Conv2d(binary(chance, 4, 2, 3, 3), 1, Padding.ZERO, (0, 0, 1, 1)), INPUT),
        "act1": (threshold(chance, 4, 30, 2), "conv1"),
        "dw": (DepthwiseConv2d(binary(chance, 4, 1, 3, 3), 2, Padding.ZERO, (0, 1, 1, 0)), "act1"),
        "act2": (threshold(chance, 4, 12, 2), "dw"),
        "conv2": (Conv2d(binary(chance, 4, 4, 3, 3), 1, Padding.MINUS, (1, 1, 1, 0)), "act2"),
        "act3": (threshold(chance, 4, 30, 2), "conv2"),
        "mean": (AvgPool2d(2, 1), "act3"),
        "conv3": (Conv2d(binary(chance, 4, 4, 3, 3), 1, Padding.ZERO, (1, 0, 0, 1)), "mean"),
        "sum": (GlobalAvgPool(), "conv3"),
        "fc": (Linear(binary(chance, 10, 4)), "sum"),
        "argmax": (Argmax(), "fc"),
    }
    return graph("sums", x, layers)


def shapes_network(seed: int = 1) -> Network:
    """Windows of many shapes: a 7x7 stem of stride 2, 3x3 pooling of stride 2 with padding, groups,
    oblong, even and dilated kernels, a padded average, and pooling of a whole map.
    """
    chance = np.random.default_rng(seed)
    x = TensorType.codes(12, 14, 2, 4, Encoding.UNSIGNED)
    around, dilated = (0, 0, 1, 1), (2, 3, 2, 0)
    layers: dict[str, tuple[Layer, str]] = {
        "stem": (Conv2d(binary(chance, 4, 2, 7, 7), 2, Padding.ZERO), INPUT),
        "act1": (threshold(chance, 4, 300, 2), "stem"),
        "pool1": (MaxPool2d(3, 2, (1, 1, 1, 1)), "act1"),
        "groups": (Conv2d(binary(chance, 6, 2, 2, 2), 1, Padding.PLUS, around, 1, 2), "pool1"),
        "act2": (threshold(chance, 6, 12, 1), "groups"),
        "dw": (DepthwiseConv2d(binary(chance, 6, 1, 1, 4), 1, Padding.ZERO), "act2"),
        "mean": (AvgPool2d((3, 2), (1, 2), (1, 1, 1, 0)), "dw"),
        "act3": (threshold(chance, 6, 9, 1), "mean"),
        "gaps": (Conv2d(binary(chance, 4, 6, 3, 2), 1, Padding.ZERO, dilated, (2, 3)), "act3"),
        "act4": (threshold(chance, 4, 12, 2), "gaps"),
        "pool2": (MaxPool2d((3, 3)), "act4"),
        "flatten": (Flatten(), "pool2"),
        "fc": (Linear(binary(chance, 10, 4)), "flatten"),
        "argmax": (Argmax(), "fc"),
    }
    return graph("shapes", x, layers)


def decoder_network(seed: int = 1) -> Network:
    """A small encoder and decoder: channels are selected and shuffled, upsampled, concatenated with
    those of a longer path and with others of unlike types, and get a border; in the end each pixel
    has a class.
    """
    chance = np.random.default_rng(seed)
    x = TensorType.codes(6, 6, 2, 4, Encoding.UNSIGNED)
    layers: dict[str, tuple[Layer, str]] = {
        "conv1": (Conv2d(binary(chance, 8, 2, 3, 3), 1, Padding.ZERO), INPUT),
        "act1": (threshold(chance, 8, 60, 2), "conv1"),
        "low": (Select.slice(0, 4), "act1"),
        "mix": (Select.shuffle(8, 2), "act1"),
        "conv2": (Conv2d(binary(chance, 6, 8, 3, 3), 2, Padding.ZERO), "mix"),
        "act2": (threshold(chance, 6, 20, 1), "conv2"),
        "up": (Upsample(2, 2), "act2"),
        "fine": (DepthToSpace(2, 2), "mix"),
        "less": (MaxPool2d(), "fine"),
        "join": (Concat(), "low up less input"),
        "act3": (threshold(chance, 14, 9, 2), "join"),
        "edge": (Pad(1, 0, 0, 1, -1), "act3"),
        "conv3": (Conv2d(binary(chance, 4, 14, 3, 3)), "edge"),
        "argmax": (Argmax(), "conv3"),
    }
    return graph("decoder", x, layers)


GRAPHS = {
    "residual": residual_network,
    "pooled": pooled_network,
    "shapes": shapes_network,
    "decoder": decoder_network,
}
