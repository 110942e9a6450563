"""Layers of binary networks in torch: what an export turns into the layers of a Network.

In eval mode each computes the integer dot product exactly and then, per output, the real factors in
float arithmetic element by element, so that the export can fold them without a rounding difference.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from subbit.sw.ir import Padding
from subbit.sw.nn.codebook import CodebookEncoder
from subbit.sw.nn.encoders import DEFAULT_MIN_SIZE, Encoder, PlainEncoder, TiledEncoder
from subbit.sw.nn.ste import approx_sign

__all__ = [
    "BatchNorm",
    "BinaryConv2d",
    "BinaryLinear",
    "CodebookConv2d",
    "CodedConv2d",
    "CodedLinear",
    "DotLayer",
    "Flatten",
    "MaxPool2d",
    "Scale",
    "SignActivation",
    "TiledConv2d",
    "TiledLinear",
]

PAD_VALUES = {Padding.ZERO: 0.0, Padding.MINUS: -1.0, Padding.PLUS: 1.0}


def per_channel(factors: Tensor, like: Tensor) -> Tensor:
    """``(channels,)`` shaped to multiply ``(n, channels, ...)``."""
    return factors.reshape(-1, *[1] * (like.ndim - 2))


class DotLayer(nn.Module):
    """Base: ``y[o] = factor[o] * dot(weights[o], x)``."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def dot(self, x: Tensor, weights: Tensor) -> Tensor:
        """The dot products of the integer weights with ``x``."""
        raise NotImplementedError

    def apply_factors(self, dots: Tensor, factors: Tensor) -> Tensor:
        """The real output for integer dot products ``(n, out, ...)``."""
        return dots * per_channel(factors, dots)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` holds integers: -1 and +1, or the unsigned codes of the network's input."""
        weights, factors = self.encoder()
        dots = self.dot(x, weights)
        # Integers below 2**24 are exact in float32; rounding guards against libraries that compute
        # convolutions with fractions.
        return self.apply_factors(dots if self.training else dots.round(), factors)


class CodedConv2d(DotLayer):
    """Square convolution; ``padding`` as in the Network: none, zero, minus or plus. ``(n, in, H,
    W)``.
    """

    def __init__(
        self, encoder: Encoder, *, stride: int = 1, padding: Padding = Padding.NONE
    ) -> None:
        super().__init__(encoder)
        self.stride, self.padding = stride, Padding(padding)

    def dot(self, x: Tensor, weights: Tensor) -> Tensor:
        """See DotLayer."""
        pad = 0 if self.padding is Padding.NONE else weights.shape[-1] // 2
        if self.padding in (Padding.MINUS, Padding.PLUS):
            x, pad = functional.pad(x, (pad,) * 4, value=PAD_VALUES[self.padding]), 0
        return functional.conv2d(x, weights, stride=self.stride, padding=pad)


class BinaryConv2d(CodedConv2d):
    """Convolution with plain binary weights."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        padding: Padding = Padding.NONE,
    ) -> None:
        encoder = PlainEncoder((outputs, channels, kernel, kernel))
        super().__init__(encoder, stride=stride, padding=padding)


class CodebookConv2d(CodedConv2d):
    """3x3 convolution whose kernels are among ``2**tau`` learned codewords."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        tau: int,
        seed: int = 0,
        stride: int = 1,
        padding: Padding = Padding.NONE,
    ) -> None:
        encoder = CodebookEncoder((outputs, channels, 3, 3), tau=tau, seed=seed)
        super().__init__(encoder, stride=stride, padding=padding)


class TiledConv2d(CodedConv2d):
    """Convolution whose weights are one tile repeated; see TiledEncoder."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        kernel: int = 3,
        *,
        repeats: int,
        min_size: int = DEFAULT_MIN_SIZE,
        scale_bits: int = 4,
        stride: int = 1,
        padding: Padding = Padding.NONE,
    ) -> None:
        shape = (outputs, channels, kernel, kernel)
        encoder = TiledEncoder(shape, repeats=repeats, min_size=min_size, scale_bits=scale_bits)
        super().__init__(encoder, stride=stride, padding=padding)


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
    """One learned positive factor for the whole tensor, ``exp(log)``: the temperature of integer
    logits.
    """

    def __init__(self, initial: float = 1.0) -> None:
        super().__init__()
        self.log = nn.Parameter(torch.tensor(initial).log())

    def forward(self, x: Tensor) -> Tensor:
        """``x * exp(log)``."""
        return x * self.log.exp()


class SignActivation(nn.Module):
    """sign(x), sign(0) = +1, with the quadratic straight-through gradient."""

    def forward(self, x: Tensor) -> Tensor:
        """-1 or +1."""
        return approx_sign(x)


class MaxPool2d(nn.Module):
    """The greatest of each 2x2 block; after a sign, or between the dot product, BatchNorm and the
    sign.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, H, W)`` to ``(n, c, H // 2, W // 2)``."""
        return functional.max_pool2d(x, 2)


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
