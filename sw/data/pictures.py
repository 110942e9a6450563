"""Folders of pictures by class, of any sizes: scaled to one, in grey or colour."""

import contextlib
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from subbit.sw.data.class_folders import Files, has_parts, holds, list_files
from subbit.sw.data.image import FORMATS, MAX_PIXELS, load_image, read_image
from subbit.sw.data.source import DataOptions, Kind, Reading, Source, check_size, int_in
from subbit.sw.errors import DataError

__all__ = ["PICTURE_FILES", "Pictures"]

PICTURE_FILES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".webp"}
)
# Pictures of one size that is at most this keep it; all others become squares of SIDE.
MOST_SIDE = 64
SIDE = 32
LOOKED_AT = 200
MAX_SIDE = 1024
ORIENTATION, TURNED = 0x0112, 5  # of EXIF; from 5 on, height and width are exchanged
GREY_MODES = ("1", "L", "LA", "La", "F")
# JPEG rounds the colours of grey pictures by a few steps.
GREY_WITHIN = 8


class Pictures(Kind):
    """Pictures in a sub-folder for each class, with or without ``train/`` and ``test/`` above."""

    name = "folder"
    what = "a folder of pictures by class"
    family = "pictures"
    inside = "pictures"

    def is_it(self, path: Path) -> bool:
        """Whether a sub-folder holds a picture."""
        return holds(path, PICTURE_FILES)

    def parts(self, path: Path) -> tuple[str, ...]:
        """By the names of the sub-folders."""
        return ("train", "test") if has_parts(path) else ("all",)

    def look(self, path: Path, options: DataOptions) -> Reading:
        """``height``, ``width`` and ``channels``: as said, or what up to 200 pictures have where
        that is one size of at most 64 pixels a side, or else 32x32; three channels where one of
        them has colours.
        """
        files = list_files(path, self.parts(path)[0], PICTURE_FILES, "pictures")
        step = -(-len(files.paths) // LOOKED_AT)
        seen = [size_of(found) for found in files.paths[::step]]
        shapes = Counter((height, width) for height, width, _ in seen)
        height, width = next(iter(shapes))
        if len(shapes) > 1 or max(height, width) > MOST_SIDE:
            height = width = SIDE
        height, width = options.size or (height, width)
        colour = options.colour
        if colour is None:
            colour = any(channels == 3 for _, _, channels in seen)
        return {"height": height, "width": width, "channels": 3 if colour else 1}

    def check(self, reading: Reading) -> None:
        """Height, width and channels."""
        if reading.keys() != {"height", "width", "channels"} or reading["channels"] not in (1, 3):
            raise DataError(
                "the network's 'reading' of pictures must have 'height', 'width' and 'channels' 1 "
                "or 3; train it again"
            )
        int_in(reading, "channels", 1, 3)
        int_in(reading, "height", 1, MAX_SIDE)
        int_in(reading, "width", 1, MAX_SIDE)

    def open(self, path: Path, part: str, reading: Reading) -> Source:
        """The pictures, each read when it is asked for."""
        files = list_files(path, part, PICTURE_FILES, "pictures")
        shape = (reading["height"], reading["width"], reading["channels"])
        check_size(path, len(files.paths), shape)

        def read(places: NDArray[np.int64]) -> NDArray[Any]:
            return read_all(files, places, shape)

        return Source(files.labels, files.classes, read, files.names)


def read_all(
    files: Files, places: NDArray[np.int64], shape: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """The pictures at these places as uint8 of one shape."""
    images = np.empty((len(places), *shape), np.uint8)
    for row, place in enumerate(places.tolist()):
        images[row] = load_image(files.paths[place], *shape)
    return images


def size_of(path: Path) -> tuple[int, ...]:
    """Height, width and channels of a picture, from its header, and from its pixels whether it has
    colours; raises DataError where it cannot be read.
    """
    with contextlib.suppress(Exception), warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height <= MAX_PIXELS:
                turned = image.getexif().get(ORIENTATION, 1) >= TURNED
                size = image.size if turned else image.size[::-1]
                grey = image.mode in GREY_MODES or image.mode.startswith("I") or is_grey(image)
                return *size, 1 if grey else 3
    return read_image(path).shape


def is_grey(image: Image.Image) -> bool:
    """Whether red, green and blue of a small copy are nearly the same everywhere."""
    image.draft("RGB", (SIDE, SIDE))
    small = np.asarray(image.convert("RGB").resize((SIDE, SIDE))).astype(np.int64)
    return int((small.max(axis=2) - small.min(axis=2)).max()) <= GREY_WITHIN
