"""Sums in integers, average pooling, and paths that join in sums or side by side."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw import ir
from subbit.sw.errors import NetworkError
from subbit.sw.ir.window import NO_PADS, Pads, Side

__all__ = ["AvgPool2d", "Concat", "GlobalAvgPool", "Residual", "Select"]


class AvgPool2d(nn.Module):
    """The integer sum of each window of ``kernel`` rows and columns, one number for both or two,
    side by side or ``stride`` apart; the BatchNorm behind it divides. ``pads``: zeros above, left
    of, below and right of the map.

    It stands behind an activation, or behind a dot product with ``integers``.
    """

    def __init__(self, kernel: Side = 2, stride: Side | None = None, pads: Pads = NO_PADS) -> None:
        super().__init__()
        layer = ir.AvgPool2d(kernel, kernel if stride is None else stride, pads)
        self.kernel, self.stride, self.pads = layer.kernel, layer.stride, layer.pads

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, H, W)`` to the sums of its windows; a last part of one is dropped."""
        above, left, below, right = self.pads
        x = functional.pad(x, (left, right, above, below)) if any(self.pads) else x
        # A division by 1 does nothing, so that these are the sums themselves.
        sums = functional.avg_pool2d(x, self.kernel, self.stride, divisor_override=1)
        return sums if self.training else sums.round()


class GlobalAvgPool(nn.Module):
    """The integer sum of every channel's map; where AvgPool2d stands."""

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, H, W)`` to ``(n, c, 1, 1)``."""
        sums = x.sum((2, 3), keepdim=True)
        return sums if self.training else sums.round()


class Residual(nn.Module):
    """``body(x) + 2**shift * shortcut(x)``, both integers: two paths from one tensor, and their
    join.

    Each path ends in a dot product with ``integers``, average pooling, another join, or an
    activation; without ``shortcut`` it is x itself. A BatchNorm and an activation follow the join.
    ``shift``, 0 to 24, brings the short path to the scale of the body's dot products.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, shift: int = 0) -> None:
        super().__init__()
        self.body, self.shift = body, shift
        self.shortcut = nn.Sequential() if shortcut is None else shortcut

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both paths' outputs, of equal shape."""
        one, other = self.body(x), self.shortcut(x)
        if one.shape != other.shape:
            raise NetworkError(
                f"the paths of a residual join end in {tuple(one.shape)[1:]} and "
                f"{tuple(other.shape)[1:]}; they need one shape"
            )
        total: Tensor = one + (1 << self.shift) * other
        return total


class Concat(nn.Module):
    """The channels of several paths from one tensor, one behind the other; a path that is an empty
    Sequential is the tensor itself.

    Each path ends in an activation, or in integers as those of a Residual do. Where all end in
    activations of one encoding, the widest bits are those of the result. An activation, or a layer
    with weights, follows.
    """

    def __init__(self, *paths: nn.Module) -> None:
        super().__init__()
        if len(paths) < 2:
            raise NetworkError(f"a concatenation takes 2 paths or more, not {len(paths)}")
        self.paths = nn.ModuleList(paths)

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, H, W)`` to the outputs of all paths, beside each other along the channels."""
        return torch.cat([path(x) for path in self.paths], 1)


class Select(nn.Module):
    """The channels that are named, in that order: ``y[:, k] = x[:, channels[k]]``."""

    channels: Tensor

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("channels", torch.as_tensor(list(channels), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, H, W)`` to ``(n, k, H, W)``."""
        return x[:, self.channels]
