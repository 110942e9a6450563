"""Training a Network on: its integers as a torch module, and the trained module as a Network.

For chains of binary layers with one-bit activations. Weights stay in their encoding: a codebook
layer trains latent kernels and codewords by the rules of subbit.sw.nn.codebook.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import cos, pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.errors import NetworkError
from subbit.sw.importers.torch.export import export
from subbit.sw.ir import (
    Argmax,
    BinaryWeights,
    CodebookWeights,
    Conv2d,
    Encoding,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Node,
    Threshold,
    TiledWeights,
    Weights,
)
from subbit.sw.nn import layers
from subbit.sw.nn.activations import SignActivation
from subbit.sw.nn.codebook import CodebookEncoder
from subbit.sw.nn.encoders import Encoder, PlainEncoder, TiledEncoder

__all__ = ["Training", "as_module", "finetune", "from_module", "trained_module"]

LATENT = 0.1
CALIBRATION = 200
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Training:
    """How to train: ``epochs``, or instead ``steps`` of one batch each; images a ``batch``,
    greatest rate ``lr``, ``seed``; images are mirrored at random if ``mirror``.
    """

    epochs: int = 1
    steps: int | None = None
    batch: int = 100
    lr: float = 1e-3
    seed: int = 1
    mirror: bool = False


def finetune(
    network: Network,
    codes: Images,
    labels: NDArray[np.int64],
    training: Training,
    told: Callable[[int, int, float], object] | None = None,
) -> Network:
    """The network of trained_module, whose arguments and errors these are."""
    return from_module(network, trained_module(network, codes, labels, training, told))


def trained_module(
    network: Network,
    codes: Images,
    labels: NDArray[np.int64],
    training: Training,
    told: Callable[[int, int, float], object] | None = None,
) -> nn.Sequential:
    """The network as a module, trained on codes ``[n][h][w][c]`` and labels, with Adam and a rate
    that falls as a cosine.

    ``told`` gets steps done, steps in all, and the loss. Raises NetworkError where the network is
    no chain of binary layers with one-bit activations, or where the rate is so high that training
    diverges.
    """
    module = as_module(network, codes[:CALIBRATION])
    x = torch.from_numpy(np.ascontiguousarray(codes)).permute(0, 3, 1, 2)
    y = torch.from_numpy(labels)
    generator = torch.Generator().manual_seed(training.seed)
    batches = max(len(y) // training.batch, 1)
    total = training.steps or batches * training.epochs
    optimizer = torch.optim.Adam(module.parameters(), lr=training.lr)
    module.train()
    for step in range(total):
        if step % batches == 0:
            order = torch.randperm(len(y), generator=generator)
        place = step % batches * training.batch
        chosen = order[place : place + training.batch]
        optimizer.param_groups[0]["lr"] = training.lr * 0.5 * (1 + cos(pi * step / total))
        loss = functional.cross_entropy(module(batch_of(x[chosen], training, generator)), y[chosen])
        if not loss.isfinite():
            raise NetworkError(f"training diverged in step {step + 1}; take a lower rate with --lr")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if told is not None:
            told(step + 1, total, float(loss.detach()))
    return module.eval()


def batch_of(x: Tensor, training: Training, generator: torch.Generator) -> Tensor:
    """The images as floats, half of them mirrored if the settings say so."""
    x = x.float()
    if not training.mirror:
        return x
    flip = torch.rand(len(x), generator=generator) < 0.5
    return torch.where(flip[:, None, None, None], x.flip(3), x)


def as_module(network: Network, codes: Images) -> nn.Sequential:
    """A module that computes what the network does, for input codes as floats ``(n, c, h, w)``.

    Its norms have the statistics of ``codes`` ``[n][h][w][c]``. A module's part has the name of the
    layer; a threshold is a norm and a sign, the logits a scale. Raises NetworkError, see finetune.
    """
    module = nn.Sequential()
    x = torch.from_numpy(np.ascontiguousarray(codes)).permute(0, 3, 1, 2).float()
    last = "input"
    for node in network.nodes:
        if node.inputs != (last,):
            raise NetworkError(f"layer {node.name!r} joins paths; only chains can be trained on")
        last = node.name
        flat = isinstance(node.layer, Linear) and x.ndim == 4
        for name, part in parts_of(node, x.flatten(1) if flat else x):
            if flat and name == node.name:
                module.add_module(f"{node.name}_flat", layers.Flatten())
                x = x.flatten(1)
            module.add_module(name, part.eval())
            with torch.no_grad():
                x = part(x)
    return module


def parts_of(node: Node, x: Tensor) -> list[tuple[str, nn.Module]]:
    """The modules that a layer becomes, whose input is ``x``."""
    layer, name = node.layer, node.name
    if isinstance(layer, Conv2d):
        encoder = encoder_of(name, layer.weights)
        convolution = layers.CodedConv2d(
            encoder,
            stride=layer.stride,
            padding=layer.padding,
            pads=layer.pads,
            dilation=layer.dilation,
            groups=layer.groups,
            integers=True,
        )
        return [(name, convolution)]
    if isinstance(layer, Linear):
        return [(name, layers.CodedLinear(encoder_of(name, layer.weights), integers=True))]
    if isinstance(layer, Threshold) and layer.levels == 1 and layer.encoding is Encoding.BIPOLAR:
        return [(f"{name}_norm", norm_of(layer, x)), (name, SignActivation())]
    if isinstance(layer, MaxPool2d):
        if layer.pads[:2] != layer.pads[2:]:
            raise NetworkError(f"layer {name!r} pads unevenly, which torch's pooling does not")
        kernel, stride, pads = layer.kernel, layer.stride, layer.pads[:2]
        return [(name, layers.MaxPool2d(kernel, stride, pads))]
    if isinstance(layer, Flatten):
        return [(name, layers.Flatten())]
    if isinstance(layer, Argmax):
        return [(name, layers.Scale(1.0 / float(x.std().clamp(min=1e-3))))]
    raise NetworkError(
        f"layer {name!r} ({layer.kind}) cannot be trained on; only binary layers with one-bit "
        "activations can"
    )


def encoder_of(name: str, weights: Weights) -> Encoder:
    """Trainable weights that start as these."""
    dense = torch.from_numpy(weights.dense()).float()
    if isinstance(weights, CodebookWeights):
        made = CodebookEncoder(weights.shape, tau=weights.tau)
        words = 2.0 * torch.from_numpy(weights.codewords.copy()).float().flatten(1) - 1
        made.patterns.data.copy_(words)
        made.memory.copy_(words)
        made.latent.data.copy_(LATENT * dense)
        return made
    if isinstance(weights, TiledWeights) and weights.rows_shared and not weights.scaled:
        tiled = TiledEncoder(weights.shape, repeats=weights.repeats, min_size=0)
        tiled.scores.data.copy_(LATENT * dense)
        return tiled
    if isinstance(weights, BinaryWeights):
        plain = PlainEncoder(weights.shape)
        plain.latent.data.copy_(LATENT * dense)
        return plain
    raise NetworkError(f"the {weights.encoding} weights of layer {name!r} cannot be trained on")


def norm_of(layer: Threshold, x: Tensor) -> layers.BatchNorm:
    """A norm whose sign is the threshold's: the limit halfway between two integers."""
    numbers = x.transpose(0, 1).flatten(1)
    mean, deviation = numbers.mean(1), numbers.std(1).clamp(min=1.0)
    sign = 2.0 * torch.from_numpy(layer.rising.copy()).float() - 1
    limit = torch.from_numpy(layer.thresholds[:, 0].copy()).float() - 0.5
    norm = layers.BatchNorm(len(mean))
    norm.running_mean = mean
    norm.running_var = deviation**2
    norm.weight.data.copy_(sign)
    norm.bias.data.copy_(sign * (mean - limit) / deviation)
    return norm


def from_module(network: Network, module: nn.Sequential) -> Network:
    """The network with weights and thresholds of a module that as_module made of it."""
    module.eval()
    made = export(module, network.input_type, network.name)
    dots = layers_of(made, Conv2d, Linear)
    thresholds = layers_of(made, Threshold)
    nodes: list[Node] = []
    for node in network.nodes:
        layer: Layer = node.layer
        if isinstance(layer, Conv2d | Linear):
            layer = replace(layer, weights=weights_of(next(dots)))
        elif isinstance(layer, Threshold):
            layer = next(thresholds)
        nodes.append(Node(node.name, layer, node.inputs))
    return Network(network.name, network.input_type, tuple(nodes), network.metadata)


def layers_of(network: Network, *kinds: type[Layer]) -> Iterator[Layer]:
    """The layers of these kinds, in their order."""
    return iter([node.layer for node in network.nodes if isinstance(node.layer, kinds)])


def weights_of(layer: Layer) -> Weights:
    """The weights of a layer of dot products."""
    assert isinstance(layer, Conv2d | Linear)
    return layer.weights
