"""Draw the pictures in this folder: test images of scikit-learn's digits as ordinary PNGs.

    .venv/bin/python examples/pictures/draw.py

Each is the first image of its class in the test set that no network has trained on: 8x8 numbers
from 0 to 16, enlarged to 128x128 pixels of 8 bits, white on black. The last one is black ink on
transparent ground, as drawing programs save it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from subbit.sw.data import load_dataset

SIDE = 128
NAMES = {"zero": 0, "three": 3, "seven": 7, "nine": 9}
INK = "five-in-ink"


def drawn(digit: int) -> Image.Image:
    """The first test image of a class, 8 bits deep and SIDE pixels wide."""
    test = load_dataset("digits", "test")
    levels: NDArray[np.uint8] = test.images[test.labels == digit][0][..., 0]
    grey = np.rint(levels * (255 / test.white)).astype(np.uint8)
    return Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def in_ink(digit: int) -> Image.Image:
    """The same in black on nothing."""
    black = Image.new("L", (SIDE, SIDE), 0)
    return Image.merge("LA", (black, drawn(digit)))


def pictures() -> dict[str, Image.Image]:
    """All pictures by the names of their files."""
    found = {name: drawn(digit) for name, digit in NAMES.items()}
    return found | {INK: in_ink(5)}


if __name__ == "__main__":
    for name, picture in pictures().items():
        picture.save(Path(__file__).with_name(f"{name}.png"), optimize=True)
