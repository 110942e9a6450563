"""A float network of torch's own layers for the digits, trained when it is asked for.

    subbit quantise examples/own-model/my_float.py:trained --weight-bits 2

A network of one's own would load its weights here instead of training them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.data import load_dataset

WHITE = 15  # the brightest code of a digit, which is 1 for the network


class Float(nn.Module):
    """Pixels from 0 to 1, ``(n, channels, h, w)``, to logits."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.body = nn.Conv2d(16, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.hidden = nn.Linear(16 * 4 * 4, 32)
        self.logits = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        x = functional.relu(self.norm(self.stem(x)))
        x = self.pool(functional.relu(self.body(x) + x))
        return self.logits(functional.relu(self.hidden(torch.flatten(x, 1))))


def trained(channels: int, classes: int, epochs: int = 5) -> nn.Module:
    """The network after so many epochs on the digits."""
    digits = load_dataset("digits", "train")
    images = torch.from_numpy(digits.images).permute(0, 3, 1, 2).float().clamp(max=WHITE) / WHITE
    labels = torch.from_numpy(digits.labels)
    module = Float(channels, classes).train()
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    for _ in range(epochs):
        for chosen in torch.randperm(len(labels)).split(64):
            loss = functional.cross_entropy(module(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return module.eval()
