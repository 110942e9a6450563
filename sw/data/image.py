"""Picture files as arrays: what a viewer would show, whatever the file's format and depth."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from subbit.sw.errors import DataError
from subbit.sw.loading import loading

__all__ = ["FORMATS", "MAX_PIXELS", "load_image", "read_image", "scale_image"]

# Raster formats whose decoders run within Pillow; others, as EPS, start programs.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "PPM", "WEBP")
MAX_PIXELS = 1 << 24
MAX_BYTES = 1 << 28
KINDS = "name a PNG, JPEG, BMP, GIF, TIFF, PPM, PGM or WebP file"
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601
Reals = NDArray[np.float32]


def load_image(path: Path, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """The image in ``path`` as uint8 ``[height][width][channels]``, scaled if it has another size.

    ``channels``: 1 (grey) or 3 (red, green, blue). Raises DataError, see read_image.
    """
    image = scale_image(read_image(path, channels), height, width)
    return np.rint(255 * image).astype(np.uint8)


def read_image(path: Path, channels: int | None = None) -> Reals:
    """The picture in ``path`` as brightness from 0 (black) to 1 (white), ``[height][width][c]``.

    ``channels``: 1 (grey), 3 (red, green, blue), or None for what the file has. 16 bits are read as
    such, real numbers by the least of 1, 255 and 65535 that they do not exceed. The picture is
    turned as its EXIF data say. Transparent parts become white, or black where what is opaque is
    lighter than middle grey, so that it stays to be seen. Of several pictures in a file the first
    counts. Raises DataError if the file is missing, none of FORMATS, damaged, larger than
    16,777,216 pixels, or of a depth without a known range.
    """
    if channels not in (None, 1, 3):
        raise DataError(f"an image file has 1 or 3 channels; the network wants {channels}")
    if not path.exists():
        raise DataError(f"there is no image {path}; check the path")
    with loading(path, DataError, f"it is not an image that can be read ({{reason}}); {KINDS}"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = decode(path)
        return in_channels(*brightness(image), channels)


def decode(path: Path) -> Image.Image:
    """The first picture of the file, upright."""
    if not path.is_file():
        raise DataError("it is not an image but a folder or a device; name a file")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"it is larger than {MAX_BYTES} bytes; scale it down")
    try:
        # By path, Pillow maps uncompressed TIFFs into memory, and takes turned ones row by column.
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"it has {image.width}x{image.height} pixels, more than {MAX_PIXELS}; "
                    "scale it down"
                )
            image.load()
            upright = ImageOps.exif_transpose(image)
            upright.format = image.format
            return upright
    except UnidentifiedImageError:
        raise DataError(f"it is not an image of a known kind; {KINDS}") from None


def brightness(image: Image.Image) -> tuple[Reals, Reals | None]:
    """The channels of a picture from 0 to 1, ``[h][w][1 or 3]``, and how opaque it is."""
    if image.mode.startswith("I") or image.mode == "F":
        numbers = np.asarray(image)
        hidden = image.info.get("transparency")
        alpha = (numbers != hidden).astype(np.float32) if isinstance(hidden, int) else None
        return (numbers / full_scale(image, numbers)).astype(np.float32)[..., None], alpha
    grey = image.mode in ("1", "L", "LA", "La")
    clear = image.has_transparency_data
    mode = {(True, False): "L", (True, True): "LA", (False, False): "RGB", (False, True): "RGBA"}
    levels = np.asarray(image.convert(mode[grey, clear])).astype(np.float32) / np.float32(255)
    levels = levels[..., None] if levels.ndim == 2 else levels
    return (levels[..., :-1], levels[..., -1]) if clear else (levels, None)


def full_scale(image: Image.Image, numbers: NDArray[np.generic]) -> int:
    """The number that stands for white in a picture of more than 8 bits or of real numbers."""
    if image.mode.startswith("I;16"):
        return 65535
    low, high = float(numbers.min()), float(numbers.max())
    if image.mode == "I" and image.format in ("PNG", "PPM") and 0 <= low <= high <= 65535:
        return 65535
    if image.mode == "F" and low >= 0:
        for top in (1, 255, 65535):
            if high <= top:
                return top
    raise DataError(
        f"its numbers go from {low:g} to {high:g}, which says nothing of black and white; "
        "save it with 8 or 16 bits"
    )


def in_channels(levels: Reals, alpha: Reals | None, channels: int | None) -> Reals:
    """The picture on its background, in as many channels as are wanted."""
    if alpha is not None:
        levels = on_background(levels, alpha)
    if channels == 1 and levels.shape[2] == 3:
        levels = (levels @ np.array(GREY, np.float32))[..., None]
    if channels == 3 and levels.shape[2] == 1:
        levels = np.repeat(levels, 3, axis=2)
    return levels


def on_background(levels: Reals, alpha: Reals) -> Reals:
    """The picture in front of white, or of black where its opaque parts are light."""
    weight = float(alpha.sum())
    mean = float((levels.mean(axis=2) * alpha).sum()) / weight if weight else 0.0
    return levels * alpha[..., None] + (0.0 if mean > 0.5 else 1.0) * (1 - alpha[..., None])


def scale_image(image: Reals, height: int, width: int) -> Reals:
    """``image`` ``[y][x][c]`` in another size: what lies in a pixel is averaged where it shrinks,
    and pixels are joined by lines where it grows.
    """
    if image.shape[:2] == (height, width):
        return image
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    filter_ = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize((width, height), filter_))
        for plane in np.moveaxis(image, 2, 0)
    ]
    scaled: Reals = np.clip(np.stack(planes, axis=2), 0, 1)
    return scaled
