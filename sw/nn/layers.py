"""Layers of 1- to 8-bit networks in torch: what an export turns into the layers of a Network.

In eval mode each computes the integer dot product exactly and then, per output, the real factors in
float arithmetic element by element, so that the export can fold them without a rounding difference.
"""

from collections.abc import Sequence
from typing import TypedDict, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from subbit.sw.errors import NetworkError
from subbit.sw.ir import Padding
from subbit.sw.ir.window import NO_PADS, Pads, Side, Window, as_pair
from subbit.sw.nn.activations import (
    Activation,
    QuantActivation,
    Range,
    SignActivation,
    check_bits,
)
from subbit.sw.nn.codebook import CodebookEncoder
from subbit.sw.nn.encoders import DEFAULT_MIN_SIZE, Encoder, PlainEncoder, TiledEncoder
from subbit.sw.nn.quantised import PlanesEncoder, QuantEncoder

__all__ = [
    "Activation",
    "BatchNorm",
    "BinaryConv2d",
    "BinaryLinear",
    "CodebookConv2d",
    "CodedConv2d",
    "CodedLinear",
    "DepthwiseConv2d",
    "DotLayer",
    "Flatten",
    "Geometry",
    "MaxPool2d",
    "PlanesEncoder",
    "QuantActivation",
    "QuantConv2d",
    "QuantEncoder",
    "QuantLinear",
    "Range",
    "Scale",
    "SignActivation",
    "TiledConv2d",
    "TiledLinear",
]

PAD_SIGNS = {Padding.MINUS: -1, Padding.PLUS: 1}
EXACT_FLOAT32 = 1 << 24


class Geometry(TypedDict, total=False):
    """Options of every convolution.

    ``stride`` (1), ``dilation`` (1), ``padding`` (none), ``pads`` (those that are usual) and
    ``groups`` of the channels (1) as in the Network's layer, ``integers`` as in the layer that
    takes them; ``input_bits``: width of the bipolar codes that it reads (1), which says how great
    the -1 or +1 of ``Padding.MINUS`` and ``Padding.PLUS`` is.
    """

    stride: Side
    padding: Padding
    input_bits: int
    integers: bool
    dilation: Side
    pads: Pads | None
    groups: int


