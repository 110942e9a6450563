"""A recipe's network in float: the same layers with real weights and ReLUs."""

from torch import nn

from subbit.sw.ir import Padding
from subbit.sw.nn import layers

__all__ = ["float_twin"]


def float_twin(module: nn.Sequential) -> nn.Sequential:
    """A new network of the sizes of ``module``, a Sequential of our layers, to compare it with.

    Layers with weights get real ones, drawn from torch's random numbers, activations become ReLUs,
    padding is with 0, and all else is as it is there. Both take the same codes.
    """
    return nn.Sequential(*(twin_of(part) for part in module))


def twin_of(part: nn.Module) -> nn.Module:
    """The float layer in a layer's place."""
    if isinstance(part, layers.CodedConv2d):
        return float_convolution(part)
    if isinstance(part, layers.CodedLinear):
        outputs, inputs = part.encoder.shape
        return nn.Linear(inputs, outputs)
    if isinstance(part, layers.BatchNorm):
        return layers.BatchNorm(part.num_features)
    if isinstance(part, layers.SignActivation | layers.QuantActivation):
        return nn.ReLU()
    return part


def float_convolution(part: layers.CodedConv2d) -> nn.Module:
    """torch's convolution with the geometry of ours."""
    outputs, inputs, rows, columns = part.encoder.shape
    padded = part.padding is not Padding.NONE
    return nn.Conv2d(
        inputs * part.groups,
        outputs,
        (rows, columns),
        stride=part.stride,
        padding=(rows // 2, columns // 2) if padded else 0,
        dilation=part.dilation,
        groups=part.groups,
        bias=False,
    )
