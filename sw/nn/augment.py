"""Random shifts, rotations and scalings of training images."""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Augmentation", "augment"]


@dataclass(frozen=True)
class Augmentation:
    """Greatest shift in pixels, rotation in degrees and relative scaling of a training image."""

    shift: float = 0.0
    degrees: float = 0.0
    scale: float = 0.0


def augment(codes: Tensor, options: Augmentation, top: int, generator: torch.Generator) -> Tensor:
    """Codes ``(n, c, H, W)`` of 0..``top``, each image moved at random; the results are codes
    again.
    """
    if options == Augmentation():
        return codes
    count = len(codes)
    draws = 2 * torch.rand(count, 4, generator=generator) - 1
    angle = draws[:, 0] * options.degrees * pi / 180
    size = 1 + draws[:, 1] * options.scale
    # affine_grid counts in half images: -1 to 1 is the whole side.
    shift = draws[:, 2:] * options.shift * 2 / codes.shape[-1]
    cosine, sine = angle.cos() * size, angle.sin() * size
    rows = [
        torch.stack([cosine, -sine, shift[:, 0]], 1),
        torch.stack([sine, cosine, shift[:, 1]], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(codes.shape), align_corners=False)
    return functional.grid_sample(codes, grid, align_corners=False).round().clamp(0, top)
