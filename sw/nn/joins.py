"""Sums in integers: average pooling, and paths that join."""

from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.errors import NetworkError

__all__ = ["AvgPool2d", "GlobalAvgPool", "Residual"]


class AvgPool2d(nn.Module):
    """The integer sum of each ``kernel`` x ``kernel`` block; the BatchNorm behind it divides.

    It stands behind an activation, or behind a dot product with ``integers``.
    """

    def __init__(self, kernel: int = 2, stride: int | None = None) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, kernel if stride is None else stride
        if min(self.kernel, self.stride) < 1:
            raise NetworkError(
                f"average pooling takes a kernel and a stride of at least 1, not {kernel}, {stride}"
            )

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, H, W)`` to the sums of its blocks; a last part block is dropped."""
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
