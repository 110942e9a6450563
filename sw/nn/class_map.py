"""A module with a class for each pixel: trained on its logits, exported with the choice."""

from torch import Tensor, nn

__all__ = ["ClassMap", "exportable"]


class ClassMap(nn.Module):
    """The class with the greatest logit for each pixel; the lowest one on ties."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Codes ``(n, channels, h, w)`` to classes ``(n, h, w)``."""
        logits: Tensor = self.body(x)
        return logits.argmax(1)


def exportable(module: nn.Module, maps: bool) -> nn.Module:
    """What becomes a network of a trained module: of one for class ``maps`` the choice, too."""
    return ClassMap(module) if maps else module
