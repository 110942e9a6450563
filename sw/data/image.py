"""Single image files as arrays of pixels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from subbit.sw.errors import DataError

__all__ = ["load_image", "open_image"]

MAX_PIXELS = 1 << 24
MODES = {1: "L", 3: "RGB"}


def load_image(path: Path, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """The image in ``path`` as uint8 ``[height][width][channels]``, scaled if it has another size.

    ``channels``: 1 (grey) or 3 (red, green, blue). Raises DataError if the file is missing, no
    image, or larger than 16,777,216 pixels.
    """
    with open_image(path, channels) as image:
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(image, np.uint8).reshape(height, width, channels)


def open_image(path: Path, channels: int | None = None) -> Image.Image:
    """The decoded image, grey or RGB; None takes whichever the file is. Raises DataError."""
    if channels not in (None, *MODES):
        raise DataError(f"an image file has 1 or 3 channels; the network wants {channels}")
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"{path} has {image.width}x{image.height} pixels, more than "
                    f"{MAX_PIXELS}; scale it down"
                )
            grey = image.mode in ("1", "L", "LA", "I", "I;16")
            return image.convert(MODES[channels or (1 if grey else 3)])
    except FileNotFoundError:
        raise DataError(f"there is no image {path}; check the path") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        raise DataError(f"{path} is not an image that can be read; name a PNG or JPEG") from None
