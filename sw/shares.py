"""Shares and how sure they are: what is printed of a number of right images."""

from math import sqrt
from typing import Any

__all__ = ["Z", "sampled", "share_text", "wilson"]

# The normal distribution has 95 % within so many standard deviations.
Z = 1.959964


def wilson(correct: int, images: int) -> tuple[float, float]:
    """The interval that covers the share right of all images with 95 % confidence, from ``correct``
    of ``images`` drawn ones (Wilson's score interval).

    It leaves out that they were drawn by classes and without repetition, which make it narrower.
    """
    if not images:
        return 0.0, 1.0
    share, spread = correct / images, Z * Z / images
    middle = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / images + spread / (4 * images)) / (1 + spread)
    low = 0.0 if correct == 0 else max(0.0, middle - half)
    return low, 1.0 if correct == images else min(1.0, middle + half)


def sampled(correct: int, images: int, population: int, seed: int) -> dict[str, Any]:
    """What JSON says of a share beside it, where ``images`` are a drawn part of ``population``; an
    empty object where they are all of them.
    """
    if images >= population:
        return {}
    low, high = wilson(correct, images)
    return {"of": population, "seed": seed, "interval": [round(low, 6), round(high, 6)]}


def share_text(correct: int, images: int, population: int | None = None, seed: int = 1) -> str:
    """``355 of 359 images right (98.89 %)``, and of a drawn part also how sure that is."""
    share = correct / images if images else 0.0
    text = f"{correct} of {images} images right ({share:.2%})"
    if population is None or images >= population:
        return text
    low, high = wilson(correct, images)
    return (
        f"{text}, drawn from {population} by class with seed {seed}: {low:.2%} to {high:.2%} of "
        "all with 95 % confidence"
    )
