"""Arrays as pictures inside a page: PNG in the address of an image."""

import base64
import io
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

__all__ = ["as_grey", "bit_picture", "picture", "png"]


def png(pixels: NDArray[np.uint8]) -> bytes:
    """``[y][x]`` or ``[y][x][3]``, 0 to 255, as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def bit_png(bits: NDArray[np.integer[Any]]) -> bytes:
    """``[y][x]`` of 0 and 1 as a PNG of a bit for each pixel, 1 white."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(bits, np.uint8) * np.uint8(255)).convert("1").save(
        buffer, "PNG", optimize=True
    )
    return buffer.getvalue()


def as_grey(numbers: NDArray[np.integer[Any]], low: int, high: int) -> NDArray[np.uint8]:
    """``low`` to ``high`` as 0 to 255."""
    span = max(high - low, 1)
    scaled = (np.asarray(numbers, np.float64) - low) * (255 / span)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def picture(pixels: NDArray[np.uint8], about: str, scale: int = 1) -> Markup:
    """An image of the page, each pixel ``scale`` of the screen's wide; ``about`` says what it
    shows.
    """
    return image(png(pixels), pixels.shape[:2], about, scale)


def bit_picture(bits: NDArray[np.integer[Any]], about: str, scale: int = 1) -> Markup:
    """The same of bits, 1 white and 0 black."""
    return image(bit_png(bits), bits.shape[:2], about, scale)


def image(content: bytes, sides: tuple[int, ...], about: str, scale: int) -> Markup:
    """The element with its content."""
    address = "data:image/png;base64," + base64.b64encode(content).decode()
    height, width = (scale * side for side in sides)
    return Markup('<img src="{}" alt="{}" width="{}" height="{}" class="pixels">').format(
        address, about, width, height
    )
