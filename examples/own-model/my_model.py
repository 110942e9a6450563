"""A model of one's own for small pictures: a residual block in a forward, and torch's own layers.

subbit preview examples/own-model/my_model.py:Net
subbit train examples/own-model/my_model.py:Net --board ulx3s
"""

from torch import Tensor, nn
from torch.nn import functional

from subbit.layers import BatchNorm, BinaryConv2d, BinaryLinear, Scale, SignActivation


class Block(nn.Module):
    """Two binary convolutions whose integers are added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = BinaryConv2d(channels, channels, padding="minus")
        self.norm = BatchNorm(channels)
        self.sign = SignActivation()
        self.second = BinaryConv2d(channels, channels, padding="minus", integers=True)
        self.end = nn.Sequential(BatchNorm(channels), SignActivation())

    def forward(self, x: Tensor) -> Tensor:
        """Signs ``(n, channels, h, w)`` in and out."""
        y = self.second(self.sign(self.norm(self.first(x))))
        return self.end(y + 8 * x)


class Net(nn.Module):
    """Codes of pixels ``(n, channels, height, width)`` to logits ``(n, classes)``."""

    def __init__(self, channels: int, height: int, width: int, classes: int) -> None:
        super().__init__()
        self.stem = BinaryConv2d(channels, 24, padding="zero")
        self.start = nn.Sequential(nn.BatchNorm2d(24), SignActivation())
        self.block = Block(24)
        self.dropout = nn.Dropout(0.1)
        features = 24 * (height // 2) * (width // 2)
        self.logits = nn.Sequential(nn.Flatten(), BinaryLinear(features, classes, shared=True))
        self.scale = Scale(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        x = self.block(self.start(self.stem(x)))
        x = functional.max_pool2d(x, 2)
        return self.scale(self.logits(self.dropout(x)))
