"""Modules of tiled layers that compute what the paper says, and their checkpoints."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.cli import app


class Tiled:
    """Weights of a module with scores: a tile, and the mean magnitudes of its repeats."""

    weight: nn.Parameter
    scores: nn.Parameter
    p: int
    single = False

    def real(self) -> Tensor:
        """The weights, by a loop over the repeats."""
        parts = self.scores.detach().flatten().chunk(self.p)
        tile = torch.where(sum(parts[1:], parts[0]) > 0, 1.0, -1.0)
        means = [part.abs().mean() for part in self.weight.detach().flatten().chunk(self.p)]
        if self.single:
            means = [self.weight.detach().abs().mean()] * self.p
        return torch.cat([tile * mean for mean in means]).reshape(self.weight.shape)

    def packed(self) -> tuple[Tensor, Tensor]:
        """The tile as signs, and the alphas."""
        flat = self.real().flatten()
        size = flat.numel() // self.p
        return flat[:size].sign().long(), flat[::size].abs()


class Conv(nn.Conv2d, Tiled):
    """A convolution without bias."""

    def __init__(self, channels: int, outputs: int, kernel: int, p: int) -> None:
        super().__init__(channels, outputs, kernel, padding=kernel // 2, bias=False)
        self.scores, self.p = nn.Parameter(torch.randn_like(self.weight)), p

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.real(), None, 1, self.padding)


class Fc(nn.Linear, Tiled):
    """A linear layer without bias."""

    def __init__(self, channels: int, outputs: int, p: int) -> None:
        super().__init__(channels, outputs, bias=False)
        self.scores, self.p = nn.Parameter(torch.randn_like(self.weight)), p

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.real())


def network(seed: int = 1) -> nn.Sequential:
    """Layers of p 1, 4, 2, a plain one, and one of p 3 whose tiles cross outputs."""
    torch.manual_seed(seed)
    layers = (Conv(3, 8, 3, 1), Conv(8, 8, 3, 4), Fc(8, 6, 2), nn.Linear(6, 5), Fc(6, 4, 3))
    return nn.Sequential(*layers)


REPEATS = {"0": 1, "1": 4, "2": 2, "4": 3}


def saved(module: nn.Module, folder: Path) -> Path:
    """The module's checkpoint."""
    path = folder / "net.pth"
    torch.save({"epoch": 3, "state_dict": module.state_dict()}, path)
    return path


def command(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    """The report that the command prints."""
    assert app.run(["import", *map(str, words), "--rule", "tiled", "--json"]) == 0
    return json.loads(capsys.readouterr().out)