def shape_of(
    channels: int, outputs: int, kernel: Side, geometry: Geometry
) -> tuple[int, int, int, int]:
    """The shape of a convolution's weights; raises NetworkError where its groups do not fit."""
    groups = geometry.get("groups", 1)
    if type(groups) is not int or groups < 1 or channels % groups or outputs % groups:
        raise NetworkError(
            f"the groups of a convolution divide its {channels} channels and {outputs} outputs, "
            f"and {groups!r} does not"
        )
    return (outputs, channels // groups, *as_pair(kernel))


def per_channel(factors: Tensor, like: Tensor) -> Tensor:
    """``(channels,)`` shaped to multiply ``(n, channels, ...)``."""
    return factors.reshape(-1, *[1] * (like.ndim - 2))


class DotLayer(nn.Module):
    """Base: ``y[o] = factor[o] * dot(weights[o], x)``, or without the factor if ``integers``.

    A sum of several dot products, as in average pooling and residual joins, needs ``integers``; the
    BatchNorm behind it takes up the factor.
    """

    pad_value = 0

    def __init__(self, encoder: Encoder, *, integers: bool = False) -> None:
        super().__init__()
        self.encoder, self.integers = encoder, integers

    def dot(self, x: Tensor, weights: Tensor) -> Tensor:
        """The dot products of the integer weights with ``x``."""
        raise NotImplementedError

    def apply_factors(self, dots: Tensor, factors: Tensor) -> Tensor:
        """The real output for integer dot products ``(n, out, ...)``."""
        return dots if self.integers else dots * per_channel(factors, dots)

    def exact_dot(self, x: Tensor, weights: Tensor) -> Tensor:
        """The dot products, each the integer nearest to it that the type of ``x`` holds.

        Partial sums below 2**24 are exact in float32; rounding guards against libraries that
        compute convolutions with fractions.
        """
        most = max(float(x.abs().max()), abs(self.pad_value))
        if float(weights.abs().flatten(1).sum(1).max()) * most < EXACT_FLOAT32:
            return self.dot(x, weights).round()
        return self.dot(x.double(), weights.double()).round().to(x.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` holds integers: what an activation hands on, or the codes of the network's
        input.
        """
        weights, factors = self.encoder()
        dots = self.dot(x, weights) if self.training else self.exact_dot(x, weights)
        return self.apply_factors(dots, factors)


class CodedConv2d(DotLayer):
    """Convolution of ``(n, in, H, W)``; ``padding`` as in the Network: none, zero, minus or plus.

    ``kernel`` of the classes made of it: its rows and columns, one number for both or two.
    """

    def __init__(self, encoder: Encoder, **geometry: Unpack[Geometry]) -> None:
        super().__init__(encoder, integers=geometry.get("integers", False))
        self.stride, self.dilation = geometry.get("stride", 1), geometry.get("dilation", 1)
        self.groups, self.pads = geometry.get("groups", 1), geometry.get("pads")
        self.padding = Padding(geometry.get("padding", Padding.NONE))
        self.input_bits = check_bits("the inputs of a convolution", geometry.get("input_bits", 1))
        self.pad_value = PAD_SIGNS.get(self.padding, 0) * ((1 << self.input_bits) - 1)

    def dot(self, x: Tensor, weights: Tensor) -> Tensor:
        """See DotLayer."""
        rows, columns = weights.shape[2:]
        bare = Window((rows, columns), as_pair(self.stride), as_pair(self.dilation))
        pads = NO_PADS if self.padding is Padding.NONE else self.pads or bare.usual_pads
        above, left, below, right = pads
        around = (above, left)
        if self.pad_value or around != (below, right):
            x, around = functional.pad(x, (left, right, above, below), value=self.pad_value), (0, 0)
        return functional.conv2d(
            x,
            weights,
            stride=bare.strides,
            padding=around,
            dilation=bare.dilations,
            groups=self.groups,
        )


class BinaryConv2d(CodedConv2d):
    """Convolution with plain binary weights."""

    def __init__(
        self, channels: int, outputs: int, kernel: Side = 3, **geometry: Unpack[Geometry]
    ) -> None:
        super().__init__(PlainEncoder(shape_of(channels, outputs, kernel, geometry)), **geometry)


class QuantConv2d(CodedConv2d):
    """Convolution with weights of ``bits`` bits; see QuantEncoder."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        kernel: Side = 3,
        *,
        bits: int,
        **geometry: Unpack[Geometry],
    ) -> None:
        shape = shape_of(channels, outputs, kernel, geometry)
        super().__init__(QuantEncoder(shape, bits=bits), **geometry)


class DepthwiseConv2d(CodedConv2d):
    """Convolution of every channel with a kernel of its own, weights of ``bits`` bits."""

    def __init__(
        self, channels: int, kernel: Side = 3, *, bits: int = 1, **geometry: Unpack[Geometry]
    ) -> None:
        geometry = {**geometry, "groups": channels}
        shape = shape_of(channels, channels, kernel, geometry)
        super().__init__(QuantEncoder(shape, bits=bits), **geometry)


class CodebookConv2d(CodedConv2d):
    """3x3 convolution whose kernels are among ``2**tau`` learned codewords."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        tau: int,
        seed: int = 0,
        **geometry: Unpack[Geometry],
    ) -> None:
        shape = shape_of(channels, outputs, 3, geometry)
        encoder = CodebookEncoder(shape, tau=tau, seed=seed)
        super().__init__(encoder, **geometry)


class TiledConv2d(CodedConv2d):
    """Convolution whose weights are one tile repeated; see TiledEncoder."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        kernel: Side = 3,
        *,
        repeats: int,
        min_size: int = DEFAULT_MIN_SIZE,
        scale_bits: int = 4,
        **geometry: Unpack[Geometry],
    ) -> None:
        shape = shape_of(channels, outputs, kernel, geometry)
        encoder = TiledEncoder(shape, repeats=repeats, min_size=min_size, scale_bits=scale_bits)
        super().__init__(encoder, **geometry)


class CodedLinear(DotLayer):
    """Fully connected layer, ``(n, in)`` to ``(n, out)``."""

    def dot(self, x: Tensor, weights: Tensor) -> Tensor:
        """See DotLayer."""
        return functional.linear(x, weights)


class BinaryLinear(CodedLinear):
    """Linear layer with plain binary weights; ``shared``: one factor for all outputs, as logits
    need no Affine.
    """

    def __init__(self, inputs: int, outputs: int, *, shared: bool = False) -> None:
        super().__init__(PlainEncoder((outputs, inputs), shared=shared))


class QuantLinear(CodedLinear):
    """Linear layer with weights of ``bits`` bits; one factor for all outputs, see QuantEncoder."""

    def __init__(self, inputs: int, outputs: int, *, bits: int, integers: bool = False) -> None:
        super().__init__(QuantEncoder((outputs, inputs), bits=bits), integers=integers)


class TiledLinear(CodedLinear):
    """Linear layer whose weights are one tile repeated; see TiledEncoder."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        repeats: int,
        min_size: int = DEFAULT_MIN_SIZE,
        scale_bits: int = 4,
    ) -> None:
        shape = (outputs, inputs)
        super().__init__(
            TiledEncoder(shape, repeats=repeats, min_size=min_size, scale_bits=scale_bits)
        )


class BatchNorm(_BatchNorm):
    """torch's batch normalisation of ``(n, channels, ...)``, in eval mode ``x * scale + shift``
    element by element.

    ``positive``: the factors count by magnitude, so that the result rises with ``x`` and pooling
    may stand before or behind it. The library's own kernels may fuse or reorder that by the layout
    of x; these two steps round the same for all.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, *, positive: bool = False) -> None:
        super().__init__(num_features, eps)
        self.positive = positive

    def _check_input_dim(self, input: Tensor) -> None:
        return None

    def forward(self, input: Tensor) -> Tensor:
        """Normalised ``input``."""
        assert self.running_mean is not None
        assert self.running_var is not None
        factor = self.weight.abs() if self.positive else self.weight
        if self.training:
            mean, var, momentum = self.running_mean, self.running_var, self.momentum or 0.1
            return functional.batch_norm(
                input, mean, var, factor, self.bias, True, momentum, self.eps
            )
        scale = factor / torch.sqrt(self.running_var + self.eps)
        shift = self.bias - self.running_mean * scale
        return input * per_channel(scale, input) + per_channel(shift, input)


class Scale(nn.Module):
    """One learned positive factor for the whole tensor, ``exp(log) * step``: the temperature of
    integer logits.

    ``step`` is fixed: the real size of the integers that come in, so that ``log`` means the same at
    every precision.
    """

    def __init__(self, initial: float = 1.0, step: float = 1.0) -> None:
        super().__init__()
        self.log, self.step = nn.Parameter(torch.tensor(initial).log()), step

    def forward(self, x: Tensor) -> Tensor:
        """``x * exp(log) * step``."""
        return x * (self.log.exp() * self.step)


class MaxPool2d(nn.Module):
    """The greatest of each window, of 2x2 blocks where nothing is said; behind an activation, or
    between the dot product, BatchNorm and the activation.

    ``kernel_size``, ``stride`` (windows side by side for None), ``padding`` and ``ceil_mode`` are
    torch's.
    """

    dilation = 1

    def __init__(
        self,
        kernel_size: Side = 2,
        stride: Side | None = None,
        padding: Side = 0,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, H, W)`` to ``(n, c, H', W')``."""
        options = (self.kernel_size, self.stride, self.padding, 1, self.ceil_mode)
        return functional.max_pool2d(x, *options)


class Flatten(nn.Module):
    """``(n, c, H, W)`` to ``(n, H*W*c)`` in the order of the hardware's stream: row, column,
    channel.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The flat tensor."""
        return x.permute(0, 2, 3, 1).flatten(1)


def chain(*parts: nn.Module | Sequence[nn.Module]) -> nn.Sequential:
    """The parts, lists of them included, one after the other."""
    flat: list[nn.Module] = []
    for part in parts:
        flat.extend([part] if isinstance(part, nn.Module) else part)
    return nn.Sequential(*flat)
